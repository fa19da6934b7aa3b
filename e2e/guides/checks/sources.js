// Code that pages quote from the sources, and calls of an SDK whose platform is not here: its types say whether they exist.

import { readdir, readFile } from "node:fs/promises";

import { inFolder, path, ROOT, run, write } from "./tools.js";

/** Every line of a quoted piece is in the sources, without those that leave something out. */
async function runQuotes(blocks) {
  const folder = path.join(ROOT, "crates/server/tests/it");
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".rs"));
  const text = (await Promise.all(names.map((name) => readFile(path.join(folder, name), "utf8")))).join("\n");
  const lines = new Set(text.split("\n").map((line) => line.trim()));
  for (const { code, where } of blocks) {
    for (const line of code.split("\n").map((line) => line.trim())) {
      if (line !== "" && !line.includes("…") && !lines.has(line)) throw new Error(`${where} quotes a line that no test has:\n${line}`);
    }
  }
}

/** The blocks as one module, against the types of the package from npm. */
async function runTypes([install, ...blocks]) {
  await inFolder(async (folder) => {
    await write(folder, "package.json", '{ "type": "module", "private": true }');
    const options = { cwd: folder };
    await run("bash", ["-c", `${install.code} --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel=error`.replace("\n", "")], options);
    await run("npm", ["install", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error", "typescript@5"], options);
    // Each block is a scope of its own: the same names occur in several.
    const [first, ...rest] = blocks.map(({ code }) => code);
    await write(folder, "app.ts", `${first}\n${rest.map((code) => `{\n${code}\n}`).join("\n")}\nexport {};\n`);
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom"];
    await run("node_modules/.bin/tsc", [...flags, "app.ts"], options);
  });
}

export const SOURCE_CHECKS = {
  quotes: { level: "quick", run: runQuotes },
  "react-native": { level: "long", run: runTypes },
};
