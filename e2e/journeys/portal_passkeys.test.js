// Operators' passkeys in a real browser with Chromium's virtual authenticator: the first run without a password, signing in
// without typing, proving who one is, and the last way in.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { addAuthenticator } from "../lib/authenticator.js";
import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { OPERATOR, heading as awaitHeading, nameFirstOperator, signIn, startPortal } from "../lib/portal.js";

describe("operators' passkeys", () => {
  let browser, mail, server, origin, person, page, authenticator;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    server = await startPortal({ smtpPort: mail.port });
    origin = server.origin;
    // One person at one device all the way: the authenticator stays with the page.
    person = await browser.openPerson();
    page = person.page;
    authenticator = await addAuthenticator(page);
  });
  after(async () => {
    await person?.leave();
    await server?.stop();
    await Promise.all([browser?.close(), mail?.stop()]);
  });
  afterEach(() => authenticator.accept());

  const heading = (name) => awaitHeading(page, name);
  const press = (name) => page.getByRole("button", { name }).click();

  test("the first operator comes in with a passkey and no password", async () => {
    await page.goto(server.firstLink);
    await nameFirstOperator(page);
    await press("Use a passkey instead");
    await page.getByText("signs you in without a password").waitFor();
    await look(page, "portal-first-run-passkey");
    await authenticator.refuse();
    await press("Create a passkey");
    await page.getByText("That did not work. Try again.").waitFor();
    await look(page, "portal-first-run-passkey-refused");
    await authenticator.accept();
    await press("Create a passkey");
    await heading("Projects");
  });

  test("signs in without typing", async () => {
    await page.locator("header .drop-right summary").click();
    await press("Sign out");
    await heading("Sign in to the portal");
    await look(page, "portal-sign-in");
    await press("Sign in with a passkey");
    await heading("Projects");
  });

  test("proves before something dangerous that it is the operator", async () => {
    await page.goto(`${origin}/portal/prove?next=/portal/me`);
    await heading("Confirm that it's you");
    assert.equal(await page.getByLabel("Password", { exact: true }).count(), 0, "there is no password");
    await look(page, "portal-prove-passkey");
    await press("Use a passkey");
    await heading("Your account");
  });

  test("makes a link for a colleague who lost the way in", async () => {
    await page.goto(`${origin}/portal/p/shop/operators`);
    await page.getByLabel("Email").fill("ed@house.example");
    await press("Invite");
    await heading("Invited");
    // Only the recipient gets the link.
    const { text } = await mail.receive("ed@house.example");
    const invitation = /\S+\/portal\/welcome\/\S+/.exec(text)[0];
    const ed = await browser.openPerson();
    const theirs = (name) => awaitHeading(ed.page, name);
    try {
      await ed.page.goto(invitation);
      await ed.page.getByLabel("Your name").fill("Ed");
      await ed.page.getByLabel("Password", { exact: true }).fill(OPERATOR.password);
      await ed.page.getByRole("button", { name: "Accept invitation" }).click();
      await theirs("Projects");
      await page.goto(`${origin}/portal/p/shop/operators`);
      await look(page, "portal-operators-two");
      await page.getByRole("link", { name: "Recovery link for Ed" }).click();
      await heading("Recovery link for Ed");
      await look(page, "portal-new-way-in");
      await press("Create link");
      await heading("Recovery link");
      await look(page, "portal-new-way-in-link");
      const link = (await page.locator(".secret").textContent()).trim();
      await ed.page.goto(`${origin}/portal`);
      await theirs("Sign in to the portal");
      await addAuthenticator(ed.page);
      await ed.page.goto(link);
      await theirs("Choose how you sign in");
      await look(ed.page, "portal-reset");
      await ed.page.getByRole("button", { name: "Use a passkey instead" }).click();
      await ed.page.getByRole("button", { name: "Create a passkey" }).click();
      await theirs("Projects");
    } finally {
      await ed.leave();
    }
  });

  test("keeps the last way in, and adds and removes others", async () => {
    await page.goto(`${origin}/portal/me`);
    await page.locator("strong").getByText("Passkey", { exact: true }).waitFor();
    await press("Remove Passkey");
    await page.getByText("remove your last sign-in method").waitFor();
    await page.getByLabel("New password").fill(OPERATOR.password);
    await press("Set password");
    await page.getByText("Password changed.").waitFor();
    // The authenticator has a passkey for this operator and says so.
    await page.getByLabel("Name of the new passkey").fill("Blue key");
    await press("Add a passkey");
    await page.getByText("That did not work. Try again.").waitFor();
    // Another device.
    const other = await browser.openPerson();
    try {
      await addAuthenticator(other.page);
      await other.page.goto(`${origin}/portal/me`);
      await signIn(other.page);
      await awaitHeading(other.page, "Your account");
      await other.page.getByLabel("Name of the new passkey").fill("Blue key");
      await other.page.getByRole("button", { name: "Add a passkey" }).click();
      await other.page.getByText("Passkey added.").waitFor();
      await other.page.getByText("Rename Blue key").click();
      await other.page.getByLabel("New name (Blue key)").fill("");
      await other.page.getByRole("button", { name: "Save name of Blue key" }).click();
      await other.page.getByText("Enter a name.").first().waitFor();
      await look(other.page, "portal-me-rename");
      await other.page.getByLabel("New name (Blue key)").fill("Green key");
      await other.page.getByRole("button", { name: "Save name of Blue key" }).click();
      await other.page.getByText("Passkey renamed.").waitFor();
      await look(other.page, "portal-me", { picture: true, height: 1400 });
      await other.page.getByRole("button", { name: "Remove Passkey" }).click();
      await other.page.getByText("Passkey removed.").waitFor();
      await other.page.getByRole("button", { name: "Remove password" }).click();
      await other.page.getByText("Password removed.").waitFor();
      assert.equal(await other.page.getByRole("button", { name: "Remove password" }).count(), 0);
      await other.page.getByRole("button", { name: "Remove Green key" }).click();
      await other.page.getByText("remove your last sign-in method").waitFor();
    } finally {
      await other.leave();
    }
    // What stood on it has ended with it, and it lets nobody in.
    await page.goto(`${origin}/portal`);
    await heading("Sign in to the portal");
    await press("Sign in with a passkey");
    await page.getByText("This passkey is not registered for the portal.").waitFor();
    await look(page, "portal-sign-in-refused");
  });
});
