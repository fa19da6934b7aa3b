// Apple's answer in a real Chromium: a form that a page of another site posts. The flow's cookie is SameSite=Lax and does not come with
// it, so the post decides nothing: it is answered with a redirect (303) whose navigation (GET) brings the cookie.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { APPLE, startAppleLike } from "../lib/apple_like.js";
import { launchBrowser } from "../lib/browser.js";
import { Guest } from "../lib/guest.js";
import { makeAddress } from "../lib/person.js";
import { startServer } from "../lib/server.js";

/** The app: one page to land on. */
async function startLanding() {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<!doctype html><html lang="en"><title>The app</title><link rel="icon" href="data:,"></html>');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const BUTTON = "Continue with Apple";
const CALLBACK = "/sso/oauth2/callback/apple";
const COOKIE = "oauth_ui";

const makeProject = (landing) => (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"

[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password"]

[[identity.oauth.providers]]
alias = "apple"
type = "apple"
client_id = "${APPLE.client}"
team_id = "${APPLE.team}"
key_id = "${APPLE.key}"

[ui]
name = "Corner Shop"

[[oauth.clients]]
client_id = "web"
name = "Corner Shop"
x_application_type = "spa"
redirect_uris = ["${landing}"]
`;

describe("an account at Apple", () => {
  let browser, apple, server, app, landing, people, origin;
  before(async () => {
    [browser, apple, app] = await Promise.all([launchBrowser(), startAppleLike(), startLanding()]);
    landing = `http://app.localhost:${app.address().port}/landed`;
    const configure = () => `\n[providers]\napple_issuer = "${apple.issuer}"\nprivate_hosts = ["127.0.0.1"]\n`;
    server = await startServer({ makeProject: makeProject(landing), configure });
    origin = `http://localhost:${server.port}`;
    apple.open(`${origin}${CALLBACK}`);
    await server.feed(apple.keyFile, "provider", "set-secret", "--project", "shop", "apple");
    people = [];
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await apple?.stop();
    app?.closeAllConnections();
    app?.close();
  });
  afterEach(async () => {
    const leaving = people;
    people = [];
    for (const person of leaving) await person.leave();
  });

  const heading = (page, name) => page.getByRole("heading", { level: 1, name });
  const button = (page, name) => page.getByRole("button", { name, exact: true });

  async function openPerson() {
    const person = await browser.openPerson();
    people.push(person);
    return person;
  }

  /** Every request to the callback, with what it brought and how it was answered. */
  function watch(context) {
    const seen = [];
    context.on("response", async (response) => {
      const request = response.request();
      if (!new URL(request.url()).pathname.startsWith(CALLBACK)) return;
      const entry = { method: request.method(), url: request.url(), status: response.status() };
      seen.push(entry);
      entry.headers = await request.allHeaders();
    });
    return seen;
  }

  async function signInThere(page, account) {
    await heading(page, "Sign in to Apple ID").waitFor();
    assert.equal(new URL(page.url()).origin, apple.issuer, "another site than the shop's");
    await page.getByLabel("Address").fill(account);
    await button(page, "Sign in").click();
  }

  test("a guest is promoted by a form from another site, and the flow's cookie stays as it is", async () => {
    const guest = await Guest.signUp({ issuer: origin, clientId: "web", redirectUri: landing });
    const { page, context } = await openPerson();
    const seen = watch(context);
    const account = makeAddress("kim");
    await page.goto(await guest.startPromotion());
    await button(page, BUTTON).click();
    await heading(page, "Sign in to Apple ID").waitFor();
    const cookie = (await context.cookies(origin)).find(({ name }) => name.endsWith(COOKIE));
    assert.deepEqual([cookie.sameSite, cookie.httpOnly], ["Lax", true]);
    await signInThere(page, account);
    await page.waitForURL(`${landing}**`);

    const [post, get] = seen;
    assert.deepEqual([seen.length, post.method, post.status, get.method], [2, "POST", 303, "GET"]);
    assert.ok(!(post.headers.cookie ?? "").includes(COOKIE), `the post has no cookie: ${post.headers.cookie}`);
    assert.equal(post.headers["sec-fetch-site"], "cross-site");
    assert.ok(get.headers.cookie.includes(`${COOKIE}=`), "the navigation has it");
    const query = new URL(get.url).searchParams;
    assert.deepEqual([...query.keys()], ["answer"], "the answer is sealed: neither code nor name is in the URL");

    const member = await guest.finishPromotion(page.url());
    assert.deepEqual([member.sub, member.isAnonymous, member.email], [guest.sub, false, account]);
    const after = (await context.cookies(origin)).find(({ name }) => name.endsWith(COOKIE));
    assert.ok(after === undefined || after.sameSite === "Lax");

    // The sealed answer is worth nothing in another browser, and nothing again in this one.
    const thief = await openPerson();
    await thief.page.goto(get.url);
    assert.ok(!thief.page.url().startsWith(landing), thief.page.url());
    assert.equal((await thief.context.cookies(origin)).some(({ name }) => name.endsWith("session")), false);
  });

  test("a member signs in again", async () => {
    const { page } = await openPerson();
    const account = makeAddress("lee");
    for (const round of ["first", "second"]) {
      await page.goto(`${origin}/settings/sign-in`);
      await button(page, BUTTON).click();
      // The provider remembers its own session.
      if (round === "first") await signInThere(page, account);
      await heading(page, "My account").waitFor();
      assert.ok(await page.getByText(account).first().isVisible(), round);
      await page.context().clearCookies({ domain: "localhost" });
    }
  });

  test("a form that another site makes up leads to no account", async () => {
    const { page, context } = await openPerson();
    await page.goto(`${apple.issuer}/auth/keys`);
    await page.setContent(`<form method="post" action="${origin}${CALLBACK}"><input name="state" value="made.up"><input name="code" value="c"><button>Go</button></form>`);
    const seen = watch(context);
    await button(page, "Go").click();
    await page.waitForURL(`${origin}/**`);
    assert.deepEqual(seen.map(({ method, status }) => [method, status]), [["POST", 303], ["GET", 400]]);
    assert.equal((await context.cookies(origin)).some(({ name }) => name.endsWith("session")), false);
  });
});
