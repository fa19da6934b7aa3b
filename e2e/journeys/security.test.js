// The pages that protect an account, in a real browser: consent and its end, a recovery that removes what another person added,
// the link of a security mail; and for operators a role to accept and the proof of an address.

import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";

import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { follow, makeAddress, PASSWORD } from "../lib/person.js";
import { createFirstOperator, heading, OPERATOR, startPortal } from "../lib/portal.js";

const LANDING = "http://app.localhost/landed";
const PARTNER = "http://partner.localhost/landed";
const NEXT_PASSWORD = "another quiet harbour at night";

const SECTIONS = `
[authentication]
identities = ["login_id"]
primary_authenticators = ["password"]

[identity.login_id]
keys = [{ type = "email" }]
default_country = "DE"
`;

const CLIENTS = [
  { client_id: "web", name: "Corner Shop", x_application_type: "spa", redirect_uris: [LANDING] },
  { client_id: "partner", name: "Parcel Tracker", x_application_type: "third_party_app", redirect_uris: [PARTNER] },
];

describe("the pages that protect an account", () => {
  let browser, mail, server, people;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    server = await startPortal({ smtpPort: mail.port, sections: SECTIONS, clients: CLIENTS });
    people = [];
  });
  after(async () => {
    await server?.stop();
    await Promise.all([browser?.close(), mail?.stop()]);
  });
  afterEach(() => Promise.all(people.splice(0).map((person) => person.leave())));

  async function arrive() {
    const person = await browser.openPerson();
    people.push(person);
    for (const landing of [LANDING, PARTNER]) {
      await person.context.route(`${landing}**`, (route) =>
        route.fulfill({ contentType: "text/html", body: "<!doctype html><title>The app</title>" }),
      );
    }
    return person.page;
  }

  const button = (page, name) => page.getByRole("button", { name, exact: true });

  function authorize(client_id, redirect_uri, more) {
    const challenge = createHash("sha256").update(randomBytes(32).toString("base64url")).digest("base64url");
    const query = new URLSearchParams({
      client_id,
      redirect_uri,
      response_type: "code",
      code_challenge: challenge,
      code_challenge_method: "S256",
      x_sso_enabled: "true",
      ...more,
    });
    return `${server.origin}/oauth2/authorize?${query}`;
  }

  const scope = "openid offline_access";

  async function enterCode(page, address) {
    await page.getByLabel("Code", { exact: true }).fill(await mail.receiveCode(address));
    await button(page, "Confirm").click();
  }

  test("a member decides about a third-party application, and recovers its account", async () => {
    const [page, email, second] = [await arrive(), makeAddress("kim"), makeAddress("second")];
    await page.goto(authorize("web", LANDING, { scope, x_page: "signup" }));
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Create account").click();
    await enterCode(page, email);
    await page.waitForURL(`${LANDING}**`);

    await page.goto(authorize("partner", PARTNER, { scope: `${scope} profile email phone address` }));
    await button(page, "Continue").click();
    await heading(page, /^Allow Parcel Tracker/);
    await look(page, "consent");
    await button(page, "Allow").click();
    await page.waitForURL(`${PARTNER}**`);
    await page.goto(`${server.origin}/settings/applications`);
    await heading(page, "Applications with access");
    await look(page, "applications");

    // Another address is added, as a thief with the session would.
    await page.goto(`${server.origin}/settings/identity/add?kind=email`);
    await page.getByLabel("Email address").fill(second);
    await button(page, "Continue").click();
    await enterCode(page, second);
    await page.getByText("Added to your account.").waitFor();
    const { text } = await mail.receive(email);
    const link = text.match(/\S+\/security\/\S+/)[0];

    const other = await arrive();
    await other.goto(authorize("web", LANDING, { scope }));
    await follow(other, "Forgot your password?");
    await heading(other, "Forgot your password?");
    await look(other, "recovery-address");
    await other.getByLabel("Email address").fill(email);
    await button(other, "Send a code").click();
    await heading(other, "Check your email");
    await look(other, "recovery-code");
    await enterCode(other, email);
    await heading(other, "Choose a new password");
    await other.getByText(second).first().waitFor();
    await look(other, "recovery-password");
    await other.getByLabel("Password", { exact: true }).fill("short");
    await button(other, "Save password").click();
    await other.locator("[aria-invalid=true]").first().waitFor();
    await look(other, "recovery-password-errors");

    await page.goto(link);
    await button(page, "Undo and end all sessions").waitFor();
    await look(page, "security-link");
    await button(page, "Undo and end all sessions").click();
    await button(page, "Undo and end all sessions").waitFor({ state: "detached" });
    await look(page, "security-link-done");
    await page.goto(link);
    await heading(page, "This link does not work any more");
    await look(page, "security-link-used");
    // A link ends what was begun before it, a recovery, too: it is begun again.
    await other.getByLabel("Password", { exact: true }).fill(NEXT_PASSWORD);
    await button(other, "Save password").click();
    await heading(other, "Please start again");
    await look(other, "recovery-outdated");
  });

  test("an operator proves its address, and another accepts a role", async () => {
    const [page, invited] = [await arrive(), makeAddress("ed")];
    await page.goto(server.firstLink);
    await createFirstOperator(page);
    await page.goto(`${server.origin}/portal/me`);
    await heading(page, "Your account");
    await look(page, "portal-me-address");
    await button(page, "Send code").click();
    const code = await mail.receiveCode(OPERATOR.email);
    await page.getByLabel("Code", { exact: true }).waitFor();
    await look(page, "portal-me-address-code");
    await page.getByLabel("Code", { exact: true }).fill(code === "000000" ? "000001" : "000000");
    await page.getByLabel("Password for your confirmed account").fill(NEXT_PASSWORD);
    await button(page, "Confirm address").click();
    await page.getByText("This code is wrong or has expired.").first().waitFor();
    await look(page, "portal-me-address-wrong");
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.getByLabel("Password for your confirmed account").fill(NEXT_PASSWORD);
    await button(page, "Confirm address").click();
    await button(page, "Send code").waitFor({ state: "detached" });

    await page.goto(`${server.origin}/portal/projects/new`);
    await page.getByLabel("Project ID").fill("second");
    await page.getByLabel("Public origin").fill("http://second.localhost:9");
    await button(page, "Create project").click();
    await page.waitForURL(/second/);
    const ed = await arrive();
    for (const project of ["shop", "second"]) {
      await page.goto(`${server.origin}/portal/p/${project}/operators`);
      await page.getByLabel("Email", { exact: true }).fill(invited);
      await button(page, "Invite").click();
      await heading(page, "Invited");
      const { text } = await mail.receive(invited);
      const link = text.match(/\S+\/portal\/(welcome|invitations)\/\S+/)[0];
      await ed.goto(link);
      await heading(ed, "You are invited");
      await look(ed, `portal-invitation-${project}`);
      if (project === "shop") {
        await ed.getByLabel("Your name").fill("Ed");
        await ed.getByLabel("Password", { exact: true }).fill(PASSWORD);
        await button(ed, "Accept invitation").click();
      } else {
        // Another operator, who is signed in, cannot.
        await page.goto(link);
        await heading(page, "This invitation is for another operator");
        await look(page, "portal-invitation-elsewhere");
        await button(ed, "Accept role").click();
      }
      await heading(ed, "Projects");
    }
  });
});
