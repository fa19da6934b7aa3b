// Every credential in a real browser: a guest is promoted by it, comes back by it, and may give way to the member who owns it.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { addAuthenticator } from "../lib/authenticator.js";
import { launchBrowser } from "../lib/browser.js";
import { Guest, KeyGuest } from "../lib/guest.js";
import { look } from "../lib/look.js";
import { findCode, startMailServer } from "../lib/mail.js";
import { follow, makeAddress, PASSWORD } from "../lib/person.js";
import { startServer } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";

const SMS_SECRET = randomBytes(16).toString("hex");

/** Takes text messages as an operator's webhook does, and checks that they are signed. */
async function startCarrier() {
  const messages = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const signature = createHmac("sha256", SMS_SECRET).update(body).digest("hex");
    if (request.headers["x-authgear-body-signature"] === signature) messages.push(JSON.parse(body));
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let read = 0;
  return {
    url: `http://127.0.0.1:${server.address().port}/sms`,
    async receiveCode(number) {
      read = await waitFor(() => 1 + messages.findIndex(({ to }, index) => index >= read && to === number), 15_000, "a text message");
      return findCode({ text: messages[read - 1].body, subject: "" });
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** The app: a page that is there, so that the way back to it can be seen to end. */
async function startApp() {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<!doctype html><html lang="en"><title>The app</title><link rel="icon" href="data:,">');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    landing: `http://127.0.0.1:${server.address().port}/landed`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function projectWith(landing, { kind, ways, identities, conflict, offersPasskey }) {
  const list = (words) => JSON.stringify(words);
  return (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"
name = "Shop"

[authentication]
identities = ${list(identities ?? ["login_id", "anonymous"])}
primary_authenticators = ${list(ways)}
passkey_offer_enabled = ${Boolean(offersPasskey)}

[identity.login_id]
keys = [{ type = "${kind}" }]

[identity.on_conflict]
promotion = "${conflict ?? "error"}"

[[oauth.clients]]
client_id = "web"
x_application_type = "spa"
redirect_uris = ["${landing}"]
`;
}

describe("credentials", () => {
  let browser, mail, carrier, app;
  let people = [];
  let servers = [];
  before(async () => {
    [browser, mail, carrier, app] = await Promise.all([launchBrowser(), startMailServer(), startCarrier(), startApp()]);
    process.env.VESTIBULE__SMS__PROVIDER = "webhook";
    process.env.VESTIBULE__SMS__WEBHOOK_URL = carrier.url;
    process.env.VESTIBULE__SMS__WEBHOOK_SECRET = SMS_SECRET;
  });
  after(() => Promise.all([browser?.close(), mail?.stop(), carrier?.stop(), app?.stop()]));
  afterEach(async () => {
    const [leaving, stopping] = [people, servers];
    [people, servers] = [[], []];
    for (const person of leaving) await person.leave();
    for (const server of stopping) await server.stop();
  });

  async function start(project) {
    const server = await startServer({ smtpPort: mail.port, makeProject: projectWith(app.landing, project) });
    servers.push(server);
    const issuer = `http://localhost:${server.port}`;
    const registration = { issuer, clientId: "web", redirectUri: app.landing };
    return { issuer, signUpGuest: () => Guest.signUp(registration), signUpKeyGuest: () => KeyGuest.signUp(registration) };
  }

  async function openPerson(options) {
    const person = await browser.openPerson(options);
    people.push(person);
    return person.page;
  }

  const heading = (page, name) => page.getByRole("heading", { level: 1, name });

  async function land(page) {
    await page.waitForURL(`${app.landing}**`);
    return page.url();
  }

  async function enterCode(page, code) {
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.getByRole("button", { name: "Confirm" }).click();
  }

  /** Opens the login page, as an app that lost its tokens does; the guest object only makes the address. */
  async function openLogin(page, guest) {
    const url = new URL(await guest.startPromotion());
    url.searchParams.delete("login_hint");
    await page.goto(url.href);
    await heading(page, "Welcome back").waitFor();
  }

  test("a code by email makes a member and lets it back in", async () => {
    const house = await start({ kind: "email", ways: ["oob_otp_email"] });
    const [guest, another, page] = [await house.signUpGuest(), await house.signUpGuest(), await openPerson()];
    const email = makeAddress();
    const type = async () => {
      await page.getByLabel("Email address").fill(email);
      await page.getByRole("button", { name: "Continue" }).click();
      await enterCode(page, await mail.receiveCode(email));
    };
    await page.goto(await guest.startPromotion());
    await heading(page, "Save your progress").waitFor();
    assert.equal(await page.getByLabel("Password", { exact: true }).count(), 0);
    await look(page, "promotion by code");
    await type();
    assert.deepEqual(await guest.finishPromotion(await land(page)), { sub: guest.sub, email, isAnonymous: false });
    await openLogin(page, another);
    await type();
    const back = await another.finishPromotion(await land(page));
    assert.equal(back.sub, guest.sub);
  });

  test("a code by text message makes a member", async () => {
    const house = await start({ kind: "phone", ways: ["oob_otp_sms"] });
    const [guest, page] = [await house.signUpGuest(), await openPerson()];
    await page.goto(await guest.startPromotion());
    await page.getByLabel("Phone number").fill("+49 151 2345 6789");
    await page.getByRole("button", { name: "Continue" }).click();
    await heading(page, "Check your messages").waitFor();
    await enterCode(page, await carrier.receiveCode("+4915123456789"));
    const member = await guest.finishPromotion(await land(page));
    assert.deepEqual([member.sub, member.isAnonymous], [guest.sub, false]);
  });

  test("a guest who owns an account already signs in to it and gives way", async () => {
    const house = await start({ kind: "username", ways: ["password"], conflict: "login" });
    const [first, second, page] = [await house.signUpGuest(), await house.signUpGuest(), await openPerson()];
    const type = async (button) => {
      await page.getByLabel("Username").fill("kim");
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: button }).click();
    };
    await page.goto(await first.startPromotion());
    await type("Save my progress");
    await first.finishPromotion(await land(page));

    await page.goto(await second.startPromotion());
    await type("Save my progress");
    await heading(page, "You already have an account").waitFor();
    await second.assertUntouched();
    await look(page, "conflict, signing in is offered");
    await follow(page, "Sign in to that account");
    await type("Sign in");
    const member = await second.finishPromotion(await land(page));
    assert.deepEqual([member.sub, member.isAnonymous], [first.sub, false]);
  });

  test("a passkey alone makes a member and lets it back in", async () => {
    const house = await start({ kind: "email", ways: ["passkey", "password"], identities: ["login_id", "anonymous", "passkey"] });
    const [guest, another, page] = [await house.signUpGuest(), await house.signUpGuest(), await openPerson()];
    await addAuthenticator(page);
    await page.goto(await guest.startPromotion());
    await look(page, "promotion with a passkey");
    await page.getByRole("button", { name: "Use a passkey instead" }).click();
    const member = await guest.finishPromotion(await land(page));
    assert.deepEqual([member.sub, member.isAnonymous], [guest.sub, false]);

    await openLogin(page, another);
    await look(page, "login with a passkey");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    const back = await another.finishPromotion(await land(page));
    assert.equal(back.sub, guest.sub);
  });

  test("a phone's guest is promoted by its key, and the key is retired", async () => {
    const house = await start({ kind: "email", ways: ["password"] });
    const [guest, page] = [await house.signUpKeyGuest(), await openPerson()];
    const email = makeAddress();
    await page.goto(await guest.startPromotion());
    await heading(page, "Save your progress").waitFor();
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Save my progress" }).click();
    await enterCode(page, await mail.receiveCode(email));
    assert.deepEqual(await guest.finishPromotion(await land(page)), { sub: guest.sub, email, isAnonymous: false });
    assert.equal(await guest.logIn(), "invalid_grant");
  });

  test("a phone's guest whose address is taken stays the guest it was", async () => {
    const house = await start({ kind: "email", ways: ["oob_otp_email"] });
    const [first, second, page] = [await house.signUpGuest(), await house.signUpKeyGuest(), await openPerson()];
    const email = makeAddress();
    const type = async () => {
      await page.getByLabel("Email address").fill(email);
      await page.getByRole("button", { name: "Continue" }).click();
      await enterCode(page, await mail.receiveCode(email));
    };
    await page.goto(await first.startPromotion());
    await type();
    await first.finishPromotion(await land(page));
    await page.goto(await second.startPromotion());
    await type();
    await heading(page, "You already have an account").waitFor();
    await look(page, "conflict, nothing is offered");
    await second.assertUntouched();
    assert.equal(await second.logIn(), null, "the key still opens the door");
  });

  test("who joins with a password is offered a passkey, and may skip it", async () => {
    const house = await start({ kind: "username", ways: ["password", "passkey"], offersPasskey: true });
    const [first, second, third, page] = [await house.signUpGuest(), await house.signUpGuest(), await house.signUpGuest(), await openPerson()];
    await addAuthenticator(page);
    const join = async (guest, name) => {
      await page.goto(await guest.startPromotion());
      await page.getByLabel("Username").fill(name);
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Save my progress" }).click();
      await heading(page, "Sign in without a password").waitFor();
    };
    await join(first, "kim");
    await look(page, "passkey offer");
    await page.getByRole("button", { name: "Maybe later" }).click();
    assert.equal((await first.finishPromotion(await land(page))).isAnonymous, false);
    await join(second, "lee");
    await page.getByRole("button", { name: "Create a passkey" }).click();
    assert.equal((await second.finishPromotion(await land(page))).isAnonymous, false);
    await openLogin(page, third);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    assert.equal((await third.finishPromotion(await land(page))).sub, second.sub);
  });

  test("a forgotten password is replaced with a code", async () => {
    const house = await start({ kind: "email", ways: ["password"] });
    const [guest, another, page] = [await house.signUpGuest(), await house.signUpGuest(), await openPerson()];
    const email = makeAddress();
    await page.goto(await guest.startPromotion());
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Save my progress" }).click();
    await enterCode(page, await mail.receiveCode(email));
    await guest.finishPromotion(await land(page));

    await openLogin(page, another);
    await follow(page, "Forgot your password?");
    await look(page, "forgotten password");
    await page.getByLabel("Email address").fill(email);
    await page.getByRole("button", { name: "Send a code" }).click();
    await enterCode(page, await mail.receiveCode(email));
    await heading(page, "Choose a new password").waitFor();
    await page.getByLabel("Password", { exact: true }).fill("eleven calm herons at dusk");
    await page.getByRole("button", { name: "Save password" }).click();
    const back = await another.finishPromotion(await land(page));
    assert.deepEqual(back, { sub: guest.sub, email, isAnonymous: false });
    assert.match((await mail.receive(email)).text, /Your password was changed/);
  });
});
