// A real Chromium, and people who use it: each with a clean profile, each failing the test on a page that misbehaves.

import assert from "node:assert/strict";

import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TIMEOUT_MS = 15_000;

export async function launchBrowser() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
  return {
    /** A new person: a page in a profile of its own. */
    async openPerson(options = {}) {
      const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...options });
      context.setDefaultTimeout(TIMEOUT_MS);
      const complaints = [];
      context.on("weberror", (error) => complaints.push(`uncaught: ${error.error().message}`));
      context.on("console", (message) => {
        // A refused answer is part of many journeys; a blocked script, style or form never is.
        const text = message.text();
        if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
      });
      context.on("response", (response) => {
        if (response.status() >= 500) complaints.push(`${response.status()} from ${response.request().method()} ${response.url()}`);
      });
      const page = await context.newPage();
      return {
        page,
        context,
        /** Ends the person's visit; no page may have complained on the way. */
        async leave() {
          await context.close();
          assert.deepEqual(complaints, []);
        },
      };
    },
    close: () => browser.close(),
  };
}
