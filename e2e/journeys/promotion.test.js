// The promotion pages when things go differently: no JavaScript, wrong turns, wrong codes, taken addresses, other languages.
// Whatever happens here, a guest who is not promoted is the guest they were.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { launchBrowser } from "../lib/browser.js";
import { Guest } from "../lib/guest.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { follow, makeAddress, PASSWORD, PromotionPages } from "../lib/person.js";
import { startDemo } from "../lib/server.js";

describe("the promotion pages", () => {
  let browser, mail, demo, landing;
  let people = [];
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    demo = await startDemo({ smtp: mail.host });
    landing = `${demo.shop}/after-login`;
  });
  after(() => Promise.all([browser?.close(), mail?.stop(), demo?.stop()]));
  afterEach(async () => {
    const leaving = people;
    people = [];
    for (const person of leaving) await person.leave();
  });

  const signUpGuest = () => Guest.signUp({ issuer: demo.issuer, clientId: "demo-web", redirectUri: landing });

  /** A person whose app is a blank page: what matters is where they land. */
  async function openPerson(options) {
    const person = await browser.openPerson(options);
    people.push(person);
    await person.context.route(`${landing}**`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>The app</title>" }));
    return { ...person, pages: new PromotionPages(person.page) };
  }

  async function land(page) {
    await page.waitForURL(`${landing}**`);
    return page.url();
  }

  test("a guest is promoted without JavaScript", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson({ javaScriptEnabled: false });
    const email = makeAddress();
    await page.goto(await guest.startPromotion());
    await pages.complete({ email, receiveCode: mail.receiveCode });
    assert.deepEqual(await guest.finishPromotion(await land(page)), { sub: guest.sub, email, isAnonymous: false });
  });

  test("a guest is promoted by keyboard alone", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    const email = makeAddress();
    await page.goto(await guest.startPromotion());
    await pages.waitForIdentify();
    await tabTo(page, "login_id");
    await page.keyboard.type(email);
    await tabTo(page, "password");
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await pages.waitForCode();
    await tabTo(page, "code");
    await page.keyboard.type(await mail.receiveCode(email));
    await page.keyboard.press("Enter");
    assert.equal((await guest.finishPromotion(await land(page))).sub, guest.sub);
  });

  test("a used promotion code opens a page that says so", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    const address = await guest.startPromotion();
    await page.goto(address);
    await pages.complete({ email: makeAddress(), receiveCode: mail.receiveCode });
    await guest.finishPromotion(await land(page));

    const other = await openPerson();
    const answer = await other.page.goto(address);
    assert.ok(answer.status() < 500, `status ${answer.status()}`);
    await other.page.getByRole("heading", { level: 1, name: /expired|saved already/i }).waitFor();
    await look(other.page, "promotion-expired");
    assert.equal((await guest.fetchUserInfo()).isAnonymous, false);
  });

  test("turning around tells the app, and the guest can start again", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    await page.goto(await guest.startPromotion());
    await pages.waitForIdentify();
    await pages.cancel();
    const query = new URL(await land(page)).searchParams;
    assert.deepEqual([query.get("error"), query.get("state"), query.get("code")], ["access_denied", guest.state, null]);
    await guest.assertUntouched();

    await page.goto(await guest.startPromotion());
    await pages.complete({ email: makeAddress(), receiveCode: mail.receiveCode });
    assert.equal((await guest.finishPromotion(await land(page))).sub, guest.sub);
  });

  test("what is wrong is said beside the field, and nothing is sent", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    const sent = mail.mails.length;
    await page.goto(await guest.startPromotion());
    await pages.identify("not an address", "123");
    for (const label of ["Email address", "Password"]) {
      const field = page.getByLabel(label, { exact: true });
      assert.equal(await field.getAttribute("aria-invalid"), "true", label);
      const errors = (await field.getAttribute("aria-describedby")).split(" ").filter((id) => id.endsWith("-error"));
      assert.notEqual(await page.locator(`#${errors[0]}`).textContent(), "");
    }
    assert.equal(await page.getByLabel("Email address").inputValue(), "not an address", "what was typed is kept");
    assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "", "a password is never sent back");
    await look(page, "promotion-errors", { picture: true, height: 1100 });
    assert.equal(mail.mails.length, sent);
    await guest.assertUntouched();
  });

  test("the Back button returns to a refused page that carries its flow", async () => {
    const guest = await signUpGuest();
    // Not openPerson: a route switches the browser's cache off, and then it sends the form again without asking.
    const person = await browser.openPerson({ javaScriptEnabled: false });
    people.push(person);
    const [page, pages] = [person.page, new PromotionPages(person.page)];
    await page.goto(await guest.startPromotion());
    await pages.identify("not an address", "123");
    await page.locator("#error-summary").waitFor();
    await pages.identify(makeAddress());
    await pages.waitForCode();
    await page.goBack();
    await page.locator("#error-summary").waitFor();
    await page.goBack();
    await pages.waitForIdentify();
    await guest.assertUntouched();
  });

  test("five wrong codes end the try, not the guest", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    const email = makeAddress();
    await page.goto(await guest.startPromotion());
    await pages.identify(email);
    await pages.waitForCode();
    const code = await mail.receiveCode(email);
    const wrong = code === "000000" ? "111111" : "000000";
    await pages.enterCode(wrong);
    await page.locator("#code[aria-invalid=true]").waitFor();
    await look(page, "promotion-code-wrong");
    const tries = page.getByRole("heading", { level: 1, name: /pause|too many/i });
    for (let n = 2; n <= 5; n += 1) {
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      await pages.enterCode(wrong);
      await answered;
    }
    await page.waitForLoadState();
    assert.ok(!page.url().startsWith(landing));
    if (await page.getByLabel("Code", { exact: true }).isVisible()) await pages.enterCode(code);
    else await tries.waitFor();
    await page.waitForLoadState();
    assert.ok(!page.url().startsWith(landing), "the right code comes too late");
    await guest.assertUntouched();
    await look(page, "promotion-too-many");

    const again = await openPerson();
    await again.page.goto(await guest.startPromotion());
    await again.pages.complete({ email: makeAddress(), receiveCode: mail.receiveCode });
    assert.equal((await guest.finishPromotion(await land(again.page))).sub, guest.sub);
  });

  test("the back button leads to another address, and afterwards nowhere bad", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    const [mistyped, meant] = [makeAddress("mistyped"), makeAddress("meant")];
    await page.goto(await guest.startPromotion());
    await pages.identify(mistyped);
    await pages.waitForCode();
    const old = await mail.receiveCode(mistyped);
    await page.goBack();
    await pages.waitForIdentify();
    await pages.identify(meant);
    await pages.waitForCode();
    const code = await mail.receiveCode(meant);
    if (old !== code) {
      await pages.enterCode(old);
      await page.locator("#code[aria-invalid=true]").waitFor();
    }
    await pages.enterCode(code);
    assert.equal((await guest.finishPromotion(await land(page))).email, meant);

    await page.goBack(); // the code page, of a promotion that is over
    if (await page.getByLabel("Code", { exact: true }).isVisible()) await pages.enterCode(code);
    await page.getByRole("heading", { level: 1, name: /saved already|expired|too long/i }).waitFor();
    assert.equal((await guest.fetchUserInfo()).email, meant);
  });

  test("a taken address is only told to who can read its mail, and another one works", async () => {
    const [first, second] = [await signUpGuest(), await signUpGuest()];
    const taken = makeAddress("taken");
    const one = await openPerson();
    await one.page.goto(await first.startPromotion());
    await one.pages.complete({ email: taken, receiveCode: mail.receiveCode });
    await first.finishPromotion(await land(one.page));

    const { page, pages } = await openPerson();
    await page.goto(await second.startPromotion());
    await pages.identify(taken);
    await pages.waitForCode(); // the same page as for a free address
    await pages.enterCode(await mail.receiveCode(taken));
    await pages.heading("You already have an account").waitFor();
    await look(page, "promotion-conflict", { picture: true });
    await second.assertUntouched();

    await follow(page, "Use a different login");
    const email = makeAddress();
    await pages.complete({ email, receiveCode: mail.receiveCode });
    assert.deepEqual(await second.finishPromotion(await land(page)), { sub: second.sub, email, isAnonymous: false });
    assert.deepEqual(await first.fetchUserInfo(), { sub: first.sub, email: taken, isAnonymous: false });
  });

  test("two tabs of one guest: the first wins, the second says so", async () => {
    const guest = await signUpGuest();
    const [one, two] = [await openPerson(), await openPerson()];
    const emails = [makeAddress(), makeAddress()];
    const codes = [];
    const slow = await guest.startPromotion();
    await two.page.goto(slow);
    await two.pages.identify(emails[1]);
    await two.pages.waitForCode();
    codes[1] = await mail.receiveCode(emails[1]);

    await one.page.goto(await guest.startPromotion());
    await one.pages.complete({ email: emails[0], receiveCode: mail.receiveCode });
    await guest.finishPromotion(await land(one.page));

    await two.pages.enterCode(codes[1]);
    await two.pages.heading("Your progress is saved already").waitFor();
    await look(two.page, "promotion-already");
    assert.deepEqual(await guest.fetchUserInfo(), { sub: guest.sub, email: emails[0], isAnonymous: false });
  });

  test("a person with an account is told what that means, and can go back", async () => {
    const guest = await signUpGuest();
    const { page, pages } = await openPerson();
    await page.goto(await guest.startPromotion());
    await follow(page, "Sign in instead");
    await pages.heading("Sign in instead?").waitFor();
    await look(page, "promotion-have-account");
    await follow(page, "Go back and save my progress");
    await pages.waitForIdentify();
    await guest.assertUntouched();
  });

  test("the pages speak the app's language, right to left too", async () => {
    const guest = await signUpGuest();
    for (const [asked, direction] of [["de", "ltr"], ["ar", "rtl"]]) {
      const { page } = await openPerson();
      await page.goto(await guest.startPromotion({ ui_locales: asked }));
      assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [asked, direction]);
      await look(page, `promotion-${asked}`, { picture: direction === "rtl", height: 980 });
    }
  });

  test("an app that is not known, or lands elsewhere, gets no redirect", async () => {
    const { page } = await openPerson();
    const address = new URL(await (await signUpGuest()).startPromotion());
    for (const [name, value] of [["client_id", "stranger"], ["redirect_uri", "https://evil.example/after-login"]]) {
      const changed = new URL(address);
      changed.searchParams.set(name, value);
      const answer = await page.goto(changed.href);
      assert.equal(answer.status(), 400, name);
      assert.ok(page.url().startsWith(demo.issuer), page.url());
    }
  });
});

/** Presses Tab until the field of this name has the focus, as somebody without a mouse does. */
async function tabTo(page, name) {
  for (let n = 0; n < 30; n += 1) {
    if (await page.evaluate((name) => document.activeElement?.getAttribute("name") === name, name)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${name}`);
}
