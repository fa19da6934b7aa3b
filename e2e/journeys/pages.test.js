// Every state of every page, in every language: what the house can render, looked at by axe-core in light and dark, and on a phone.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { launchBrowser } from "../lib/browser.js";
import { look } from "../lib/look.js";
import { makeFolder } from "../lib/server.js";

const RENDERER = process.env.VESTIBULE_RENDER_PAGES ?? fileURLToPath(new URL("../../target/debug/examples/render_pages", import.meta.url));
const LANGUAGES = ["ar", "de", "en", "es", "ja", "zh-TW"];
const TABS = 3;
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript" };
// The states the documentation shows.
const PICTURES = new Map([
  ["en/identify-login", "login"],
  ["ja/identify-promote", "promotion-ja"],
  ["zh-TW/identify-promote", "promotion-zh-TW"],
  ["es/identify-promote", "promotion-es"],
  ["en/passkey-create", "passkey-offer"],
  ["en/settings-guest-full", "account-guest"],
  ["en/passkeys-two", "account-passkeys"],
  ["en/too-many-tries-minutes", "too-many-tries"],
]);

/** Serves a folder, since scripts and passkeys want an origin. */
async function serve(folder) {
  const server = createServer(async (request, response) => {
    const file = path.join(folder, path.normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname)));
    try {
      const body = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://localhost:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("every page state", () => {
  let browser, folder, site;
  before(async () => {
    folder = await makeFolder();
    await promisify(execFile)(RENDERER, [folder.path]);
    [browser, site] = await Promise.all([launchBrowser(), serve(folder.path)]);
  });
  after(async () => {
    await Promise.all([browser?.close(), site?.stop()]);
    await folder?.remove();
  });

  for (const language of LANGUAGES) {
    test(`has no barrier in ${language}`, async () => {
      const files = await readdir(path.join(folder.path, language));
      const states = files.filter((file) => file.endsWith(".html") && !file.startsWith("mail-") && !/-(yellow|blue)\.html$/.test(file));
      assert.ok(states.length > 50, `${states.length} states`);
      const person = await browser.openPerson();
      const tab = async (page) => {
        for (let file = states.pop(); file; file = states.pop()) {
          const name = `${language}/${path.basename(file, ".html")}`;
          await page.goto(`${site.origin}/${language}/${file}`);
          assert.equal(await page.evaluate(() => document.documentElement.lang), language);
          const picture = PICTURES.get(name);
          await look(page, picture ?? name, { picture: Boolean(picture) });
        }
      };
      const pages = [person.page];
      while (pages.length < TABS) pages.push(await person.context.newPage());
      await Promise.all(pages.map(tab));
      await person.leave();
    });
  }

  test("keeps its contrast in colors that projects choose", async () => {
    const files = await readdir(path.join(folder.path, "en"));
    const person = await browser.openPerson();
    for (const file of files.filter((file) => /^(identify|settings).*-(yellow|blue)\.html$/.test(file))) {
      await person.page.goto(`${site.origin}/en/${file}`);
      await look(person.page, file);
    }
    await person.leave();
  });
});
