// The code blocks of a guide, as files.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const GUIDES = fileURLToPath(new URL("../../docs/guides/", import.meta.url));

/** Every fenced block of a guide: its language, its text, and the file its first line names (`// src/auth.js`). */
export async function readBlocks(guide) {
  const text = await readFile(`${GUIDES}${guide}`, "utf8");
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language, code, file: nameOf(code) }));
}

/** The file a piece of code says it is. */
export function nameOf(code) {
  return /^(?:\/\/|<!--|#) (\S+\.\w+)/.exec(code)?.[1];
}
