// Cookie mode across two host names of one site, in a real browser: what is shared, what a stranger's site can do, fixation.

import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { AppPage, startApp } from "../lib/app.js";
import { launchBrowser } from "../lib/browser.js";
import { startMailServer } from "../lib/mail.js";
import { makeAddress, PromotionPages } from "../lib/person.js";
import { startServer } from "../lib/server.js";

const CLIENT = "shop-web";
// Chromium takes *.localhost to this machine, and "shop.localhost" and "evil.localhost" for two sites.
const SITE = "shop.localhost";
const APP_HOST = `www.${SITE}`;
const AUTH_HOST = `auth.${SITE}`;
const EVIL = "http://evil.localhost";

const makeProject = (app) => (port) => `
[project]
id = "shop"
public_origin = "http://${AUTH_HOST}:${port}"

[authentication]
identities = ["login_id", "anonymous"]

[http]
cookie_domain = "${SITE}"

[[oauth.clients]]
client_id = "${CLIENT}"
name = "Shop"
x_application_type = "traditional_webapp"
redirect_uris = ["${app}/cookie/after"]
post_logout_redirect_uris = ["${app}/cookie/goodbye"]
`;

describe("cookies on two host names of one site", () => {
  let browser, mail, app, server, auth;
  let people = [];
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    app = await startApp({ host: APP_HOST, settings: () => ({ endpoint: auth, clientID: CLIENT }) });
    server = await startServer({ smtpPort: mail.port, makeProject: makeProject(app.origin) });
    auth = `http://${AUTH_HOST}:${server.port}`;
  });
  after(() => Promise.all([browser?.close(), mail?.stop(), app?.stop(), server?.stop()]));
  afterEach(async () => {
    const leaving = people;
    people = [];
    for (const person of leaving) await person.context.close();
  });

  async function openPerson() {
    const person = await browser.openPerson();
    people.push(person);
    return { ...person, page: new AppPage(person.page) };
  }

  /** A person who is a guest of the shop. */
  async function openGuest() {
    const person = await openPerson();
    await person.page.open(`${app.origin}/cookie/`);
    const { sub } = await person.page.authenticateAnonymously();
    return { ...person, sub };
  }

  /** The status of UserInfo with a session cookie, asked without a browser. */
  async function askWith(value) {
    const headers = { host: `${AUTH_HOST}:${server.port}`, cookie: `session=${value}` };
    const [answer] = await once(get({ host: "127.0.0.1", port: server.port, path: "/oauth2/userinfo", headers }), "response");
    answer.resume();
    return answer.statusCode;
  }

  const findSession = async ({ context }) => (await context.cookies(app.origin)).find(({ name }) => name === "session");

  /** Opens a page of a stranger's site that holds this HTML. */
  async function openEvil({ context }, html) {
    await context.route(`${EVIL}/**`, (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><title>Prizes</title>${html}` }));
    const page = await context.newPage();
    await page.goto(`${EVIL}/`);
    return page;
  }

  async function assertStillGuest(person) {
    await person.page.open(`${app.origin}/cookie/`);
    const info = await person.page.fetchUserInfo();
    assert.deepEqual([info.sub, info.isAnonymous], [person.sub, true]);
  }

  test("both host names get the session cookie, and no script does", async () => {
    const guest = await openGuest();
    const cookie = await findSession(guest);
    assert.deepEqual([cookie.domain, cookie.path, cookie.httpOnly, cookie.sameSite], [`.${SITE}`, "/", true, "Lax"]);
    assert.ok(cookie.expires > Date.now() / 1000 + 51 * 7 * 86_400, "it lives as long as the session may");
    const strict = (await guest.context.cookies(auth)).find(({ name }) => name === "same_site_strict");
    assert.deepEqual([strict.domain, strict.sameSite, strict.value], [`.${SITE}`, "Strict", "true"]);
    assert.equal(await guest.page.page.evaluate(() => document.cookie), "");
    await assertStillGuest(guest);
  });

  test("a stranger's site can neither read nor act with the session", async () => {
    const guest = await openGuest();
    const page = await openEvil(guest, "");
    const seen = await page.evaluate(async (auth) => {
      const attempt = (path, init) => fetch(`${auth}${path}`, { credentials: "include", ...init }).then((answer) => answer.text(), () => "refused");
      return [
        await attempt("/oauth2/userinfo"),
        await attempt("/api/anonymous_user/promotion_code", { method: "POST", headers: { "content-type": "application/json" }, body: '{"session_type":"cookie"}' }),
        await attempt("/api/anonymous_user/promotion_code", { method: "POST", headers: { "content-type": "text/plain" }, body: '{"session_type":"cookie"}' }),
      ];
    }, auth);
    assert.deepEqual(seen, ["refused", "refused", "refused"]);
    await assertStillGuest(guest);
  });

  test("a stranger's form or link does not sign anybody out", async () => {
    const guest = await openGuest();
    for (const path of ["/logout", "/oauth2/end_session"]) {
      const page = await openEvil(guest, `<form method="post" action="${auth}${path}"><button>A prize</button></form>`);
      await page.getByRole("button").click();
      await page.waitForURL((url) => url.origin === auth);
      await page.close();
      await assertStillGuest(guest);
    }
    const page = await openEvil(guest, `<a href="${auth}/oauth2/end_session">A prize</a>`);
    await page.getByRole("link").click();
    await page.waitForURL(`${auth}/logout**`);
    await page.getByRole("button").first().waitFor(); // it asks
    await page.close();
    await assertStillGuest(guest);
  });

  test("a link on the site itself signs out without asking, on both host names", async () => {
    const guest = await openGuest();
    const { value } = await findSession(guest);
    await guest.page.logOut({ redirectURI: `${app.origin}/cookie/goodbye` });
    await guest.page.arriveAt(`${app.origin}/cookie/goodbye`);
    assert.equal(await findSession(guest), undefined);
    assert.equal(await askWith(value), 401, "the server forgot it, too");
  });

  test("a session that was planted is worth nothing after the promotion", async () => {
    const attacker = await openGuest();
    const planted = await findSession(attacker);
    assert.equal(await askWith(planted.value), 200);
    const victim = await openPerson();
    await victim.context.addCookies([planted]);
    await victim.page.open(`${app.origin}/cookie/`);
    assert.equal((await victim.page.authenticateAnonymously()).sub, attacker.sub, "the victim uses the attacker's guest");

    const email = makeAddress("victim");
    await victim.page.startPromotion({ redirectURI: `${app.origin}/cookie/after` });
    await new PromotionPages(victim.page.page).complete({ email, receiveCode: mail.receiveCode });
    await victim.page.arriveAt(`${app.origin}/cookie/after`);
    assert.equal((await victim.page.finishPromotion()).email, email);

    assert.notEqual((await findSession(victim)).value, planted.value);
    assert.equal(await askWith(planted.value), 401);
    await attacker.page.open(`${app.origin}/cookie/`);
    assert.notEqual(await attacker.page.fetchUserInfoError(), null, "the attacker is locked out");
  });
});
