// Somebody's app, built as its developer builds it: files in memory, packages from npm, one bundle (esbuild).

import path from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { compileScript, parse } from "vue/compiler-sfc";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Bundles `entry`, one of `files` (a map of `src/…` to text); an import that does not exist fails, as it does for them. */
export async function bundle(files, entry) {
  const { outputFiles, warnings } = await build({
    entryPoints: [`/${entry}`],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
    plugins: [inMemory(files)],
    logLevel: "silent",
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join("\n"));
  return outputFiles[0].text;
}

function inMemory(files) {
  return {
    name: "in-memory",
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path: wanted, importer, namespace, kind }) => {
        if (kind === "entry-point") return { path: wanted.slice(1), namespace: "app" };
        if (namespace === "app" && wanted.startsWith(".")) return { path: path.posix.join(path.posix.dirname(importer), wanted), namespace: "app" };
        return namespace === "app" ? build.resolve(wanted, { kind, resolveDir: HERE }) : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: "app" }, ({ path: file }) => {
        const text = files.get(file);
        if (text === undefined) return { errors: [{ text: `there is no file ${file}` }] };
        if (file.endsWith(".vue")) return { contents: compileVue(text, file), loader: "js", resolveDir: HERE };
        return { contents: text, loader: file.endsWith(".jsx") ? "jsx" : "js", resolveDir: HERE };
      });
    },
  };
}

function compileVue(text, file) {
  const { descriptor, errors } = parse(text, { filename: file });
  if (errors.length > 0) throw errors[0];
  return compileScript(descriptor, { id: file, inlineTemplate: true }).content;
}
