// Runs the code blocks of the documentation. Usage: node guides/run.js quick|long [CHECK…]
// `quick` is a part of ./test and `long` of ./test more. Each prints what became of every block; a block without a class fails.

import { access, readFile } from "node:fs/promises";
import path from "node:path";

import { CHECKS } from "./checks/index.js";
import { readPages, ROOT } from "./pages.js";
import { parse } from "./parse.js";
import { checkProse } from "./prose.js";

const [level, ...wanted] = process.argv.slice(2);
if (!["quick", "long"].includes(level)) {
  console.error("usage: node guides/run.js quick|long [CHECK…]");
  process.exit(2);
}

/** Why the pages are not in order, one line each. */
async function findFaults(blocks) {
  const faults = [];
  for (const block of blocks) {
    const { kind, argument, where, page } = block;
    if (kind === null) faults.push(`${where}: a block without a class; see e2e/guides/pages.js`);
    if (kind === "run" && !CHECKS[argument]) faults.push(`${where}: there is no check "${argument}"`);
    if (kind === "run by" && !(await names(argument, page))) faults.push(`${where}: ${argument} does not exist, or does not read this page`);
  }
  for (const name of Object.keys(CHECKS)) {
    if (!blocks.some(({ kind, argument }) => kind === "run" && argument === name)) faults.push(`the check "${name}" has no block`);
  }
  return faults;
}

/** Whether a test exists and names the page, or takes the folder's pages by name. */
async function names(file, page) {
  const text = await access(path.join(ROOT, file)).then(() => readFile(path.join(ROOT, file), "utf8"), () => "");
  return text.includes(path.posix.basename(page));
}

const blocks = await readPages();
const count = { ran: 0, elsewhere: 0, later: 0, parsed: 0, not: 0, impossible: 0 };
const reasons = [];
let failed = 0;

async function attempt(what, number, action) {
  const begin = performance.now();
  try {
    const missing = await action();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`${missing ? "--" : "ok"}  ${what}: ${number} block${number === 1 ? "" : "s"}, ${seconds} s`);
    return missing;
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}\n${error.stack ?? error}\n`);
  }
}

for (const fault of await findFaults(blocks)) {
  failed += 1;
  console.log(`FAILED  ${fault}`);
}
for (const [name, check] of Object.entries(CHECKS)) {
  const own = blocks.filter(({ kind, argument }) => kind === "run" && argument === name);
  const isNow = wanted.length > 0 ? wanted.includes(name) : check.level === level;
  if (!isNow) {
    count.later += own.length;
    continue;
  }
  const missing = await attempt(name, own.length, () => check.run(own));
  if (missing) {
    count.impossible += own.length;
    reasons.push(...own.map(({ where }) => `COULD NOT RUN HERE  ${where}: ${missing}`));
  } else count.ran += own.length;
}
for (const block of wanted.length > 0 ? [] : blocks) {
  const { kind, argument, where } = block;
  if (kind === "run by") count.elsewhere += 1;
  if (kind === "not run") {
    count.not += 1;
    reasons.push(`not run  ${where}: ${argument}`);
  }
  if (kind === "parse") {
    count.parsed += 1;
    reasons.push(`parsed only  ${where}: ${argument}`);
    await parse(block).catch((error) => {
      failed += 1;
      console.log(`FAILED  ${where}: ${error.message}`);
    });
  }
}
if (level === "quick" && wanted.length === 0) {
  const { faults, ...named } = await checkProse([...new Set(blocks.map(({ page }) => page))]);
  for (const fault of faults) console.log(`FAILED  ${fault}`);
  failed += faults.length;
  console.log(`${faults.length > 0 ? "FAILED" : "ok"}  named in the text: ${named.commands} commands, ${named.settings} settings, ${named.paths} paths`);
}
console.log(reasons.join("\n"));
console.log(
  `\n${blocks.length} code blocks: ${count.ran} ran here, ${count.later} run in ${level === "quick" ? "./test long-guides" : "./test guides"}, ` +
    `${count.elsewhere} by other tests, ${count.parsed} were checked by a parser only, ${count.not} carry a reason, ${count.impossible} could not run here`,
);
console.log(`${count.ran + count.parsed} passed, ${failed} failed, ${count.not + count.impossible} skipped`);
process.exit(failed === 0 ? 0 : 1);
