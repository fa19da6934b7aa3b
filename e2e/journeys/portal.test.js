// The operators' portal in a real browser: the first run, guests switched on while the official Web SDK waits, a lifetime
// cut short, two editors at once, and every page looked at.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { AppPage, startApp } from "../lib/app.js";
import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { createFirstOperator, enterSeconds, heading, OPERATOR, signIn, startPortal } from "../lib/portal.js";
import { waitFor } from "../lib/wait.js";

const SECTIONS = `
[authentication]
identities = ["login_id"]

[ui]
name = "Corner Shop"
`;

const makeClients = (app) => [
  { client_id: "shop-web", name: "Corner Shop", x_application_type: "spa", redirect_uris: [`${app}/token/after`] },
  {
    client_id: "shop-backend",
    name: "Back office",
    x_application_type: "confidential",
    redirect_uris: ["https://office.example/callback"],
  },
];

/** A logo that a browser encoded. */
async function drawLogo(page, type) {
  const bytes = await page.evaluate(async (type) => {
    const canvas = new OffscreenCanvas(480, 120);
    const pen = canvas.getContext("2d");
    if (type === "image/jpeg") {
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, 480, 120);
    }
    pen.fillStyle = "#b0432b";
    pen.beginPath();
    pen.arc(60, 60, 56, 0, 7);
    pen.fill();
    pen.font = "bold 60px sans-serif";
    pen.fillText("Corner", 140, 82);
    return [...new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer())];
  }, type);
  return Buffer.from(bytes);
}

describe("the portal", () => {
  let browser, mail, app, server, origin, people;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    const settings = () => ({ endpoint: origin, clientID: "shop-web" });
    app = await startApp({ host: "app.localhost", settings });
    server = await startPortal({ smtpPort: mail.port, sections: SECTIONS, clients: makeClients(app.origin) });
    origin = server.origin;
    people = [];
  });
  after(async () => {
    await server?.stop();
    await Promise.all([browser?.close(), mail?.stop(), app?.stop()]);
  });
  afterEach(async () => {
    await Promise.all(people.splice(0).map((person) => person.leave()));
  });

  async function arrive(options) {
    const person = await browser.openPerson(options);
    people.push(person);
    return person.page;
  }

  async function arriveSignedIn(options) {
    const page = await arrive(options);
    await page.goto(`${origin}/portal`);
    await signIn(page);
    await heading(page, "Projects");
    return page;
  }

  const save = (page) => page.getByRole("button", { name: "Save" });
  const at = (page, path) => page.goto(`${origin}/portal/p/shop${path}`);

  test("lets the first operator in by the link the server printed, once", async () => {
    const page = await arrive();
    await page.goto(server.firstLink);
    await heading(page, "Welcome to Vestibule");
    await look(page, "portal-first-run", { picture: true });
    await createFirstOperator(page);
    await look(page, "portal-projects");
    await page.goto(server.firstLink);
    await heading(page, "This link no longer works");
  });

  test("switches guests on, and the Web SDK's sign-up goes from refused to accepted", async () => {
    const visitor = new AppPage(await arrive());
    await visitor.open(`${app.origin}/token/`);
    await assert.rejects(visitor.authenticateAnonymously());

    const page = await arriveSignedIn();
    await at(page, "/anonymous-users");
    await heading(page, "Anonymous users");
    assert.ok(await save(page).isDisabled(), "there is nothing to save yet");
    const conflict = page.getByLabel("If the email or phone already has an account");
    assert.ok(await conflict.evaluate((one) => one.closest("[inert]") !== null), "out of reach while guests are off");
    await page.getByLabel("Enable anonymous users?").check();
    await page.getByText("Not saved yet").waitFor();
    // Leaving now asks; staying keeps the change.
    page.once("dialog", (dialog) => dialog.dismiss());
    await page.getByRole("link", { name: "Session", exact: true }).click({ noWaitAfter: true });
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
    await look(page, "portal-anonymous-users", { picture: true, height: 2620 });

    const guest = await visitor.authenticateAnonymously();
    assert.equal(guest.isAnonymous, true);
  });

  test("gives guests of an application a lifetime of their own, beside the panel that shows it", async () => {
    const page = await arriveSignedIn();
    await at(page, "/anonymous-users");
    const guests = page.getByRole("group").filter({ hasText: "Guests of Corner Shop" });
    const enter = (seconds) => enterSeconds(guests, "Guest lifetime (Corner Shop)", seconds);
    const sentence = guests.locator("[data-lifetime]");
    await sentence.getByText("Ends 30 days after the last use, and at most 52 weeks after sign-in.").waitFor();
    await enter("604800");
    await sentence.getByText("Ends 1 week after sign-in. The idle timeout has no effect, because it is not shorter.").waitFor();
    await enter("30");
    await save(page).click();
    await guests.locator(".complaint").waitFor();
    await look(page, "portal-anonymous-users-wrong");
    await enter("604800");
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
    await page.getByRole("row", { name: "Corner Shop 30 days 1 week" }).waitFor();
    await enter("");
    await save(page).click();
    await page.getByRole("row", { name: "Corner Shop 30 days 52 weeks" }).waitFor();
  });

  test("edits a lifetime in days, copies a client ID, and keeps the chosen colors", async () => {
    const page = await arriveSignedIn();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await at(page, "/session");
    const label = "Maximum session lifetime";
    const before = await page.locator("input[type=hidden][name=lifetime]").inputValue();
    const [days, unit] = [page.getByLabel(label, { exact: true }), page.getByLabel(`Unit of ${label}`)];
    assert.equal(Number(await days.inputValue()) * 86_400, Number(before));
    const said = page.locator("#lifetime-said");
    await days.fill("36");
    assert.equal(await said.textContent(), "", "it would say 36 days again");
    await unit.selectOption("hour");
    await said.getByText("1 day 12 hours").waitFor();
    assert.equal(await page.locator("input[type=hidden][name=lifetime]").inputValue(), "129600");
    await enterSeconds(page, label, before);
    await page.locator(".save-state", { hasText: "Not saved yet" }).waitFor({ state: "detached" });

    await at(page, "/applications");
    const copy = page.getByRole("button", { name: "Copy the client ID of Corner Shop" });
    await copy.click();
    await page.getByText("Copied", { exact: true }).first().waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "shop-web");
    await look(page, "portal-applications-copied");

    const scheme = () => page.locator("html").getAttribute("data-color-scheme");
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.locator("summary", { hasText: OPERATOR.name }).click();
    await page.getByRole("button", { name: "Dark" }).click();
    assert.notEqual(await background(), light);
    await at(page, "/session");
    assert.equal(await scheme(), "dark");
    await page.locator("summary", { hasText: OPERATOR.name }).click();
    await page.getByRole("button", { name: "System" }).click();
    await page.reload();
    assert.equal(await scheme(), "auto");
  });

  test("ends a guest's session by a shorter lifetime", async () => {
    const visitor = new AppPage(await arrive());
    await visitor.open(`${app.origin}/token/`);
    await visitor.authenticateAnonymously();
    const page = await arriveSignedIn();
    await at(page, "/applications/shop-web");
    await heading(page, "Corner Shop");
    await look(page, "portal-application", { picture: true, height: 1400 });
    const sentence = page.locator("[data-lifetime]");
    await enterSeconds(page, "Refresh token lifetime", "604800");
    await sentence.getByText("Ends 1 week after sign-in").waitFor();
    await enterSeconds(page, "Refresh token lifetime", "600");
    await save(page).click();
    await page.getByText("refresh token lifetime must be").or(page.getByText("Refresh token lifetime must be")).first().waitFor();
    await look(page, "portal-application-wrong");
    await enterSeconds(page, "Access token lifetime", "300");
    await enterSeconds(page, "Refresh token lifetime", "300");
    await enterSeconds(page, "Idle timeout", "1");
    await save(page).click();
    // Guests who were here more than a second ago are signed out by it: that is asked first.
    await page.getByText(/^Signs out .* at once\.$/).waitFor();
    await page.getByRole("button", { name: /^Save and sign out / }).click();
    await page.getByText("Changes saved.").waitFor();
    // One second without use, and the guest is gone: the SDK finds out when it asks.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await assert.rejects(visitor.page.evaluate(() => authgear.fetchUserInfo()));
    await enterSeconds(page, "Idle timeout", "");
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
  });

  test("shows two editors of the same setting what the other did", async () => {
    const [one, two] = [await arriveSignedIn(), await arriveSignedIn()];
    for (const page of [one, two]) await at(page, "/session");
    await enterSeconds(one, "Maximum session lifetime", "7200");
    await save(one).click();
    await one.getByText("Changes saved.").waitFor();
    await enterSeconds(two, "Maximum session lifetime", "9000");
    await save(two).click();
    await two.getByText("changed this page while you were editing").waitFor();
    assert.equal(await two.getByLabel("Maximum session lifetime", { exact: true }).inputValue(), "150");
    assert.equal(await two.getByLabel("Unit of Maximum session lifetime").inputValue(), "minute");
    await two.getByRole("cell", { name: "2 hours", exact: true }).waitFor();
    await look(two, "portal-conflict", { picture: true });
    await save(two).click();
    await two.getByText("Changes saved.").waitFor();
  });

  test("goes back to a refused form and to a question, without sending anything again", async () => {
    const page = await arriveSignedIn();
    await at(page, "/session");
    await enterSeconds(page, "Maximum session lifetime", "a week");
    await save(page).click();
    await page.locator("#error-summary").waitFor();
    await enterSeconds(page, "Maximum session lifetime", "9100");
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
    await page.goBack();
    await page.locator("#error-summary").waitFor();
    await page.goBack();
    await heading(page, "Session");
    await at(page, "/anonymous-users");
    await page.getByLabel("Enable anonymous users?").uncheck();
    await save(page).click();
    await heading(page, "Save changes to “Anonymous users”?");
    await at(page, "/applications");
    await page.goBack();
    await heading(page, "Save changes to “Anonymous users”?");
  });

  test("previews the hosted page with what is typed, and saves none of it", async () => {
    const page = await arriveSignedIn();
    await at(page, "/branding");
    const frame = () => page.frameLocator(".brand-preview iframe:not([hidden])");
    await frame().getByRole("heading", { name: "Save your progress" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Show preview" }).count(), 0, "it follows by itself");
    const before = await page.evaluate(() => history.length);
    await page.getByLabel("Color", { exact: true }).fill("#b0432b");
    assert.equal(await page.getByLabel("Pick: Color").inputValue(), "#b0432b");
    await page.getByLabel("Name", { exact: true }).fill("Corner & Sons");
    const button = () => frame().locator("main .button").first();
    const isRed = () => button().evaluate((one) => getComputedStyle(one).backgroundColor === "rgb(176, 67, 43)").catch(() => false);
    await waitFor(async () => (await frame().getByText("Corner & Sons").count()) > 0 && isRed());
    await page.getByLabel("Page", { exact: true }).selectOption("login");
    await page.getByLabel("Language", { exact: true }).selectOption("de");
    await page.getByLabel("Colors", { exact: true }).selectOption("dark");
    await frame().getByRole("heading", { name: "Schön, dass du wieder da bist" }).waitFor();
    await waitFor(async () => (await frame().locator("html").getAttribute("data-color-scheme")) === "dark");
    assert.equal(await page.evaluate(() => history.length), before, "the way back does not lead through previews");
    assert.equal(await page.evaluate(() => document.querySelectorAll(".brand-preview iframe").length), 1);
    await page.getByLabel("Name", { exact: true }).fill("Corner Shop");
    // Enter saves, and shows no preview.
    await page.getByLabel("Name", { exact: true }).press("Enter");
    await page.getByText("Changes saved.").waitFor();
    await look(page, "portal-branding", { picture: true, height: 1200 });
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, "portal-branding-narrow");
  });

  test("previews the hosted page without scripts, too", async () => {
    const page = await arriveSignedIn({ javaScriptEnabled: false });
    await at(page, "/branding");
    await page.getByLabel("Name", { exact: true }).fill("Corner & Sons");
    await page.getByLabel("Page", { exact: true }).selectOption("code");
    await page.getByRole("button", { name: "Show preview" }).click();
    await page.frameLocator("iframe[name=branding-preview]").getByRole("heading", { name: "Check your email" }).waitFor();
    await page.frameLocator("iframe[name=branding-preview]").getByText("Corner & Sons").first().waitFor();
  });

  test("shows an uploaded logo on the pages and in the preview", async () => {
    const page = await arriveSignedIn();
    await at(page, "/branding");
    await page.getByRole("link", { name: "Upload a logo" }).click();
    await heading(page, "Logo");
    await look(page, "portal-logo-none");
    const svg = { name: "logo.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>") };
    await page.getByLabel("Image", { exact: true }).setInputFiles(svg);
    await page.getByRole("button", { name: "Upload logo" }).click();
    await page.getByText("SVG files are not accepted, because they can contain scripts", { exact: false }).first().waitFor();
    await look(page, "portal-logo-wrong");
    const drawn = async (image) => {
      await image.waitFor();
      return waitFor(() => image.evaluate((one) => one.complete && one.naturalWidth === 480));
    };
    for (const [type, button] of [["image/png", "Upload logo"], ["image/jpeg", "Replace logo"], ["image/webp", "Replace logo"]]) {
      await page.locator("#file").setInputFiles({ name: "logo", mimeType: type, buffer: await drawLogo(page, type) });
      await page.getByRole("button", { name: button }).click();
      await page.getByText("Logo saved.").waitFor();
      await drawn(page.locator(".logo-shown img").first());
      const visitor = await arrive();
      await visitor.goto(`${origin}/settings`);
      await drawn(visitor.getByRole("img", { name: "Corner Shop" }));
      await look(visitor, "page-with-logo");
    }
    await page.locator("#file").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: await drawLogo(page, "image/png") });
    await page.getByRole("button", { name: "Replace logo" }).click();
    await page.getByText("Logo saved.").waitFor();
    await at(page, "/branding/logo");
    await look(page, "portal-logo", { picture: true, height: 900 });
    await at(page, "/branding");
    await drawn(page.frameLocator(".brand-preview iframe:not([hidden])").locator(".logo"));
    await page.getByRole("link", { name: "Replace or remove the uploaded logo" }).click();
    await page.getByRole("link", { name: "Remove logo" }).click();
    await look(page, "portal-logo-remove");
    await page.getByRole("button", { name: "Remove logo" }).click();
    await page.getByText("Logo removed.").waitFor();
  });

  test("writes refill periods as a number and a unit", async () => {
    const page = await arriveSignedIn();
    await at(page, "/rate-limits");
    const period = page.locator("#signup_per_ip_period");
    assert.match(await period.inputValue(), /^\d+$/);
    assert.equal(await save(page).isDisabled(), true, "nothing has changed");
    await period.fill("2");
    await page.locator("#signup_per_ip_period ~ select").selectOption("hour");
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
    assert.equal(await page.locator("input[name=signup_per_ip_period]").inputValue(), "2h");
    assert.equal(await page.locator("#signup_per_ip_period ~ select").inputValue(), "hour");
  });

  test("shows an email's texts as they are typed, in light and dark", async () => {
    const page = await arriveSignedIn();
    await at(page, "/email-texts/en/login_code");
    await heading(page, "Email texts");
    await page.getByLabel("Heading", { exact: true }).fill("Good to see you");
    await page.getByRole("button", { name: "Show preview" }).click();
    for (const scheme of ["Light", "Dark"]) {
      const email = page.frameLocator("iframe[name=email-preview]").frameLocator(`iframe[title=${scheme}]`);
      await email.getByText("Good to see you").waitFor();
    }
    await save(page).click();
    await page.getByText("Changes saved.").waitFor();
  });

  test("looks right on every page, in light, in dark and on a phone", async () => {
    const page = await arriveSignedIn();
    const pages = [
      ["/session", "Session"],
      ["/login-methods", "Login methods"],
      ["/rate-limits", "Rate limits"],
      ["/applications", "Applications"],
      ["/applications/new", "New application"],
      ["/applications/new/react", "New application: React"],
      ["/applications/shop-web/quick-start", "Quick start"],
      ["/applications/shop-web/delete", "Delete Corner Shop?"],
      ["/applications/shop-backend/secrets", "Client secrets"],
      ["/applications/shop-backend/secrets/new", "Create a client secret for Back office"],
      ["/email-texts/en/verification_code", "Email texts"],
      ["/addresses", "Endpoints"],
      ["/operators", "Operators"],
      ["/admin-keys", "Admin API keys"],
      ["/admin-keys/new", "New key"],
      ["/settings", "Project settings"],
      ["/settings/delete", "Delete shop?"],
    ];
    for (const [path, title] of pages) {
      await at(page, path);
      await heading(page, title);
      const name = `portal${path.replaceAll("/", "-")}`;
      await look(page, name, { picture: path === "/applications/shop-web/quick-start" || path === "/applications" });
    }
    for (const [path, title] of [["/portal/me", "Your account"], ["/portal/activity", "Operator activity"], ["/portal/health", "Server health"], ["/portal/guides/web", "Guests in a web app"], ["/portal/projects/new", "New project"], ["/portal/prove", "Confirm that it's you"]]) {
      await page.goto(`${origin}${path}`);
      await heading(page, title);
      await look(page, path.slice(1).replaceAll("/", "-"), { picture: path === "/portal/activity" });
    }
  });

  test("opens its menu on a phone without scripts", async () => {
    const page = await arriveSignedIn({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false });
    await at(page, "/session");
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("link", { name: "Applications", exact: true }).click();
    await heading(page, "Applications");
  });
});
