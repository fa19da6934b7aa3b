// A person who uses the shop of an example.

import assert from "node:assert/strict";

import { follow, PASSWORD, PromotionPages } from "../lib/person.js";

export class Shopper {
  constructor({ person, origin, receiveCode }) {
    Object.assign(this, { page: person.page, context: person.context, origin, receiveCode, shelf: `${origin}/?color=red&size=2` });
  }

  button = (name) => this.page.getByRole("button", { name, exact: true });
  says = (text) => this.page.getByText(text).waitFor();
  heading = (name) => this.page.getByRole("heading", { level: 1, name }).waitFor();
  isAt = (address) => this.page.waitForURL(address);
  countItems = () => this.page.getByRole("listitem").count();
  sub = () => this.page.evaluate(() => /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(document.body.innerText)?.[0]);

  /** A visitor who looks at the sign-in page and turns back. The app has set no cookie before. */
  async turnBack() {
    await this.page.goto(this.shelf);
    await this.says("You are not signed in.");
    assert.deepEqual(await this.context.cookies(this.origin), []);
    await this.button("Sign in").click();
    await this.heading("Welcome back");
    await this.#cancel();
    await this.says("You are not signed in.");
  }

  async becomeMember(email) {
    await this.button("Add to cart").click();
    await this.says(/^Guest /);
    await this.isAt(this.shelf);
    const guest = await this.sub();
    await this.button("Save your progress").click();
    await new PromotionPages(this.page).waitForIdentify();
    await this.#cancel();
    await this.says(/^Guest /);
    assert.equal(await this.sub(), guest);
    await this.page.reload();
    assert.equal(await this.page.getByText("Nothing has changed.").count(), 0, "a notice is shown once");

    this.page.on("request", (request) => {
      if (request.isNavigationRequest() && request.url().includes("/after-login?")) this.callback = request.url();
    });
    await this.button("Save your progress").click();
    await new PromotionPages(this.page).complete({ email, receiveCode: this.receiveCode });
    await this.says("Welcome! Everything you did as a guest is yours.");
    await this.isAt(this.shelf);
    await this.#isMember(email, guest, 1);
    await this.page.reload();
    await this.#isMember(email, guest, 1);
    // The address of the callback once more: nothing changes.
    await this.page.goto(this.callback);
    await this.isAt(`${this.origin}/`);
    await this.#isMember(email, guest, 1);
    this.member = guest;
  }

  async visitAccount() {
    await this.button("Account").click();
    await this.heading("My account");
    await this.page.goto(this.shelf);
    await this.button("Sign out").click();
    await this.says("You are not signed in.");
    assert.equal(await this.countItems(), 0);
  }

  /** The second visit. The browser sends the request of the callback twice at the same time. */
  async comeBack(email) {
    await this.page.goto(this.shelf);
    await this.button("Sign in").click();
    let sent = 0;
    const twice = async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      const { location } = response.headers();
      if (!location?.startsWith(`${this.origin}/after-login?`)) return route.fulfill({ response });
      const send = () => this.context.request.get(location, { maxRedirects: 0 });
      const answers = await Promise.all([send(), send()]);
      sent += answers.length;
      for (const answer of answers) assert.equal(answer.status(), 303);
      return route.fulfill({ status: 303, headers: { location: this.shelf } });
    };
    const isSubmit = (url) => url.origin !== this.origin;
    await this.page.route(isSubmit, twice);
    await this.#signIn(email);
    await this.says("You are signed in.");
    await this.page.unroute(isSubmit, twice);
    assert.equal(sent, 2);
    await this.isAt(this.shelf);
    await this.#isMember(email, this.member, 1);
    await this.page.reload();
    await this.#isMember(email, this.member, 1);
    await this.button("Sign out").click();
    await this.says("You are not signed in.");
  }

  /** A member's visit that begins as a guest. */
  async bringGuestCart(email) {
    await this.page.goto(this.shelf);
    await this.button("Add to cart").click();
    await this.says(/^Guest /);
    const guest = await this.sub();
    assert.notEqual(guest, this.member);
    await this.button("Sign in").click();
    await this.#signIn(email);
    await this.says("You are signed in. Your guest cart was added to your own.");
    await this.#isMember(email, this.member, 2);
    await this.button("Sign out").click();
    await this.says("You are not signed in.");
  }

  /** A form with another page than the app's own leads to the app. */
  async staysOnItsOwnSite() {
    for (const page of ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere.example/", "javascript:alert(1)"]) {
      await this.page.goto(this.shelf);
      await this.page.locator("input[name=page]").first().evaluate((input, page) => (input.value = page), page);
      await this.button("Sign in").click();
      await this.heading("Welcome back");
      const server = new URL(this.page.url()).origin;
      await follow(this.page, /^Not now, back to/);
      await this.page.waitForURL(({ origin }) => origin !== server);
      assert.equal(new URL(this.page.url()).origin, this.origin);
    }
  }

  /** The server has ended the session of a guest, who then wants to keep what it has. */
  async losesItsSession(endSessions) {
    await this.page.goto(this.shelf);
    await this.button("Add to cart").click();
    await this.says(/^Guest /);
    await endSessions(await this.sub());
    await this.button("Save your progress").click();
    await this.says("You are not signed in.");
    assert.equal(new URL(this.page.url()).origin, this.origin);
  }

  async #isMember(email, sub, items) {
    await this.says(email);
    assert.equal(await this.sub(), sub);
    assert.equal(await this.countItems(), items);
  }

  async #cancel() {
    await follow(this.page, /^Not now, back to/);
    await this.says("Nothing has changed.");
    await this.isAt(this.shelf);
  }

  async #signIn(email) {
    await this.heading("Welcome back");
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await this.button("Sign in").click();
  }
}
