// Reads code with a parser of its language, without running it.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { transform } from "esbuild";
import { Language, Parser } from "web-tree-sitter";

const grammar = (name) => fileURLToPath(import.meta.resolve(name));
const GRAMMARS = {
  dart: grammar("@repomix/tree-sitter-wasms/out/tree-sitter-dart.wasm"),
  kotlin: grammar("@tree-sitter-grammars/tree-sitter-kotlin/tree-sitter-kotlin.wasm"),
  swift: grammar("@repomix/tree-sitter-wasms/out/tree-sitter-swift.wasm"),
};

/** Statements at the top level, as an app has them inside a function. */
function inFunction(language, code) {
  if (language !== "dart") return code;
  const lines = code.split("\n");
  const isImport = (line) => line.startsWith("import ");
  return `${lines.filter(isImport).join("\n")}\nFuture<void> main() async {\n${lines.filter((line) => !isImport(line)).join("\n")}\n}\n`;
}

async function parseWithGrammar(language, code) {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(GRAMMARS[language]));
  const tree = parser.parse(inFunction(language, code));
  if (tree.rootNode.hasError) throw new Error(`the parser of ${language} refuses it: ${tree.rootNode.toString()}`);
}

function parseShell(code) {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: code, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** Fails unless the code is right in its language; a language without a parser here is an error, too. */
export async function parse({ language, code }) {
  if (language === "sh") return parseShell(code);
  if (language === "js") return void (await transform(code, { loader: "js", format: "esm", target: "es2022" }));
  if (language === "json") return void JSON.parse(code);
  if (GRAMMARS[language]) return parseWithGrammar(language, code);
  throw new Error(`there is no parser for "${language}": use <!-- not run: … -->`);
}
