// The previous release and this one on the same data: upgraded, rolled back, upgraded again, and on PostgreSQL side by side. Nothing that
// one of them acknowledged is lost to the other. `VESTIBULE_PREVIOUS` is the old binary; `./test releases` builds it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { EMAIL, landAfterSignIn, PASSWORD, startSite } from "../clients/world.js";
import { Load, startNodes } from "../failover/load.js";
import { launchBrowser } from "../lib/browser.js";
import { createDatabase } from "../lib/database.js";
import { startServer } from "../lib/server.js";

const OLD = process.env.VESTIBULE_PREVIOUS;
const NEW = process.env.VESTIBULE_BINARY ?? fileURLToPath(new URL("../../target/debug/vestibule", import.meta.url));

const makeProject = (redirect) => (port) => `[project]
id = "shop"
public_origin = "http://localhost:${port}"
[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password"]
[authentication.rate_limits.signup_anonymous.per_ip]
enabled = false
[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["${redirect}"]
[[oauth.clients]]
client_id = "rotating"
x_application_type = "spa"
redirect_uris = ["${redirect}"]
refresh_token_rotation_enabled = true
refresh_token_rotation_grace_seconds = 0
[[oauth.clients]]
client_id = "backend"
x_application_type = "confidential"
redirect_uris = ["http://localhost:9/backend"]
`;

/** What people and programs of one project hold, whatever binary serves it. */
class Holdings {
  constructor(server, browser, redirect) {
    Object.assign(this, { server, browser, redirect, issuer: `http://localhost:${server.port}`, guests: [], revoked: [], members: [] });
  }

  async ask(url, body, headers = {}) {
    const response = await fetch(this.issuer + url, { method: body === undefined ? "GET" : "POST", body, headers });
    const text = await response.text();
    return { status: response.status, text, json: () => JSON.parse(text) };
  }

  async expect(status, url, body, headers) {
    const answer = await this.ask(url, body, headers);
    assert.equal(answer.status, status, `${this.phase}: ${url}: ${answer.text}`);
    return answer;
  }

  async makeKeys() {
    const scopes = "users:read,users:write,events:read";
    this.key = /vak_\w+/.exec(await this.server.command("admin", "key", "create", "--project", "shop", "--name", "releases", "--scopes", scopes))[0];
    this.secret = /^\S{20,}$/m.exec(await this.server.command("client", "secret", "create", "--project", "shop", "--client", "backend"))[0];
  }

  manage(status, url, body) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.key}` };
    return this.expect(status, `/_api/admin/v1${url}`, body && JSON.stringify(body), headers);
  }

  async signUp(client_id) {
    const body = JSON.stringify({ client_id, session_type: "refresh_token" });
    return (await this.expect(200, "/api/anonymous_user/signup", body, { "content-type": "application/json" })).json().result;
  }

  async findSub(token) {
    return (await this.expect(200, "/oauth2/userinfo", undefined, { authorization: `Bearer ${token}` })).json().sub;
  }

  refresh(status, { client_id, refresh_token }) {
    return this.expect(status, "/oauth2/token", new URLSearchParams({ grant_type: "refresh_token", client_id, refresh_token }));
  }

  /** New guests of each kind, one of them signed out, and a member with a password; by the binary that runs now. */
  async add(phase) {
    this.phase = phase;
    for (const client_id of ["shop-web", "rotating"]) {
      const { access_token, refresh_token } = await this.signUp(client_id);
      this.guests.push({ client_id, refresh_token, sub: await this.findSub(access_token) });
    }
    const gone = await this.signUp("shop-web");
    await this.expect(200, "/oauth2/revoke", new URLSearchParams({ token: gone.refresh_token }));
    this.revoked.push({ client_id: "shop-web", refresh_token: gone.refresh_token });
    const email = EMAIL.replace("kim", `kim-${this.members.length}`);
    const created = await this.manage(201, "/users", { login_ids: [{ type: "email", value: email, is_verified: true }], password: PASSWORD });
    const guest = this.guests.at(-2);
    const promoted = { type: "email", value: email.replace("kim", "lee"), is_verified: true };
    await this.manage(200, `/users/${guest.sub}/promote`, { login_id: promoted });
    this.members.push({ email, sub: created.json().id });
    await this.server.command("key", "rotate", "--project", "shop", "--now");
  }

  /** Everything that any binary acknowledged works with the one that runs now. */
  async verify(phase) {
    this.phase = phase;
    for (const guest of this.guests) {
      const fresh = (await this.refresh(200, guest)).json();
      assert.equal(await this.findSub(fresh.access_token), guest.sub, phase);
      if (guest.client_id === "rotating") {
        assert.notEqual(fresh.refresh_token, guest.refresh_token, phase);
        guest.refresh_token = fresh.refresh_token;
      }
      const basic = Buffer.from(`backend:${this.secret}`).toString("base64");
      const known = await this.expect(200, "/oauth2/introspect", new URLSearchParams({ token: fresh.access_token }), { authorization: `Basic ${basic}` });
      assert.equal(known.json().active, true, phase);
      await this.manage(200, `/users/${guest.sub}`);
    }
    for (const token of this.revoked) await this.refresh(400, token);
    const { email, sub } = this.members.at(-1);
    assert.equal(await this.signIn(email), sub, phase);
  }

  /** A member signs in with a password, in a browser. */
  async signIn(email) {
    const verifier = "v".repeat(43);
    const code_challenge = createHash("sha256").update(verifier).digest("base64url");
    const query = new URLSearchParams({ client_id: "shop-web", redirect_uri: this.redirect, response_type: "code", scope: "openid offline_access", code_challenge, code_challenge_method: "S256" });
    const { landing, person } = await landAfterSignIn(this, `${this.issuer}/oauth2/authorize?${query}`, this.redirect, email);
    await person.context.close();
    const form = { grant_type: "authorization_code", client_id: "shop-web", redirect_uri: this.redirect, code: new URL(landing).searchParams.get("code"), code_verifier: verifier };
    const tokens = (await this.expect(200, "/oauth2/token", new URLSearchParams(form))).json();
    this.guests.push({ client_id: "shop-web", refresh_token: tokens.refresh_token, sub: await this.findSub(tokens.access_token) });
    return this.guests.at(-1).sub;
  }
}

describe("the previous release and this one", { skip: !OLD && "VESTIBULE_PREVIOUS is not set (./test releases builds the old binary)" }, () => {
  let browser, site;
  before(async () => {
    [browser, site] = await Promise.all([launchBrowser(), startSite()]);
  });
  after(async () => {
    await browser?.close();
    site?.stop();
  });

  for (const engine of ["SQLite", "PostgreSQL"]) {
    test(`upgrade, rollback and upgrade lose nothing on ${engine}`, async () => {
      const database = engine === "PostgreSQL" ? await createDatabase() : null;
      const redirect = `${site.origin}/after-login`;
      const server = await startServer({ store: database?.url, makeProject: makeProject(redirect), binary: OLD });
      try {
        const holdings = new Holdings(server, browser, redirect);
        await holdings.makeKeys();
        await holdings.add("the old release");
        await holdings.verify("the old release");
        for (const [phase, binary] of [["upgraded", NEW], ["rolled back", OLD], ["upgraded again", NEW]]) {
          await server.server.replace(binary);
          await holdings.verify(phase);
          await holdings.add(phase);
          await holdings.verify(phase);
        }
        console.log(`${engine}: ${holdings.guests.length} sessions of guests and members, ${holdings.members.length} passwords: all work with both`);
      } finally {
        await server.stop();
        await database?.drop();
      }
    });
  }

  test("both serve the same PostgreSQL side by side, while one node after the other is upgraded", async () => {
    const database = await createDatabase();
    let nodes;
    try {
      nodes = await startNodes({ store: database.url, binary: OLD });
      let count = 0;
      for (const [node, binary] of [[nodes.other, NEW], [nodes.server, NEW], [nodes.other, OLD], [nodes.server, OLD]]) {
        await nodes.replace(node, binary);
        const load = new Load(nodes);
        await load.waitFor(100);
        await load.stop();
        await nodes.verifySettings();
        count += await nodes.verify(load);
      }
      console.log(`side by side: ${count} acknowledged guests work at both nodes, and their events were delivered`);
    } finally {
      await nodes?.stop();
      await database.drop();
    }
  });
});
