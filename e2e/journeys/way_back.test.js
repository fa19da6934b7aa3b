// The way back to the app, where the app's own callback redirects on to another origin (from a bare domain to www, to a
// page of thanks, to an app link). Chromium holds a page's `form-action` against the whole chain of redirects after a
// form, so every form whose answer leaves our origin is sent once, in a real browser.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { addAuthenticator } from "../lib/authenticator.js";
import { launchBrowser } from "../lib/browser.js";
import { Guest } from "../lib/guest.js";
import { startMailServer } from "../lib/mail.js";
import { makeAddress, PASSWORD, PromotionPages } from "../lib/person.js";
import { startServer } from "../lib/server.js";

const NEXT_PASSWORD = "another quiet harbour at night";

const makeProject = (app) => (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"

[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password", "passkey"]
passkey_offer_enabled = true

[[oauth.clients]]
client_id = "web"
name = "Shop"
x_application_type = "spa"
redirect_uris = ["${app}/callback"]
post_logout_redirect_uris = ["${app}/goodbye"]
`;

/** A web server on an origin of its own. */
async function listen(answer) {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("an app that redirects on", () => {
  let browser, mail, server, app, second, landed, person, page, issuer, email;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    second = await listen((request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<!doctype html><title>Landed</title><link rel=icon href='data:,'><h1>Landed</h1>");
    });
    landed = `http://127.0.0.1:${second.port}/landed`;
    // `localhost` and `127.0.0.1` are two sites.
    app = await listen((request, response) => {
      const { pathname, search } = new URL(request.url, "http://localhost");
      response.writeHead(302, { location: `${landed}${pathname}${search}` });
      response.end();
    });
    server = await startServer({ smtpPort: mail.port, makeProject: makeProject(`http://localhost:${app.port}`) });
    issuer = `http://localhost:${server.port}`;
  });
  after(async () => {
    await server?.stop();
    await Promise.all([browser?.close(), mail?.stop(), app?.stop(), second?.stop()]);
  });
  afterEach(() => person?.leave());

  const button = (name) => page.getByRole("button", { name, exact: true });
  const signUpGuest = () => Guest.signUp({ issuer, clientId: "web", redirectUri: `http://localhost:${app.port}/callback` });

  async function openPerson() {
    person = await browser.openPerson();
    page = person.page;
    email = makeAddress("kim");
  }

  /** Waits for the end of the chain, and answers what the app's callback was told. */
  async function land(path = "/callback") {
    await page.waitForURL(`${landed}${path}**`);
    return new URL(page.url());
  }

  /** A promotion up to the page that offers a passkey. */
  async function comeToPasskeyOffer(guest) {
    const pages = new PromotionPages(page);
    await page.goto(await guest.startPromotion());
    await pages.complete({ email, receiveCode: mail.receiveCode });
    await pages.heading("Sign in without a password").waitFor();
  }

  /** The address of a sign-in, with a cookie session if `sso`. */
  const signInAddress = async (more = {}) => {
    const address = new URL(await (await signUpGuest()).startPromotion(more));
    address.searchParams.delete("login_hint");
    if (more.prompt === undefined) address.searchParams.delete("prompt");
    return address.href;
  };

  async function signIn() {
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button("Sign in").click();
  }

  test("gets the person back after a code, skipping, a password, going on, a new password and signing out", async () => {
    await openPerson();
    const guest = await signUpGuest();
    await comeToPasskeyOffer(guest);
    await button("Maybe later").click();
    const code = (await land()).searchParams.get("code");
    assert.ok(code, "the answer came along");

    // The password, with a session in the browser from here on.
    const sso = { x_sso_enabled: "true", x_suppress_idp_session_cookie: "" };
    await page.goto(await signInAddress(sso));
    await signIn();
    assert.ok((await land()).searchParams.get("code"));

    await page.goto(await signInAddress(sso));
    await page.getByRole("heading", { level: 1, name: "Continue with this account?" }).waitFor();
    await button("Continue").click();
    assert.ok((await land()).searchParams.get("code"));

    // An order of the app, carried out on the account page.
    const order = new URL(await signInAddress({ ...sso, response_type: "urn:authgear:params:oauth:response-type:settings-action" }));
    order.searchParams.set("x_settings_action", "change_password");
    await page.goto(order.href);
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill(NEXT_PASSWORD);
    await button("Save password").click();
    assert.ok((await land()).searchParams.get("code"));

    const goodbye = new URLSearchParams({ post_logout_redirect_uri: `http://localhost:${app.port}/goodbye`, state: "bye" });
    await page.goto(`${issuer}/logout?${goodbye}`);
    await button("Sign out").click();
    assert.equal((await land("/goodbye")).searchParams.get("state"), "bye");
  });

  test("gets the person back after making a passkey and after signing in with it", async () => {
    await openPerson();
    await addAuthenticator(page);
    await comeToPasskeyOffer(await signUpGuest());
    await page.locator("[data-passkey] button").click();
    assert.ok((await land()).searchParams.get("code"));

    await page.goto(await signInAddress({ prompt: "login" }));
    await page.locator("[data-passkey] button").click();
    assert.ok((await land()).searchParams.get("code"));
  });

  test("gets an answer that it wants posted, too", async () => {
    await openPerson();
    await page.goto(await signInAddress({ prompt: "none", response_mode: "form_post" }));
    await land();
  });

  test("finds a button that works again when the way back is stuck", async () => {
    await openPerson();
    await page.clock.install();
    await page.goto(await signInAddress({ prompt: "login" }));
    let sent = 0;
    // An answer without a page, as a server that gives up or an address that opens an app.
    await person.context.route("**/flow/*/login", (route) => {
      sent += 1;
      return route.fulfill({ status: 204 });
    });
    const press = async () => {
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      await signIn();
      await answered;
    };
    await press();
    await button("Sign in").click(); // a second press at once is no second request
    assert.equal(await page.locator("form[data-sent]").count(), 1);
    assert.equal(sent, 1);
    await page.clock.runFor(9_000);
    assert.equal(await page.locator("form[data-sent]").count(), 0);
    assert.equal(await page.locator("[aria-busy]").count(), 0);
    await press();
    assert.equal(sent, 2);
  });
});
