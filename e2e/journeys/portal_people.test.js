// People and numbers in the portal: an operator finds a guest, makes it a member, and reads numbers that are right.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { launchBrowser } from "../lib/browser.js";
import { createDatabase } from "../lib/database.js";
import { Guest } from "../lib/guest.js";
import { look } from "../lib/look.js";
import { OPERATOR, createFirstOperator, startPortal } from "../lib/portal.js";
import { waitFor } from "../lib/wait.js";

const AT = "/portal/p/shop";
const DAY = 86_400;
const DAYS_OF_NUMBERS = 29;

const SECTIONS = `
[authentication]
identities = ["anonymous", "login_id"]

[[identity.login_id.keys]]
type = "email"

[[hook.non_blocking_handlers]]
url = "http://127.0.0.1:9/hook"
`;

const CLIENTS = [
  { client_id: "web", name: "Shop", x_application_type: "spa", redirect_uris: ["http://app.localhost/"] },
  { client_id: "ios", name: "Shop for iPhone", x_application_type: "native", redirect_uris: ["com.example.shop://landed"] },
];

describe("people and numbers in the portal", () => {
  let browser, database, server, page, api, guests;

  before(async () => {
    [browser, database] = await Promise.all([launchBrowser(), createDatabase()]);
    const configure = () => "[hooks]\nallow_private_addresses = true\nretry_hours = 0\n";
    server = await startPortal({ store: database.url, sections: SECTIONS, clients: CLIENTS, configure });
    const issuer = server.origin;
    const scopes = "users:read,users:write,statistics:read,events:read";
    const said = await server.command("admin", "key", "create", "--project", "shop", "--name", "journey", "--scopes", scopes);
    const key = said.match(/vak_\w+/)[0];
    api = async (path, body) => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const method = body ? "POST" : "GET";
      const response = await fetch(`${issuer}/_api/admin/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
      assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
      return response.json();
    };
    guests = [];
    for (let n = 0; n < 8; n += 1) guests.push(await Guest.signUp({ issuer, clientId: "web", redirectUri: "http://app.localhost/" }));
    for (const [n, name] of ["ana", "ben", "cleo"].entries()) {
      await api(`/users/${guests[n].sub}/promote`, { login_id: { type: "email", value: `${name}@mail.example`, is_verified: true } });
    }
    await fillNumbers();

    const person = await browser.openPerson();
    page = person.page;
    page.setDefaultTimeout(15_000);
    await page.goto(server.firstLink);
    await createFirstOperator(page);
  });

  after(async () => {
    await server?.stop();
    await browser?.close();
    await database?.drop();
  });

  const heading = (name) => page.getByRole("heading", { level: 1, name });
  const open = (path) => page.goto(`${server.origin}${AT}${path}`);

  /** Numbers of days gone by, which no test can wait for. */
  async function fillNumbers() {
    const today = Math.floor(Date.now() / 1000 / DAY);
    const rows = [];
    for (let back = DAYS_OF_NUMBERS; back >= 1; back -= 1) {
      const wave = Math.round(20 * (1 + Math.sin((DAYS_OF_NUMBERS - back) / 2.2) / 2));
      for (const [client, scale] of [["web", 3], ["ios", 2], ["", 1]]) {
        const numbers = {
          guests_created: wave * scale * 2,
          guests_returned: wave * scale,
          guests_returned_of_day: wave * scale,
          guests_promoted: Math.ceil((wave * scale) / 9),
          guests_promoted_of_day: Math.ceil((wave * scale) / 9),
          promoted_within_10m: scale,
          promoted_within_1h: scale * 3,
          promoted_within_1d: scale * 2,
          promoted_within_7d: scale,
        };
        for (const [name, count] of Object.entries(numbers)) rows.push(`(1, ${today - back}, '${client}', '${name}', ${count})`);
      }
    }
    await database.execute(`INSERT INTO daily_counts (project_no, day, client_id, name, count) VALUES ${rows.join(", ")}`);
  }

  test("an operator finds a guest, looks at it and makes it a member", async () => {
    await open("/users");
    await heading("Users").waitFor();
    await look(page, "portal-users", { picture: true });
    await page.getByLabel("Search").fill("ana@");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "ana@mail.example" }).waitFor();
    assert.equal(await page.getByRole("row").count(), 2, "the headings and one user");
    await page.getByLabel("Search").fill("@mail.exa");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "ana@mail.example" }).waitFor();
    assert.ok((await page.getByRole("row").count()) > 2, "all of a domain");

    const guest = guests[7];
    await page.getByLabel("Search").fill(guest.sub);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("table").getByRole("link").click();
    await heading("Guest").waitFor();
    await look(page, "portal-guest");
    await page.getByRole("link", { name: "Promote" }).click();
    await heading("Promote a guest").waitFor();
    await look(page, "portal-promote", { picture: true });
    await page.getByLabel("Login ID").fill("kim@mail.example");
    await page.getByRole("button", { name: "Promote to member" }).click();
    await heading("kim@mail.example").waitFor();
    await waitFor(async () => {
      await page.reload();
      return (await page.getByText("user.anonymous.promoted").count()) > 0;
    }, 15_000);
    await look(page, "portal-user", { picture: true, height: 1500 });
    await page.getByText("Guest since then").waitFor();
    await open(`/users/${guest.sub}/history`);
    await heading("History").waitFor();
    await page.getByText("Details of Guest promoted").click();
    await look(page, "portal-history");
    await page.getByRole("link", { name: "kim@mail.example" }).click();
    await page.getByRole("link", { name: "Change kim@mail.example" }).click();
    await heading("Change a login ID").waitFor();
    await look(page, "portal-login-id");
    await page.getByRole("link", { name: "kim@mail.example" }).click();
    const told = await guest.fetchUserInfo();
    assert.deepEqual(told, { sub: guest.sub, email: "kim@mail.example", isAnonymous: false }, "the session goes on, the sub stays");

    await page.getByRole("link", { name: "Edit attributes" }).click();
    await heading("Attributes").waitFor();
    await look(page, "portal-attributes");
    await page.getByLabel("Custom attributes").fill('{"cart": "c-42"}');
    await page.getByLabel("Standard attributes").fill('{"name": "Kim Doe", "birthdate": "x"}');
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#error-summary").getByText("write a date such as 1990-05-31").waitFor();
    await page.getByLabel("Standard attributes").fill('{"name": "Kim Doe"}');
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText('"c-42"', { exact: true }).waitFor();
    await open("/users?q=DOE");
    await page.getByRole("row", { name: "Kim Doe" }).getByRole("link").click();
    await heading("kim@mail.example").waitFor();
    await page.getByRole("link", { name: "Delete", exact: true }).click();
    await heading("Delete this user?").waitFor();
    await look(page, "portal-delete");
  });

  test("a member is created, and many guests are looked at before anything happens to them", async () => {
    await open("/users");
    await page.getByRole("link", { name: "New user" }).click();
    await heading("New user").waitFor();
    await page.getByLabel("Login ID").fill("nobody");
    await page.getByRole("button", { name: "Create user" }).click();
    await page.getByText("Please fix 1 error").waitFor();
    await look(page, "portal-new-user");
    await page.getByLabel("Login ID").fill("lee@mail.example");
    await page.getByRole("button", { name: "Create user" }).click();
    await heading("lee@mail.example").waitFor();
    await open("/users/import");
    await heading("Import users").waitFor();
    await look(page, "portal-import-users");
    const lines = `{"id": "01bb44c0-d400-7000-8000-000000000001", "created_at": 1, "updated_at": 1, "anonymous_since": 1}\n{"id": 7}\n`;
    await page.getByLabel("File").setInputFiles({ name: "users.jsonl", mimeType: "application/x-ndjson", buffer: Buffer.from(lines) });
    await page.getByRole("button", { name: "Dry run" }).click();
    await page.getByText("1 user is new.").waitFor();
    await look(page, "portal-import-dry-run");
    await page.getByRole("button", { name: "Import 1 user" }).click();
    await page.getByText("1 user was created.").waitFor();
    await look(page, "portal-import-done");
    await open("/users/bulk?kind=guest");
    await heading("Many users at once").waitFor();
    await look(page, "portal-bulk");
    await page.getByRole("button", { name: "Dry run" }).click();
    await page.getByText("Type the number of users").waitFor();
    await look(page, "portal-bulk-dry-run");
    await open("/users/export");
    await heading("Export users").waitFor();
    await look(page, "portal-export-users");
  });

  test("the charts show what is counted", async () => {
    const report = await waitFor(async () => {
      const now = await api("/statistics");
      return now.funnel.guests_promoted > 0 && now;
    }, 15_000);
    await open("/overview");
    await heading("Overview").waitFor();
    const sums = {};
    for (const day of report.days) {
      sums[day.date] ??= [0, 0];
      sums[day.date][0] += day.guests_created;
      sums[day.date][1] += day.guests_returned;
    }
    const table = page.locator("#guests table");
    await page.locator("#guests summary").click();
    const rows = await table.locator("tbody tr").evaluateAll((all) =>
      all.map((row) => [row.querySelector("th").textContent, ...[...row.querySelectorAll("td")].map((cell) => Number(cell.dataset.value))]),
    );
    assert.equal(rows.length, 30);
    for (const [day, created, returned] of rows.slice(1)) assert.deepEqual([created, returned], sums[day] ?? [0, 0], day);
    // Bars are as high as their numbers: the days before today, for today's guests are still being counted.
    const heights = await page.locator("#guests svg.chart-wide g").evaluateAll((groups) =>
      groups.map((group) => [group.querySelector("title").textContent, ...[...group.querySelectorAll("rect")].map((bar) => Number(bar.getAttribute("height")))]),
    );
    const scale = heights[0][1] / sums[heights[0][0].slice(0, 10)][0];
    for (const [title, first, second] of heights.slice(0, DAYS_OF_NUMBERS)) {
      const [created, returned] = sums[title.slice(0, 10)];
      assert.ok(Math.abs(first - created * scale) < 0.3 && Math.abs(second - returned * scale) < 0.3, `${title}: ${first}, ${second}`);
    }
    const funnel = await page.locator("#funnel td[data-value]").evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.value)));
    const { guests_created, guests_returned, guests_promoted } = report.funnel;
    assert.ok(funnel[0] >= guests_created);
    assert.deepEqual(funnel.slice(1), [guests_returned, guests_promoted]);
    await page.locator("#guests summary").click();
    await look(page, "portal-overview", { picture: true, height: 1400 });

    await page.getByLabel("Period", { exact: true }).selectOption("90");
    await page.getByLabel("Application", { exact: true }).selectOption("ios");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("90 days before").first().waitFor();
    assert.equal(await page.locator("#guests tbody tr").count(), 90);
    await look(page, "portal-overview-90");
  });

  test("the audit log says who did what, and can be taken away", async () => {
    await open("/events");
    await heading("Audit log").waitFor();
    await waitFor(async () => {
      await page.reload();
      return page.getByText(OPERATOR.email).count();
    }, 15_000);
    await page.getByLabel("Event", { exact: true }).selectOption("user.anonymous.promoted");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/type=user\.anonymous\.promoted/);
    await look(page, "portal-audit", { picture: true });
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "events.csv");
    await page.locator("summary", { hasText: "of Guest promoted" }).first().click();
    await look(page, "portal-audit-open");
  });

  test("an address for webhooks is added, and one that is wrong is refused beside its field", async () => {
    await open("/webhooks");
    await page.getByRole("link", { name: "Add blocking webhook" }).click();
    await heading("New webhook").waitFor();
    await look(page, "portal-webhook-asked");
    await page.getByRole("link", { name: "Webhooks", exact: true }).first().click();
    await page.getByRole("link", { name: "Add notification webhook" }).click();
    await heading("New webhook").waitFor();
    const save = page.getByRole("button", { name: "Save" });
    assert.ok(await save.isDisabled(), "there is nothing to save yet");
    await page.getByRole("textbox", { name: "URL" }).fill("ftp://shop.example");
    await page.getByLabel("All events").uncheck();
    await save.click();
    await page.getByText("The address is not an http or https URL.").first().waitFor();
    await page.getByText("Choose at least one option.").first().waitFor();
    await look(page, "portal-webhook-wrong");
    await page.getByRole("textbox", { name: "URL" }).fill("http://127.0.0.1:9/second");
    await page.getByLabel("user.deleted").check();
    await look(page, "portal-webhook");
    await save.click();
    await page.getByText("Changes saved.").waitFor();
    await open("/webhooks/time-outs");
    await heading("Webhook timeouts").waitFor();
    await look(page, "portal-webhook-time-outs");
    await open("/webhooks");
    await page.getByRole("link", { name: "Remove http://127.0.0.1:9/second" }).click();
    await look(page, "portal-webhook-remove");
    await page.getByRole("button", { name: "Remove webhook" }).click();
    await page.getByText("Webhook removed.").waitFor();
  });

  test("webhooks are tried out, and what was given up is sent again", async () => {
    await open("/webhooks");
    await heading("Webhooks").waitFor();
    await page.getByRole("link", { name: "Replace secret" }).click();
    await heading("Webhook secret").waitFor();
    await look(page, "portal-webhook-secret");
    await page.getByRole("button", { name: "Create a new secret" }).click();
    await page.getByText("You won't see it again").waitFor();
    await look(page, "portal-webhook-secret-made");
    await page.getByRole("link", { name: "Done" }).click();
    await page.getByRole("button", { name: /^Send test/ }).click();
    await page.getByText("test failed").waitFor();
    await page.getByRole("heading", { name: "What was sent and answered" }).waitFor();
    await look(page, "portal-webhook-test");
    await waitFor(async () => {
      await open("/webhooks?state=dead");
      return page.getByRole("button", { name: /^Send again/ }).count();
    }, 15_000);
    await look(page, "portal-webhooks", { picture: true, height: 1100 });
    await page.locator("#deliveries .line a").first().click();
    await page.getByRole("heading", { level: 1, name: /^Delivery of / }).waitFor();
    await look(page, "portal-delivery");
    await page.getByRole("button", { name: "Send again" }).click();
    await page.getByText("Delivery queued again").waitFor();
  });
});
