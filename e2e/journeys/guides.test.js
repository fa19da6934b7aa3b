// What a developer copies runs: the blocks of the web guide, and the portal's quick starts for React, Vue and the plain web,
// each built with esbuild against the SDK from npm and used in a real browser, from the first visit to the second one.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { nameOf, readBlocks } from "../lib/blocks.js";
import { launchBrowser } from "../lib/browser.js";
import { bundle } from "../lib/bundle.js";
import { startMailServer } from "../lib/mail.js";
import { follow, makeAddress, PASSWORD, PromotionPages } from "../lib/person.js";
import { createFirstOperator, firstLink } from "../lib/portal.js";
import { startDemo, startServer } from "../lib/server.js";

const PACKAGES = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")).devDependencies;

/** A development server: the page for every address, the script of the app, and a backend that asks whose token it is. */
async function startDevServer(host) {
  const app = { page: "", script: "", issuer: "" };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const answer = (type, body) => {
      response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
      response.end(body);
    };
    if (pathname === "/api/cart") {
      const asked = await fetch(`${app.issuer}/oauth2/userinfo`, { headers: { authorization: request.headers.authorization } });
      return answer("application/json", JSON.stringify({ of: (await asked.json()).sub, method: request.method }));
    }
    if (pathname.startsWith("/src/")) return answer("text/javascript; charset=utf-8", app.script);
    return answer("text/html; charset=utf-8", app.page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(app, {
    origin: `http://${host}:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
}

describe("the web guide", () => {
  let browser, mail, blocks, server, app, person;
  before(async () => {
    [browser, mail, blocks] = await Promise.all([launchBrowser(), startMailServer(), readBlocks("web.md")]);
  });
  after(() => Promise.all([browser?.close(), mail?.stop()]));
  afterEach(async () => {
    await person?.leave();
    await Promise.all([server?.stop(), app?.stop()]);
    [person, server, app] = [];
  });

  const toml = () => blocks.find(({ language }) => language === "toml").code;

  test("names a file for every piece of code, and packages that exist", () => {
    for (const { language, code, file } of blocks) {
      assert.ok(["sh", "toml", "js", "html"].includes(language), `a block of ${language} that no test runs:\n${code}`);
      if (language === "js" || language === "html") assert.ok(file, `a block without a file name:\n${code}`);
      for (const [, name] of code.matchAll(/^npm install (\S+)$/gm)) assert.ok(PACKAGES[name], name);
    }
    assert.equal(blocks.filter(({ language }) => language === "toml").length, 1);
  });

  test("has a project file that is taken as it is", async () => {
    server = await startServer({ makeProject: toml });
    assert.match(await server.command("project", "list"), /shop\b.*https:\/\/auth\.shop\.example/);
  });

  for (const [sessionType, host, auth] of [
    ["refresh_token", "localhost", "localhost"],
    ["cookie", "shop.localhost", "auth.shop.localhost"],
  ]) {
    test(`has code that runs with sessionType ${sessionType}`, async () => {
      app = await startDevServer(host);
      let issuer;
      const fill = (text) =>
        text
          .replaceAll("https://auth.shop.example", issuer)
          .replaceAll("https://shop.example", app.origin)
          .replaceAll("https://api.shop.example", `${app.origin}/api`)
          .replaceAll('sessionType: "refresh_token"', `sessionType: "${sessionType}"`);
      const makeProject = (port) => {
        issuer = `http://${auth}:${port}`;
        return fill(toml());
      };
      server = await startServer({ smtpPort: mail.port, makeProject });
      const files = new Map(blocks.filter(({ file }) => file).map(({ file, code }) => [file, fill(code)]));
      files.set("src/entry.js", 'import * as cart from "./cart.js";\nimport "./main.js";\nglobalThis.cart = cart;\n');
      Object.assign(app, { issuer, page: files.get("index.html"), script: await bundle(files, "src/entry.js") });

      person = await browser.openPerson();
      const visit = new Visit({ person, app, receiveCode: mail.receiveCode });
      await visit.twice();
      if (sessionType === "cookie") return; // no code in the address, and the backend asks the resolver
      await visit.spentCode();
      const sub = await visit.sub();
      const answer = await person.page.evaluate(() => globalThis.cart.addToCart({ product: "lamp" }));
      assert.deepEqual(answer, { of: sub, method: "POST" });
    });
  }
});

describe("the portal's quick start", () => {
  let browser, mail, demo, app, person, operator;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    demo = await startDemo({ smtp: mail.host });
    app = await startDevServer("localhost");
    // The way the web guide begins: the demo, its first operator, a new application.
    operator = await browser.openPerson();
    const { page } = operator;
    await page.goto(firstLink(demo));
    await createFirstOperator(page);
    await page.goto(`${demo.issuer}/portal/p/demo/applications/new/web`);
    await page.getByLabel("Name", { exact: true }).fill("My shop");
    await page.getByLabel("Client ID").fill("my-shop");
    await page.getByLabel("Authorized redirect URIs").fill(`${app.origin}/after-login`);
    await page.getByLabel("Client ID").press("Enter");
    await page.getByRole("heading", { level: 1, name: "Quick start" }).waitFor();
  });
  after(async () => {
    await operator?.leave();
    await Promise.all([browser?.close(), mail?.stop(), demo?.stop(), app?.stop()]);
  });
  afterEach(() => person?.leave());

  /** The files the quick start shows. */
  async function copyFiles(framework) {
    const { page } = operator;
    await page.goto(`${demo.issuer}/portal/p/demo/applications/my-shop/quick-start?for=${framework}`);
    const codes = await page.locator(".quick .snippet").allTextContents();
    return new Map(codes.filter(nameOf).map((code) => [nameOf(code), code]));
  }

  for (const [framework, entry, mount] of [
    ["web", "src/main.js", null],
    ["react", "src/main.jsx", "root"],
    ["vue", "src/main.js", "app"],
  ]) {
    test(`runs: ${framework}`, async () => {
      const files = await copyFiles(framework);
      // Where a framework's own template brings the page along.
      const template = `<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><div id="${mount}"></div><script type="module" src="/src/main.js"></script></html>`;
      const page = mount ? template : files.get("index.html");
      Object.assign(app, { issuer: demo.issuer, page, script: await bundle(files, entry) });
      person = await browser.openPerson();
      const visit = new Visit({ person, app, receiveCode: mail.receiveCode });
      await visit.twice();
      await visit.spentCode();
    });
  }
});

/** A person on the page that the guide and the quick starts make: the first visit and the second one. */
class Visit {
  constructor({ person, app, receiveCode }) {
    Object.assign(this, { page: person.page, app, receiveCode });
    this.page.on("request", (request) => {
      if (request.isNavigationRequest() && request.url().includes("/after-login?")) this.callback = request.url();
    });
  }

  button = (name) => this.page.getByRole("button", { name, exact: true });
  says = (text) => this.page.getByText(text).waitFor();
  heading = (name) => this.page.getByRole("heading", { level: 1, name }).waitFor();

  sub() {
    return this.page.evaluate(() => /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(document.body.innerText)?.[0]);
  }

  async isAt(address) {
    await this.page.waitForFunction((address) => location.href === address, address);
  }

  async twice() {
    const { page, app } = this;
    const shelf = `${app.origin}/shelf?color=red#lamps`;
    await page.goto(shelf);
    await this.says("You are not signed in.");

    // A visitor who looks at the sign-in page and turns back.
    await this.button("Sign in").click();
    await this.heading("Welcome back");
    await follow(page, /^Not now, back to/);
    await this.says("Nothing has changed.");
    await this.isAt(shelf);

    await this.button("Add to cart").click();
    await this.says(/^Guest /);
    const guest = await this.sub();
    await this.button("Save your progress").click();
    await new PromotionPages(page).waitForIdentify();
    await follow(page, /^Not now, back to/);
    await this.says("Nothing has changed.");
    assert.equal(await this.sub(), guest);

    const email = makeAddress("dev");
    await this.button("Save your progress").click();
    await new PromotionPages(page).complete({ email, receiveCode: this.receiveCode });
    await this.says("Welcome! Everything you did as a guest is yours.");
    await this.isAt(shelf);
    await this.says(email);
    assert.equal(await this.sub(), guest);
    await page.reload();
    await this.says(email);

    await this.button("Account").click();
    await this.heading("My account");
    await page.goto(shelf);
    await this.says(email);
    await this.button("Sign out").click();
    await this.says("You are not signed in.");

    // The second visit.
    await page.goto(shelf);
    await this.button("Sign in").click();
    await this.#signIn(email);
    await this.says("You are signed in.");
    await this.isAt(shelf);
    assert.equal(await this.sub(), guest);
    await this.button("Sign out").click();
    await this.says("You are not signed in.");

    // And one that begins as a guest.
    await page.goto(shelf);
    await this.button("Add to cart").click();
    await this.says(/^Guest /);
    assert.notEqual(await this.sub(), guest);
    await this.button("Sign in").click();
    await this.#signIn(email);
    await this.says("What you did as a guest stayed behind.");
    assert.equal(await this.sub(), guest);
  }

  /** A code that was used before: the back button, or an address that was kept. */
  async spentCode() {
    const { page, app } = this;
    const member = await this.sub();
    await page.goto(this.callback);
    await this.says("That did not work. Try again.");
    await this.isAt(`${app.origin}/`);
    assert.equal(await this.sub(), member, "the session is what it was");
  }

  async #signIn(email) {
    await this.heading("Welcome back");
    await this.page.getByLabel("Email address").fill(email);
    await this.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
  }
}
