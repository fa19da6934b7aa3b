// The demo as a newcomer meets it: the shop, a cart as a guest, the sign-up page, the mailbox, the same cart as a member.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { PromotionPages } from "../lib/person.js";
import { startDemo } from "../lib/server.js";

describe("the demo shop", () => {
  let browser, demo, person, shop;
  before(async () => {
    [browser, demo] = await Promise.all([launchBrowser(), startDemo()]);
  });
  after(() => Promise.all([browser?.close(), demo?.stop()]));
  beforeEach(async () => {
    person = await browser.openPerson();
    shop = new ShopPage(person.page, demo.shop);
    await shop.open();
  });
  afterEach(() => person.leave());

  test("a guest's cart and ID survive crashes and promotion", async () => {
    await shop.waitForBadge("Passer-by");
    assert.deepEqual(await person.context.cookies(), [], "looking leaves no cookie");
    assert.equal(await person.page.evaluate(() => localStorage.length), 0, "and nothing in the browser's storage");
    await look(person.page, "shop-passer-by");

    await shop.add("Dusk lamp");
    await shop.waitForBadge("Guest");
    await shop.add("Pip key bowl");
    await shop.add("Pip key bowl");
    await shop.waitForCart({ "Dusk lamp": 1, "Pip key bowl": 2 });
    const sub = await shop.sub();
    await look(person.page, "shop-guest", { picture: true, height: 1190 });

    await demo.server.restart(); // killed, not asked
    await shop.reload();
    await shop.waitForBadge("Guest");
    await shop.waitForCart({ "Dusk lamp": 1, "Pip key bowl": 2 });
    assert.equal(await shop.sub(), sub);

    const email = "ada@mail.example";
    const pages = new PromotionPages(person.page);
    await shop.saveProgress();
    await pages.waitForIdentify();
    await look(person.page, "promotion", { picture: true, height: 980 });
    await pages.identify(email);
    await pages.waitForCode();
    await look(person.page, "promotion-code", { picture: true });
    await pages.enterCode(await readMailbox(person.context, demo.mailbox, email));

    await shop.waitForBadge("Member");
    assert.equal(await shop.sub(), sub);
    await person.page.getByText("Same ID as when you were a guest.").waitFor();
    await person.page.getByText(email).waitFor();
    await shop.waitForCart({ "Dusk lamp": 1, "Pip key bowl": 2 });
    await look(person.page, "shop-member", { picture: true, height: 1190 });

    await demo.server.restart();
    await shop.reload();
    await shop.waitForBadge("Member");
    await shop.waitForCart({ "Dusk lamp": 1, "Pip key bowl": 2 });

    await shop.logOut();
    await shop.waitForBadge("Passer-by");
    await shop.waitForCart({});
    await shop.add("Halt doormat");
    await shop.waitForBadge("Guest");
    assert.notEqual(await shop.sub(), sub, "after logging out, a new action makes a new guest");
  });

  test("turning around on the sign-up page loses nothing", async () => {
    await shop.add("Perch rail");
    await shop.waitForBadge("Guest");
    const sub = await shop.sub();
    await shop.saveProgress();
    const pages = new PromotionPages(person.page);
    await pages.waitForIdentify();
    await pages.cancel();

    await person.page.getByText("You turned around, and that is fine.").waitFor();
    await shop.waitForBadge("Guest");
    assert.equal(await shop.sub(), sub);
    await shop.waitForCart({ "Perch rail": 1 });
  });

  test("a guest is warned before logging out for ever", async () => {
    await shop.add("Linger bench");
    await shop.waitForBadge("Guest");
    await shop.logOut();
    await look(person.page, "shop-leaving");
    await person.page.getByRole("button", { name: "Stay" }).click();
    await shop.waitForBadge("Guest");

    await shop.logOut();
    await person.page.getByRole("button", { name: "Log out and forget me" }).click();
    await shop.waitForBadge("Passer-by");
    await shop.reload();
    await shop.waitForBadge("Passer-by");
  });

  test("two tabs that act at once are one guest", async () => {
    const other = new ShopPage(await person.context.newPage(), demo.shop);
    await other.open();
    await Promise.all([shop.add("Dusk lamp"), other.add("Puddle stand")]);
    await Promise.all([shop.waitForBadge("Guest"), other.waitForBadge("Guest")]);
    assert.equal(await shop.sub(), await other.sub());
    await shop.reload();
    await shop.waitForCart({ "Dusk lamp": 1, "Puddle stand": 1 });
  });
});

/** The shop as its visitor uses it. */
class ShopPage {
  constructor(page, origin) {
    Object.assign(this, { page, origin });
  }

  async open() {
    await this.page.goto(this.origin);
    await this.#settle();
  }

  async reload() {
    await this.page.reload();
    await this.#settle();
  }

  #settle() {
    return this.page.locator("html[data-ready]").waitFor({ state: "attached" });
  }

  async add(product) {
    const stored = this.page.waitForResponse((response) => response.request().method() === "PUT" && response.url().includes("/api/cart/"));
    await this.page.getByRole("button", { name: `Add ${product} to the cart` }).click();
    assert.equal((await stored).status(), 200);
  }

  saveProgress() {
    return this.page.getByRole("button", { name: "Save your progress" }).click();
  }

  logOut() {
    return this.page.getByRole("button", { name: "Log out", exact: true }).click();
  }

  sub() {
    return this.page.locator("#sub").textContent();
  }

  waitForBadge(text) {
    return this.page.locator("#badge", { hasText: text }).waitFor();
  }

  waitForCart(expected) {
    return this.page.waitForFunction((expected) => {
      const lines = [...document.querySelectorAll("#cart-lines li")];
      const seen = lines.map((line) => [line.querySelector(".name").textContent, Number(line.querySelector("output").textContent)]);
      const sorted = (entries) => JSON.stringify(entries.sort());
      return sorted(seen) === sorted(Object.entries(expected));
    }, expected);
  }
}

/** Reads the newest code for `email` from the mailbox page, in a tab of its own. */
async function readMailbox(context, url, email) {
  const tab = await context.newPage();
  await tab.goto(url);
  const mail = tab.getByRole("listitem").filter({ hasText: email }).first();
  await mail.waitFor();
  await look(tab, "mailbox", { picture: true });
  const code = await mail.getByLabel("Code").textContent();
  await mail.getByText("The whole mail").click();
  await tab.frameLocator("iframe").getByText(code, { exact: true }).waitFor();
  await tab.close();
  return code;
}
