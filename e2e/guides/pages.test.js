import assert from "node:assert/strict";
import { test } from "node:test";

import { readBlocks } from "./pages.js";
import { parse } from "./parse.js";

const kinds = (text) => readBlocks("page.md", text).map(({ kind, argument, language, code }) => [kind, argument, language, code]);

test("reads the class above a block", () => {
  const text = "A\n\n<!-- run: jwt-go -->\n```go\npackage main\n```\n- b\n\n  <!-- not run: a formula -->\n  ```\n  a\n    b\n  ```\n";
  assert.deepEqual(kinds(text), [["run", "jwt-go", "go", "package main\n"], ["not run", "a formula", "", "a\n  b\n"]]);
});

test("knows a block without a class, with a class elsewhere, or with one that does not exist", () => {
  for (const above of ["", "text\n", "<!-- run: a -->\n\n", "<!-- run -->\n", "<!-- skip: a -->\n", "<!-- parse: -->\n"]) {
    assert.deepEqual(kinds(`${above}\`\`\`sh\nx\n\`\`\`\n`), [[null, null, "sh", "x\n"]], above);
  }
});

test("refuses a fence without its other half", () => {
  for (const text of ["```sh\nx\n", "```sh\nx\n```\n~~~\n", "```sh\nx\n  ```\n"]) assert.throws(() => readBlocks("page.md", text), /other half/);
});

test("parsers refuse what is no code of their language", async () => {
  const wrong = { sh: "if true; then", js: "const = 1;", json: "{a: 1}", kotlin: "fun (", dart: "final x = ;", swift: "let = {" };
  for (const [language, code] of Object.entries(wrong)) await assert.rejects(parse({ language, code: `${code}\n` }), undefined, language);
  await assert.rejects(parse({ language: "cobol", code: "" }), /no parser/);
});
