// Configurations and project files: the binary takes them without a word of warning.

import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";

import { BINARY, inFolder, run, write } from "./tools.js";

const KEY = { VESTIBULE__SECRETS__MASTER_KEY: "5a".repeat(32) };

async function checkConfiguration({ code, where }) {
  await inFolder(async (folder) => {
    const file = await write(folder, "vestibule.toml", code);
    await chmod(file, 0o600);
    // With PostgreSQL a master key is needed, which the guide has elsewhere.
    const env = code.includes("postgres://") && !code.includes("master_key") ? KEY : {};
    const { stdout, stderr } = await run(BINARY, ["config", "check", "--config", file], { cwd: folder, env });
    assert.equal(stdout + stderr, "The configuration is valid.\n", where);
  });
}

/** A piece of a project file, with what a whole one needs beside it. */
function complete(code) {
  const head = code.includes("[project]") ? "" : '[project]\nid = "shop"\npublic_origin = "https://auth.shop.example"\n';
  if (code.includes("[[identity.oauth.providers]]")) return head + code;
  const type = code.includes("x_application_type") ? "" : '\nx_application_type = "spa"';
  // Machines have no users, and so no redirect URI.
  const uris = code.includes("redirect_uris") || code.includes('"m2m"') ? "" : '\nredirect_uris = ["https://shop.example/after-login"]';
  // The client IDs of providers are no applications.
  if (code.includes("[[identity.oauth.providers]]")) return head + code;
  return head + code.replaceAll(/^client_id = .*$/gm, `$&${type}${uris}`);
}

async function checkProject({ code, where }) {
  await inFolder(async (folder) => {
    const config = await write(folder, "vestibule.toml", `[store]\nurl = "sqlite:${folder}/vestibule.db"\n`);
    const file = await write(folder, "project.toml", complete(code));
    const { stdout, stderr } = await run(BINARY, ["project", "apply", "--config", config, file]);
    assert.equal(stdout + stderr, "shop: created\n", where);
  });
}

const each = (check) => async (blocks) => {
  for (const block of blocks) await check(block);
};

export const FILE_CHECKS = {
  configuration: { level: "quick", run: each(checkConfiguration) },
  project: { level: "quick", run: each(checkProject) },
};
