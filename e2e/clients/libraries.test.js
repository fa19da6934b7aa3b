// Client libraries against the running server, unmodified: openid-client, oidc-client-ts (in Chromium), go-oidc and Spring Security.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import * as client from "openid-client";

import { buildJava, missingJava } from "../guides/checks/jwt.js";
import { find, run, start } from "../guides/checks/tools.js";
import { waitFor } from "../lib/wait.js";
import { EMAIL, landAfterSignIn, PROGRAMS, signIn, startSite, startWorld } from "./world.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const ES256 = 'id_token_signed_response_alg = "ES256"';

describe("client libraries", () => {
  let site, world;
  const served = { page: "", script: "" };
  before(async () => {
    site = await startSite((request, response) => {
      const isScript = request.url === "/app.js";
      response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html; charset=utf-8", "cache-control": "no-store" });
      response.end(isScript ? served.script : served.page);
    });
    const confidential = (id, extra) => ({ id, type: "confidential", redirect: `${site.origin}/${id}`, extra });
    world = await startWorld([
      confidential("rs256"),
      confidential("es256", ES256),
      confidential("go-rs256"),
      confidential("go-es256", ES256),
      confidential("spring", ES256),
      { id: "spa", type: "spa", redirect: `${site.origin}/after-login` },
    ]);
  });
  after(async () => {
    await world?.stop();
    site?.stop();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  });

  for (const id of ["rs256", "es256"]) {
    test(`openid-client: discovery, code with PKCE, UserInfo, refresh, introspection, revocation, sign-out (${id})`, async () => {
      const options = { execute: [client.allowInsecureRequests] };
      const config = await client.discovery(new URL(world.issuer), id, world.secrets[id], undefined, options);
      const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
      const redirect_uri = `${site.origin}/${id}`;
      const code_challenge = await client.calculatePKCECodeChallenge(verifier);
      const parameters = { redirect_uri, scope: "openid offline_access email", code_challenge, code_challenge_method: "S256", state, nonce };
      const { landing, person } = await landAfterSignIn(world, client.buildAuthorizationUrl(config, parameters).href, redirect_uri);
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
      const tokens = await client.authorizationCodeGrant(config, new URL(landing), checks);
      assert.equal(tokens.claims().sub, world.sub);
      const user = await client.fetchUserInfo(config, tokens.access_token, world.sub);
      assert.equal(user.email, EMAIL);
      const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
      assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, true);
      const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${site.origin}/` });
      await person.page.goto(url.href);
      await person.page.waitForURL(`${site.origin}/`);
      await person.leave();
      await client.tokenRevocation(config, fresh.refresh_token ?? tokens.refresh_token);
      assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, false);
      await assert.rejects(client.refreshTokenGrant(config, fresh.refresh_token ?? tokens.refresh_token), { error: "invalid_grant" });
    });
  }

  test("oidc-client-ts: code with PKCE in a browser, UserInfo, refresh, sign-out", async () => {
    const bundled = await build({ entryPoints: [here("oidc_client_ts.js")], bundle: true, write: false, format: "esm", target: "es2022", logLevel: "silent" });
    served.script = bundled.outputFiles[0].text;
    const settings = { authority: world.issuer, client_id: "spa", redirect_uri: `${site.origin}/after-login`, post_logout_redirect_uri: `${site.origin}/` };
    served.page = `<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><script>settings = ${JSON.stringify(settings)}</script><script type="module" src="/app.js"></script></html>`;
    const person = await world.browser.openPerson();
    const { page } = person;
    const settled = () => page.waitForFunction(() => globalThis.state !== undefined);
    await page.goto(`${site.origin}/`);
    await settled();
    assert.deepEqual(await page.evaluate(() => globalThis.state), { user: null });
    await page.evaluate(() => void globalThis.users.signinRedirect());
    await signIn(page);
    await page.waitForURL((url) => url.href.startsWith(`${site.origin}/after-login`));
    await settled();
    assert.deepEqual(await page.evaluate(() => globalThis.state), { user: { sub: world.sub, email: EMAIL } });
    const [before, after] = await page.evaluate(() => globalThis.refresh());
    assert.ok(before && after && before !== after);
    await page.evaluate(() => void globalThis.users.signoutRedirect());
    await page.waitForURL(`${site.origin}/`);
    await settled();
    assert.deepEqual(await page.evaluate(() => globalThis.state), { user: null });
    await person.leave();
  });

  for (const id of ["go-rs256", "go-es256"]) {
    test(`go-oidc with x/oauth2: discovery, code with PKCE, ID token, UserInfo, refresh (${id})`, async (context) => {
      if (!(await find("go"))) return context.skip("NOT TESTED: go is not installed");
      const program = await buildGo();
      const redirect = `${site.origin}/${id}`;
      const rp = start(program, [world.issuer, id, redirect], { env: { SECRET: world.secrets[id] }, stdio: ["pipe", "pipe", "pipe"] });
      try {
        const line = (name) => waitFor(() => new RegExp(`^${name} (.*)$`, "m").exec(rp.output)?.[1], 20_000, `${name} of the program: ${rp.output}`);
        const { landing, person } = await landAfterSignIn(world, await line("open"), redirect);
        await person.leave();
        rp.child.stdin.write(`${landing}\n`);
        assert.deepEqual(JSON.parse(await line("user")), { sub: world.sub, email: EMAIL, refreshed: true });
      } finally {
        await rp.stop();
      }
    });
  }

  test("Spring Security: client registration by issuer, ID token", async (context) => {
    const missing = await missingJava();
    if (missing) return context.skip(`NOT TESTED: ${missing}`);
    const redirect = `${site.origin}/spring`;
    const query = new URLSearchParams({ client_id: "spring", redirect_uri: redirect, response_type: "code", scope: "openid", nonce: "n" });
    const { landing, person } = await landAfterSignIn(world, `${world.issuer}/oauth2/authorize?${query}`, redirect);
    await person.leave();
    const form = { grant_type: "authorization_code", code: new URL(landing).searchParams.get("code"), redirect_uri: redirect, client_id: "spring", client_secret: world.secrets.spring };
    const { id_token, access_token } = await (await fetch(`${world.issuer}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) })).json();
    const folder = await makeProgramFolder("spring-");
    const packages = ["org.springframework.security:spring-security-oauth2-client:6.5.11", "org.springframework.security:spring-security-oauth2-jose:6.5.11", "org.springframework:spring-web:6.2.12", "com.fasterxml.jackson.core:jackson-databind:2.18.2"];
    const { program, args } = await buildJava(folder, packages, { "Main.java": await readFile(here("Spring.java.txt"), "utf8") });
    const { stdout } = await run(program, [...args, world.issuer], { cwd: folder, input: `${id_token}\n${access_token}\n${id_token.slice(0, -8)}AAAAAAAA\n` });
    assert.deepEqual(stdout.trim().split("\n"), [world.sub, "refused", "refused"]);
  });
});

const folders = [];
/** A folder for sources and what is built from them, until the tests are over. */
async function makeProgramFolder(prefix) {
  await mkdir(PROGRAMS, { recursive: true });
  folders.push(await mkdtemp(path.join(PROGRAMS, prefix)));
  return folders.at(-1);
}

let built;
/** The program of `relying_party.go.txt`, built once. */
function buildGo() {
  built ??= (async () => {
    const folder = await makeProgramFolder("go-");
    await cp(here("relying_party.go.txt"), path.join(folder, "main.go"));
    await run("go", ["mod", "init", "shop"], { cwd: folder });
    await run("go", ["get", "github.com/coreos/go-oidc/v3/oidc@v3.21.0", "golang.org/x/oauth2@v0.37.0"], { cwd: folder });
    await run("go", ["build", "-o", "relying_party", "."], { cwd: folder });
    return path.join(folder, "relying_party");
  })();
  return built;
}
