// What an operator types beside a running server: commands, the Admin API, introspection; and what the server writes.

import assert from "node:assert/strict";

import { waitFor } from "../../lib/wait.js";
import { BINARY, inFolder, replace, run, withShop } from "./tools.js";

const WEB = `
[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
`;
const BACKEND = `
[[oauth.clients]]
client_id = "shop-backend"
x_application_type = "confidential"
redirect_uris = ["https://shop.example/backend"]
`;

/** Runs a block as a person pastes it, on the machine of a server: `vestibule` is the binary, and an answer of curl that is an error ends it. */
export function paste(shop, code, { env = {}, prelude = "" } = {}) {
  const config = shop.server.config;
  const script = `set -euo pipefail
vestibule() { "${BINARY}" "$@"; }
curl() { command curl --silent --show-error --fail-with-body "$@"; }
${prelude}
${code.replaceAll("https://auth.shop.example", shop.origin).replaceAll(/--config \S*vestibule\.toml/g, `--config ${config}`)}`;
  return inFolder((folder) => run("bash", ["-c", script], { cwd: folder, env: { VESTIBULE_CONFIG: config, ...env } }));
}

async function runKeys([commands, requests]) {
  const url = /"url":"([^"]+)"/.exec(requests.code)[1];
  const hook = `[[hook.non_blocking_handlers]]\nurl = "${url}"\nevents = ["user.deleted"]`;
  const provider = '[[identity.oauth.providers]]\nalias = "google"\ntype = "google"\nclient_id = "shop.apps.googleusercontent.com"';
  const sections = `${hook}\n${provider}`;
  await withShop({ clients: WEB, sections }, async (shop) => {
    // The ID of the key to revoke is in the list that the second line prints.
    const prelude = `find_key() { "${BINARY}" admin key list --project shop | grep reports | grep -oE '[0-9a-f]{16}' | head -n 1; }`;
    const { stdout } = await paste(shop, replace(commands.code, "KEY_ID", '"$(find_key)"'), { prelude });
    assert.match(stdout, /^vak_\w+$/m);
    const guest = await shop.signUp("shop-web");
    const env = { KEY: shop.key, SUB: await shop.findSub(guest.access_token), KEY_ID: "" };
    // The stream never ends, this guest has no device key, and the test of a webhook tells that its receiver does not exist.
    const lines = requests.code.split("\n");
    const [stream, device, test] = ["/events/stream", "/device-keys/", "/webhook-test"].map((part) => lines.find((line) => line.includes(part)));
    const others = lines.filter((line) => ![stream, device, test].includes(line)).join("\n");
    const answers = await paste(shop, others, { env });
    assert.match(answers.stdout, new RegExp(env.SUB));
    assert.match(answers.stdout, /"cart":"c-42"/);
    assert.match(answers.stdout, /kim@shop\.example/);
    const head = lines.slice(0, 2).join("\n");
    const show = 'curl() { command curl --silent --max-time 2 --write-out "%{http_code}" "$@" || true; }';
    const status = async (line) => (await paste(shop, `${show}\n${head}\n${line}`, { env: { ...env, KEY_ID: "nothing" } })).stdout.slice(-3);
    assert.deepEqual([await status(stream), await status(device), await status(test)], ["200", "404", "200"]);
  });
}

async function runSessions([{ code }]) {
  await withShop({ clients: WEB }, async (shop) => {
    const tokens = [await shop.signUp("shop-web"), await shop.signUp("shop-web")];
    const subs = await Promise.all(tokens.map(({ access_token }) => shop.findSub(access_token)));
    const [list, revoke, revokeAll] = code.trimEnd().split("\n");
    const sub = /--user (\S+)/.exec(list)[1];
    const { stdout } = await paste(shop, replace(list, sub, subs[0]));
    const grant = /grant:[0-9a-f-]{36}/.exec(stdout)?.[0];
    assert.ok(grant, stdout);
    await paste(shop, replace(replace(revoke, /--user (\S+)/.exec(revoke)[1], subs[0]), /grant:\S+/.exec(revoke)[0], grant));
    await paste(shop, replace(revokeAll, /--user (\S+)/.exec(revokeAll)[1], subs[1]));
    for (const { refresh_token } of tokens) await assert.rejects(shop.refresh("shop-web", refresh_token), /invalid_grant/);
  });
}

async function runIntrospection([commands, example]) {
  await withShop({ clients: WEB + BACKEND }, async (shop) => {
    const { access_token } = await shop.signUp("shop-web");
    const [create, ask] = commands.code.trimEnd().split("\n");
    const { stdout: secret } = await paste(shop, create);
    const { stdout } = await paste(shop, ask, { env: { SECRET: secret.trim(), TOKEN: access_token } });
    const [shown, real] = [JSON.parse(example.code), JSON.parse(stdout)];
    assert.deepEqual(Object.keys(shown).sort(), Object.keys(real).sort());
    for (const name of ["active", "client_id", "token_type", "https://authgear.com/claims/user/is_anonymous"]) assert.equal(shown[name], real[name], name);
  });
}

async function runLog([settings, example]) {
  await withShop({ clients: WEB, configure: () => settings.code }, async (shop) => {
    await shop.signUp("shop-web");
    // A line is written after the answer it is about; the last one may not be whole yet.
    const find = () => {
      const lines = shop.server.server.output.split("\n").slice(0, -1).filter((line) => line.startsWith("{"));
      return lines.map((text) => JSON.parse(text)).find((entry) => entry["http.route"] === "/api/anonymous_user/signup");
    };
    const line = await waitFor(find, 10_000, "the line of the sign-up");
    const shown = JSON.parse(example.code);
    assert.deepEqual(Object.keys(shown).sort(), Object.keys(line).sort());
    for (const name of ["level", "message", "http.method", "http.status", "target"]) assert.equal(shown[name], line[name], name);
  });
}

export const API_CHECKS = {
  "admin-api": { level: "quick", run: runKeys },
  sessions: { level: "quick", run: runSessions },
  introspection: { level: "quick", run: runIntrospection },
  "log-lines": { level: "quick", run: runLog },
};
