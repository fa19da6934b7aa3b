// The code blocks of the documentation, each with what is done about it. A comment on the line above a block says so:
//   <!-- run: CHECK -->         the check of that name in `checks/` runs it
//   <!-- run by: FILE -->       the test in that file runs it
//   <!-- parse: REASON -->      only a parser reads it, for this reason
//   <!-- not run: REASON -->    nothing reads it, for this reason

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OTHERS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "e2e/README.md"];
const BLOCK = /^(?<above>.*\n)?(?<indent> *)(?<fence>`{3,}|~{3,})(?<language>.*)\n(?<code>[\s\S]*?)^\k<indent>\k<fence> *$/gm;
const CLASS = /^ *<!-- (?<kind>run|run by|parse|not run): (?<argument>.+) -->$/;

/** Every block of every page, in order. */
export async function readPages() {
  const names = (await readdir(path.join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md"));
  const pages = [...names.map((name) => `docs/${name}`).sort(), ...OTHERS];
  const texts = await Promise.all(pages.map((page) => readFile(path.join(ROOT, page), "utf8")));
  return pages.flatMap((page, number) => readBlocks(page, texts[number]));
}

/** The blocks of one page. A fence that never closes, or is no block for another reason, is an error. */
export function readBlocks(page, text) {
  const blocks = [...text.matchAll(BLOCK)].map(({ index, groups }) => {
    const { above = "", indent, language, code } = groups;
    const line = text.slice(0, index + above.length).split("\n").length;
    const { kind = null, argument = null } = CLASS.exec(above.trimEnd())?.groups ?? {};
    const plain = code.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    return { page, line, language: language.trim(), code: plain, kind, argument, where: `${page}:${line}` };
  });
  const fences = text.match(/^ *(`{3,}|~{3,})/gm) ?? [];
  if (fences.length !== 2 * blocks.length) throw new Error(`${page}: a fence without its other half`);
  return blocks;
}
