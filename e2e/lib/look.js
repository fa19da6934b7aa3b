// Looking at a page: axe-core in light and dark, and pictures for the documentation when asked for.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PICTURES = fileURLToPath(new URL("../../docs/images/", import.meta.url));

/**
 * Fails the test if axe-core finds anything on the page. `picture` says that the documentation shows this page:
 * its pictures are renewed if VESTIBULE_SCREENSHOTS is set, or the one of this kind; `height` shows more than one screen of it.
 */
export async function look(page, name, { picture = false, height = 860 } = {}) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await runAxe(page);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
    assert.deepEqual(found, [], `axe-core on ${name} (${colorScheme}, ${page.url()})`);
  }
  await assertFitsPhone(page, name);
  await assertTablesFit(page, name);
  if (picture && process.env.VESTIBULE_SCREENSHOTS) await takePictures(page, name, height, picture);
}

async function runAxe(page) {
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(AXE);
  return page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }), RULES);
}

/** WCAG 2.2, 1.4.10: nothing to scroll sideways for at 320 px. */
async function assertFitsPhone(page, name) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const surplus = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.setViewportSize(before);
  assert.ok(surplus <= 0, `${name} is ${surplus} px too wide for a phone`);
}

/**
 * A table is as wide as its place, or scrolls in a box of its own that the keyboard reaches and a screen reader names;
 * on a wide screen it always fits.
 */
async function assertTablesFit(page, name) {
  const before = page.viewportSize();
  for (const width of [320, 390, 1280]) {
    await page.setViewportSize({ width, height: 860 });
    const faults = await page.evaluate((mustFit) => {
      const judge = (table) => {
        const box = table.closest("[role=region]");
        const place = box ?? table.parentElement;
        if (table.offsetWidth <= place.clientWidth) return null;
        if (mustFit) return "does not fit";
        if (!box) return "has no box to scroll in";
        if (!["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return "does not scroll in its box";
        if (box.tabIndex !== 0 || !box.getAttribute("aria-label")) return "has a box that the keyboard does not reach, or without a name";
        return null;
      };
      return [...document.querySelectorAll("main table")].map(judge).filter(Boolean);
    }, width === 1280);
    assert.deepEqual(faults, [], `tables of ${name} at ${width} px`);
  }
  await page.setViewportSize(before);
}

async function takePictures(page, name, height, picture) {
  mkdirSync(PICTURES, { recursive: true });
  const before = page.viewportSize();
  const views = [
    ["light", { width: 1280, height }, "light"],
    ["dark", { width: 1280, height }, "dark"],
    ["phone", { width: 390, height: Math.max(height, 844) }, "light"],
  ];
  for (const [kind, size, colorScheme] of views.filter(([kind]) => picture === true || picture === kind)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${PICTURES}${name}-${kind}.png`, animations: "disabled" });
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light" });
}
