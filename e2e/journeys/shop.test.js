// The demo as a newcomer meets it: the shop, a cart as a guest, the sign-up page, the mailbox, the same cart as a member;
// and the second visit, with an account that is there already.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { follow, makeAddress, PASSWORD, PromotionPages } from "../lib/person.js";
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
    await shop.waitForBadge("Visitor");
    assert.deepEqual(await person.context.cookies(), [], "looking leaves no cookie");
    assert.equal(await person.page.evaluate(() => localStorage.length), 0, "and nothing in the browser's storage");
    await look(person.page, "shop-visitor");

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

    await shop.signOut();
    await person.page.getByText("You're signed out.").waitFor();
    await shop.waitForBadge("Visitor");
    await shop.waitForCart({});
    assert.equal(await focusedId(person.page), "pass", "the button is gone, the focus is where it was");
    await shop.add("Halt doormat");
    await shop.waitForBadge("Guest");
    assert.notEqual(await shop.sub(), sub, "after signing out, a new action makes a new guest");
  });

  /** Somebody who has been here before, with a cart, and signed out. */
  async function makeMember(cart) {
    const email = makeAddress("member");
    await shop.add(cart);
    await shop.waitForBadge("Guest");
    await shop.saveProgress();
    const pages = new PromotionPages(person.page);
    await pages.waitForIdentify();
    await pages.identify(email);
    await pages.waitForCode();
    await pages.enterCode(await readMailbox(person.context, demo.mailbox, email));
    await shop.waitForBadge("Member");
    const sub = await shop.sub();
    await shop.signOut();
    await shop.waitForBadge("Visitor");
    return { email, sub };
  }

  async function signIn(email) {
    await person.page.getByRole("heading", { level: 1, name: "Welcome back" }).waitFor();
    await person.page.getByLabel("Email address").fill(email);
    await person.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await person.page.getByRole("button", { name: "Sign in", exact: true }).click();
  }

  test("a member signs in again, and opens the account", async () => {
    const { email, sub } = await makeMember("Dusk lamp");
    await shop.signIn();
    await signIn(email);
    await person.page.getByText(`You are signed in as ${email}.`, { exact: true }).waitFor();
    await shop.waitForBadge("Member");
    assert.equal(await shop.sub(), sub);
    await shop.waitForCart({ "Dusk lamp": 1 });
    assert.equal(new URL(person.page.url()).search, "", "a reload sends no code again");
    await shop.reload();
    await shop.waitForBadge("Member");
    await look(person.page, "shop-signed-in");

    await person.page.getByRole("button", { name: "Account" }).click();
    await person.page.getByRole("heading", { level: 1, name: "My account" }).waitFor();
    await person.page.getByText(email).waitFor();
    await person.page.getByRole("link", { name: "Back to Foyer" }).click();
    await shop.waitForBadge("Member");
  });

  test("a member who shopped as a guest is told what stayed behind", async () => {
    const { email, sub } = await makeMember("Dusk lamp");
    await shop.add("Linger bench");
    await shop.waitForBadge("Guest");
    const guest = await shop.sub();
    await shop.signIn();
    await look(person.page, "shop-leaving-a-cart");
    await person.page.keyboard.press("Escape");
    assert.equal(await focusedId(person.page), "sign-in", "Escape gives the focus back");
    await shop.waitForCart({ "Linger bench": 1 });

    // Turning around on the sign-in page changes nothing.
    await shop.signIn();
    await person.page.getByRole("dialog").getByRole("button", { name: "Sign in", exact: true }).click();
    await follow(person.page, /^Not now, back to/);
    await person.page.getByText("You turned around, and that is fine.").waitFor();
    assert.equal(await shop.sub(), guest);

    await shop.signIn();
    await person.page.getByRole("dialog").getByRole("button", { name: "Sign in", exact: true }).click();
    await signIn(email);
    await person.page.getByText(`You are signed in as ${email}. Your guest cart stayed behind`).waitFor();
    assert.equal(await shop.sub(), sub);
    await shop.waitForCart({ "Dusk lamp": 1 });
    assert.equal(await person.page.getByText("Same ID as when you were a guest.").isVisible(), false);
  });

  for (const path of ["Sign in instead", "an address that is taken"]) {
    test(`a guest with an account brings its cart along by ${path}`, async () => {
      const { email, sub } = await makeMember("Dusk lamp");
      await shop.add("Linger bench");
      await shop.waitForBadge("Guest");
      await proveAccount(path, email);
      await person.page.getByRole("button", { name: "Bring my things along" }).click();
      await person.page.getByText(`You are signed in as ${email}. Your guest cart came along.`).waitFor();
      assert.equal(await shop.sub(), sub);
      await shop.waitForCart({ "Dusk lamp": 1, "Linger bench": 1 });
      await shop.reload();
      await shop.waitForCart({ "Dusk lamp": 1, "Linger bench": 1 });
    });
  }

  test("a guest's cart that comes later than the page is shown when it comes", async () => {
    const { email, sub } = await makeMember("Dusk lamp");
    await shop.add("Linger bench");
    await shop.waitForBadge("Guest");
    const looks = /\/api\/cart\/from\//;
    // Until the shop's server has moved the cart, this is what it answers.
    await person.page.route(looks, (route) => route.fulfill({ json: { has_come: false } }));
    await proveAccount("Sign in instead", email);
    await person.page.getByRole("button", { name: "Bring my things along" }).click();
    await person.page.getByText(`You are signed in as ${email}. Your guest cart is not here yet`).waitFor();
    await person.page.waitForResponse(looks); // it looks again
    await person.page.unroute(looks);
    await person.page.getByText(`You are signed in as ${email}. Your guest cart came along.`).waitFor();
    assert.equal(await shop.sub(), sub);
    await shop.waitForCart({ "Dusk lamp": 1, "Linger bench": 1 });
  });

  test("a guest with an account signs in without its cart", async () => {
    const { email, sub } = await makeMember("Dusk lamp");
    await shop.add("Linger bench");
    await shop.waitForBadge("Guest");
    await proveAccount("Sign in instead", email);
    await person.page.getByRole("button", { name: "Sign in without them" }).click();
    await person.page.getByText(`You are signed in as ${email}. Your guest cart stayed behind`).waitFor();
    assert.equal(await shop.sub(), sub);
    await shop.waitForCart({ "Dusk lamp": 1 });
  });

  /** From the shop to the question what becomes of the guest's things. */
  async function proveAccount(path, email) {
    await shop.saveProgress();
    const pages = new PromotionPages(person.page);
    await pages.waitForIdentify();
    if (path === "Sign in instead") {
      await follow(person.page, "Sign in instead");
      await pages.heading("Sign in instead?").waitFor();
      await follow(person.page, "Sign in to my account");
    } else {
      await pages.identify(email);
      await pages.waitForCode();
      await pages.enterCode(await readMailbox(person.context, demo.mailbox, email, 2));
      await pages.heading("You already have an account").waitFor();
      await follow(person.page, "Sign in to that account");
    }
    await signIn(email);
    await pages.heading("Bring your things along?").waitFor();
    await look(person.page, "shop-bringing-a-cart");
  }

  test("an action keeps the focus where it was", async () => {
    const add = person.page.getByRole("button", { name: "Add Dusk lamp to the cart" });
    await add.focus();
    await person.page.keyboard.press("Enter");
    await shop.waitForCart({ "Dusk lamp": 1 });
    assert.equal(await add.evaluate((button) => button === document.activeElement), true);
    await person.page.getByRole("button", { name: "One less Dusk lamp" }).press("Enter");
    await shop.waitForCart({});
    assert.equal(await focusedId(person.page), "cart");

    await person.page.getByRole("button", { name: "Sign out", exact: true }).focus();
    await person.page.keyboard.press("Enter");
    await person.page.getByRole("dialog").waitFor();
    await person.page.keyboard.press("Escape");
    await person.page.getByRole("dialog").waitFor({ state: "hidden" });
    const name = await person.page.evaluate(() => document.activeElement.textContent);
    assert.equal(name, "Sign out");
  });

  test("too many new guests are told in words", async () => {
    const body = JSON.stringify({ error: { name: "TooManyRequest", reason: "RateLimited", message: "request rate limited", code: 429 } });
    await person.page.route("**/api/anonymous_user/signup", (route) =>
      route.fulfill({ status: 429, contentType: "application/json", headers: { "access-control-allow-origin": "*" }, body }),
    );
    await person.page.getByRole("button", { name: "Add Dusk lamp to the cart" }).click();
    await person.page.getByText("Too many new guests from here. Try again in a minute.").waitFor();
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

  test("a guest is warned before signing out for good", async () => {
    await shop.add("Linger bench");
    await shop.waitForBadge("Guest");
    await shop.signOut();
    await look(person.page, "shop-leaving");
    await person.page.getByRole("button", { name: "Stay" }).click();
    await shop.waitForBadge("Guest");

    await shop.signOut();
    await person.page.getByRole("button", { name: "Sign out and lose the cart" }).click();
    await shop.waitForBadge("Visitor");
    await shop.reload();
    await shop.waitForBadge("Visitor");
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

const focusedId = (page) => page.evaluate(() => document.activeElement.id);

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

  signIn() {
    return this.page.getByRole("banner").getByRole("button", { name: "Sign in" }).click();
  }

  signOut() {
    return this.page.getByRole("button", { name: "Sign out", exact: true }).click();
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

/** Reads the newest code for `email` from the mailbox page, in a tab of its own; of several mails it waits for the last. */
async function readMailbox(context, url, email, mails = 1) {
  const tab = await context.newPage();
  await tab.goto(url);
  const mine = tab.getByRole("listitem").filter({ hasText: email, has: tab.getByLabel("Code") });
  await mine.nth(mails - 1).waitFor();
  const mail = mine.first();
  await look(tab, "mailbox", { picture: true });
  const code = await mail.getByLabel("Code").textContent();
  await mail.getByText("The whole mail").click();
  await tab.frameLocator("iframe").getByText(code, { exact: true }).waitFor();
  await tab.close();
  return code;
}
