// A guest made with bare HTTP calls, as an app without any SDK would: signs up, asks for a promotion, trades codes.

import assert from "node:assert/strict";
import { createHash, createSign, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";

const SCOPES = "openid offline_access https://authgear.com/scopes/full-access";
const CLAIM = "https://authgear.com/claims/user/";

export class Guest {
  /** Signs up a new guest at `issuer`, for the application `clientId` that lands at `redirectUri`. */
  static async signUp({ issuer, clientId, redirectUri }) {
    const guest = Object.assign(new Guest(), { issuer, clientId, redirectUri });
    const result = await guest.api("/api/anonymous_user/signup", { client_id: clientId, session_type: "refresh_token" });
    guest.accessToken = result.access_token;
    guest.refreshToken = result.refresh_token;
    guest.sub = (await guest.fetchUserInfo()).sub;
    return guest;
  }

  /** The address of the sign-up page for this guest, with a fresh promotion code and PKCE. */
  async startPromotion(extra = {}) {
    const hint = await this.makeHint();
    this.verifier = randomBytes(32).toString("base64url");
    this.state = randomBytes(8).toString("hex");
    const query = new URLSearchParams({
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      response_type: "code",
      scope: SCOPES,
      prompt: "login",
      login_hint: `https://authgear.com/login_hint?${new URLSearchParams({ type: "anonymous", ...hint })}`,
      code_challenge_method: "S256",
      code_challenge: createHash("sha256").update(this.verifier).digest("base64url"),
      x_suppress_idp_session_cookie: "true",
      x_sso_enabled: "false",
      state: this.state,
      ...extra,
    });
    return `${this.issuer}/oauth2/authorize?${query}`;
  }

  /** Trades the code of the landing URL; the guest then holds the member's tokens. */
  async finishPromotion(landing) {
    const query = new URL(landing).searchParams;
    assert.equal(query.get("error"), null, query.get("error_description"));
    assert.equal(query.get("state"), this.state);
    const form = {
      grant_type: "authorization_code",
      client_id: this.clientId,
      code: query.get("code"),
      redirect_uri: this.redirectUri,
      code_verifier: this.verifier,
    };
    const response = await fetch(`${this.issuer}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    this.accessToken = body.access_token;
    this.refreshToken = body.refresh_token;
    return this.fetchUserInfo();
  }

  async fetchUserInfo() {
    const response = await fetch(`${this.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${this.accessToken}` } });
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    return { sub: body.sub, email: body.email, isAnonymous: body[`${CLAIM}is_anonymous`] };
  }

  /** Fails the test unless this is still the guest it was, with the session it had. */
  async assertUntouched() {
    assert.deepEqual(await this.fetchUserInfo(), { sub: this.sub, email: undefined, isAnonymous: true });
  }

  /** What the login hint of a promotion names the guest by. */
  async makeHint() {
    const body = { session_type: "refresh_token", refresh_token: this.refreshToken };
    const { promotion_code } = await this.api("/api/anonymous_user/promotion_code", body);
    return { promotion_code };
  }

  async api(path, body) {
    const response = await fetch(this.issuer + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer.result;
  }
}

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A guest of a phone's app, known by a key pair (as the mobile SDKs make one). */
export class KeyGuest extends Guest {
  static async signUp({ issuer, clientId, redirectUri }) {
    const guest = Object.assign(new KeyGuest(), { issuer, clientId, redirectUri, kid: randomUUID() });
    guest.key = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await guest.logIn();
    guest.sub = (await guest.fetchUserInfo()).sub;
    return guest;
  }

  /** The anonymous grant; the error's code, or `null`. */
  async logIn() {
    const form = {
      grant_type: "urn:authgear:params:oauth:grant-type:anonymous-request",
      client_id: this.clientId,
      jwt: await this.#sign("auth"),
    };
    const response = await fetch(`${this.issuer}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
    const body = await response.json();
    if (response.status !== 200) return body.error;
    this.accessToken = body.access_token;
    this.refreshToken = body.refresh_token;
    return null;
  }

  async makeHint() {
    return { jwt: await this.#sign("promote") };
  }

  async #sign(action) {
    const { token } = await this.api("/oauth2/challenge", { purpose: "anonymous_request" });
    const { n, e } = this.key.publicKey.export({ format: "jwk" });
    const jwk = { kty: "RSA", kid: this.kid, alg: "RS256", n, e };
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: "vnd.authgear.anonymous-request", alg: "RS256", kid: this.kid, jwk };
    const signed = `${encode(header)}.${encode({ iat: now, exp: now + 60, challenge: token, action })}`;
    return `${signed}.${createSign("sha256").update(signed).sign(this.key.privateKey, "base64url")}`;
  }
}
