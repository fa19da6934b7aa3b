// A member's account page in a real browser: every page looked at, and what a person does there once through.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { addAuthenticator } from "../lib/authenticator.js";
import { launchBrowser } from "../lib/browser.js";
import { Guest } from "../lib/guest.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { makeAddress, PASSWORD } from "../lib/person.js";
import { startServer } from "../lib/server.js";

const LANDING = "http://app.localhost/landed";
const NEXT_PASSWORD = "another quiet harbour at night";

const makeProject = (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"

[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password", "passkey"]

[identity.login_id]
keys = [{ type = "email" }, { type = "username" }]

[ui]
name = "Corner Shop"

[[oauth.clients]]
client_id = "web"
name = "Corner Shop"
x_application_type = "spa"
redirect_uris = ["${LANDING}"]
`;

describe("the account page", () => {
  let browser, mail, server, issuer, person, page, email;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    server = await startServer({ smtpPort: mail.port, makeProject });
    issuer = `http://localhost:${server.port}`;
  });
  after(async () => {
    await server?.stop();
    await Promise.all([browser?.close(), mail?.stop()]);
  });
  afterEach(() => person?.leave());

  const heading = (name) => page.getByRole("heading", { level: 1, name });
  const button = (name) => page.getByRole("button", { name, exact: true });
  const link = (name) => page.getByRole("link", { name, exact: true });

  async function enterCode(address) {
    await page.getByLabel("Code", { exact: true }).fill(await mail.receiveCode(address));
    await button("Confirm").click();
  }

  async function signIn(address, password) {
    await page.goto(`${issuer}/settings/sign-in`);
    await heading("Welcome back").waitFor();
    await page.getByLabel("Email address").fill(address);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await button("Sign in").click();
    await heading("My account").waitFor();
  }

  /** A guest is promoted in an app, and then signs in to the account page. */
  async function becomeMember() {
    person = await browser.openPerson();
    page = person.page;
    email = makeAddress("kim");
    await person.context.route(`${LANDING}**`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><title>The app</title>" }),
    );
    const guest = await Guest.signUp({ issuer, clientId: "web", redirectUri: LANDING });
    await page.goto(await guest.startPromotion());
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button("Save my progress").click();
    await enterCode(email);
    await page.waitForURL(`${LANDING}**`);
    await guest.finishPromotion(page.url());
    await signIn(email, PASSWORD);
  }

  test("a member gives a name and manages its login IDs", async () => {
    await becomeMember();
    await link("Edit name").click();
    await look(page, "account-names");
    await page.getByLabel("First name").fill("Kim");
    await page.getByLabel("Last name").fill("O’Hara");
    await button("Save").click();
    await page.getByText("Your profile is saved.").waitFor();

    const second = makeAddress("work");
    await link("Add an email address").click();
    await look(page, "account-add-email");
    await page.getByLabel("Email address").fill("kim@");
    await button("Continue").click();
    await page.locator("[aria-invalid=true]").waitFor();
    await look(page, "account-add-email-error");
    await page.getByLabel("Email address").fill(second);
    await button("Continue").click();
    await heading("Check your email").waitFor();
    await look(page, "account-code");
    await enterCode(second);
    await page.getByText("Added to your account.").waitFor();

    await link("Add a username").click();
    await page.getByLabel("Username").fill("kim_ohara");
    await button("Continue").click();
    await heading("My account").waitFor();
    await page.goto(`${issuer}/settings`);
    await look(page, "account", { picture: true, height: 1180 });

    await link(`Remove ${second}`).click();
    await look(page, "account-remove");
    await button("Remove").click();
    await page.getByText("Removed from your account.").waitFor();
    assert.equal(await page.getByText(second).count(), 0);
  });

  test("a member changes its password, signs out elsewhere and makes a passkey", async () => {
    await becomeMember();
    assert.ok((await page.getByText("Chrome").count()) > 0, "the device has a name");
    await button("Sign out everywhere else").click();
    await page.getByText("Signed out everywhere else.").waitFor();

    await link("Change password").click();
    await look(page, "account-password", { picture: true });
    await page.getByLabel("Current password").fill("wrong");
    await page.getByLabel("New password").fill("short");
    await button("Save password").click();
    await page.locator("#error-summary").waitFor();
    await look(page, "account-password-errors");
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill(NEXT_PASSWORD);
    await button("Save password").click();
    await page.getByText("Your password is saved.").waitFor();

    await addAuthenticator(page);
    await link("Manage passkeys").click();
    await heading("Passkeys").waitFor();
    await page.locator("[data-passkey] button").click();
    await page.getByText("Your passkey is ready to use.").waitFor();
    await look(page, "account-passkeys");
    await page.getByRole("link", { name: /^Rename / }).first().click();
    await heading("Rename passkey").waitFor();
    await page.getByLabel("Name of the passkey").fill("The blue key");
    await button("Save").click();
    await page.getByText("The blue key").waitFor();
    await signIn(email, NEXT_PASSWORD);
  });

  test("a guest deletes itself", async () => {
    person = await browser.openPerson();
    page = person.page;
    const asked = await page.request.post(`${issuer}/api/anonymous_user/signup`, { data: { session_type: "cookie" } });
    assert.equal(asked.status(), 200);
    await page.goto(`${issuer}/settings`);
    await heading("You are a guest").waitFor();
    await look(page, "account-guest");
    await link("Delete my guest session").click();
    await heading("Delete your guest session?").waitFor();
    await look(page, "account-guest-delete");
    await page.getByLabel(/^To confirm, type/).fill("delete");
    await button("Delete my guest session").click();
    await heading("You are signed out").waitFor();
    assert.equal((await page.request.get(`${issuer}/oauth2/userinfo`)).status(), 401);
  });

  test("a member deletes the account, and the address is free again", async () => {
    await becomeMember();
    await link("Delete my account").click();
    await heading("Delete your account?").waitFor();
    await look(page, "account-delete", { picture: true });
    await page.getByLabel(/^To confirm, type/).fill(email);
    await button("Delete my account").click();
    await heading("You are signed out").waitFor();
    await look(page, "signed-out");
    await page.goto(`${issuer}/settings/sign-in`);
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button("Sign in").click();
    await page.locator("[aria-invalid=true]").waitFor();
  });
});
