// Proxies that sign users in before they pass a request on: oauth2-proxy and Apache's mod_auth_openidc, unmodified, used by a browser.

import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { find, run, start } from "../guides/checks/tools.js";
import { findPort, makeFolder } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";
import { EMAIL, PROGRAMS, signIn, startSite, startWorld } from "./world.js";

const OAUTH2_PROXY = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6";
const MODULES = "/usr/lib/apache2/modules";

/** What the site behind the proxy was sent, once the browser is there. */
async function readHeaders(page, origin) {
  await page.waitForURL((url) => url.href.startsWith(`${origin}/private`));
  return JSON.parse(await page.evaluate(() => document.body.innerText)).headers;
}

const listens = (origin, running) =>
  waitFor(() => fetch(origin, { redirect: "manual" }).then(() => true, () => false), 20_000, `the proxy\n${running.output}`);

describe("proxies", () => {
  let upstream, world, folder, ports;
  before(async () => {
    upstream = await startSite();
    folder = await makeFolder();
    await chmod(folder.path, 0o755);
    ports = { oauth2: await findPort(), apache: await findPort() };
    world = await startWorld([
      { id: "oauth2-proxy", type: "confidential", redirect: `http://localhost:${ports.oauth2}/oauth2/callback`, extra: 'id_token_signed_response_alg = "ES256"' },
      { id: "mod-auth-openidc", type: "confidential", redirect: `http://localhost:${ports.apache}/callback` },
    ]);
  });
  after(async () => {
    await world?.stop();
    upstream?.stop();
    await folder?.remove();
  });

  test("oauth2-proxy: signs in, passes the user on, refreshes", async (context) => {
    if (!(await find("go"))) return context.skip("NOT TESTED: oauth2-proxy is built with go, which is not installed");
    const bin = path.join(PROGRAMS, "bin");
    await mkdir(bin, { recursive: true });
    await run("go", ["install", OAUTH2_PROXY], { env: { GOBIN: bin } });
    const origin = `http://localhost:${ports.oauth2}`;
    const settings = {
      provider: "oidc",
      "oidc-issuer-url": world.issuer,
      "client-id": "oauth2-proxy",
      "client-secret": world.secrets["oauth2-proxy"],
      "redirect-url": `${origin}/oauth2/callback`,
      upstream: `http://127.0.0.1:${upstream.port}/`,
      "http-address": `127.0.0.1:${ports.oauth2}`,
      "cookie-secret": "0123456789abcdef0123456789abcdef",
      "cookie-secure": "false",
      "cookie-refresh": "1s",
      "email-domain": "*",
      "code-challenge-method": "S256",
      scope: "openid email offline_access",
      "skip-provider-button": "true",
    };
    const proxy = start(path.join(bin, "oauth2-proxy"), Object.entries(settings).map(([name, value]) => `--${name}=${value}`));
    const person = await world.browser.openPerson();
    try {
      await listens(`${origin}/ping`, proxy);
      await person.page.goto(`${origin}/private`);
      await signIn(person.page);
      const headers = await readHeaders(person.page, origin);
      assert.equal(headers["x-forwarded-email"], EMAIL);
      assert.equal(headers["x-forwarded-user"], world.sub);
      // The next request is more than a second later, so that it refreshes first.
      const refreshed = async () => {
        await person.page.goto(`${origin}/private`);
        assert.equal((await readHeaders(person.page, origin))["x-forwarded-user"], world.sub);
        return /refreshing session/i.test(proxy.output);
      };
      await waitFor(refreshed, 20_000, "a refresh").catch((error) => assert.fail(`${error.message}\n${proxy.output}`));
      assert.doesNotMatch(proxy.output, /unable to refresh|error refreshing/i);
      await person.leave();
    } finally {
      await proxy.stop();
    }
  });

  test("mod_auth_openidc: signs in with PKCE, passes the user on, signs out", async (context) => {
    const apache = await find("apache2");
    const module = await readFile(`${MODULES}/mod_auth_openidc.so`).catch(() => null);
    if (!apache || !module) return context.skip("NOT TESTED: apache2 with mod_auth_openidc is not installed (Debian: libapache2-mod-auth-openidc)");
    const origin = `http://localhost:${ports.apache}`;
    const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "proxy", "proxy_http"];
    const file = path.join(folder.path, "apache.conf");
    const user = process.getuid() === 0 ? "User www-data\nGroup www-data\n" : "";
    await writeFile(file, `ServerRoot ${folder.path}
ServerName localhost
PidFile ${folder.path}/apache.pid
ErrorLog ${folder.path}/apache.log
Listen 127.0.0.1:${ports.apache}
${user}${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`).join("")}
OIDCProviderMetadataURL ${world.issuer}/.well-known/openid-configuration
OIDCClientID mod-auth-openidc
OIDCClientSecret ${world.secrets["mod-auth-openidc"]}
OIDCRedirectURI ${origin}/callback
OIDCCryptoPassphrase 0123456789abcdef
OIDCScope "openid email"
OIDCPKCEMethod S256
<Location />
  AuthType openid-connect
  Require valid-user
  ProxyPass http://127.0.0.1:${upstream.port}/
</Location>
<Location /callback>
  ProxyPass !
</Location>
`);
    const server = start(apache, ["-f", file, "-D", "FOREGROUND"]);
    const person = await world.browser.openPerson();
    try {
      await listens(origin, server);
      await person.page.goto(`${origin}/private`);
      await signIn(person.page);
      const headers = await readHeaders(person.page, origin);
      assert.equal(headers.oidc_claim_sub, world.sub);
      assert.equal(headers.oidc_claim_email, EMAIL);
      assert.equal(headers["oidc_claim_iss"], world.issuer);
      await person.page.goto(`${origin}/callback?logout=${encodeURIComponent(`${origin}/`)}`);
      await person.page.getByRole("heading", { level: 1, name: "Welcome back" }).waitFor();
      await person.leave();
    } catch (error) {
      throw new Error(`${error.message}\n${await readFile(path.join(folder.path, "apache.log"), "utf8").catch(() => server.output)}`, { cause: error });
    } finally {
      await server.stop();
    }
  });
});
