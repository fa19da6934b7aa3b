// A guest made with bare HTTP calls, as an app without any SDK would: signs up, asks for a promotion, trades codes.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

const SCOPES = "openid offline_access https://authgear.com/scopes/full-access";
const CLAIM = "https://authgear.com/claims/user/";

export class Guest {
  /** Signs up a new guest at `issuer`, for the application `clientId` that lands at `redirectUri`. */
  static async signUp({ issuer, clientId, redirectUri }) {
    const guest = Object.assign(new Guest(), { issuer, clientId, redirectUri });
    const result = await guest.#api("/api/anonymous_user/signup", { client_id: clientId, session_type: "refresh_token" });
    guest.accessToken = result.access_token;
    guest.refreshToken = result.refresh_token;
    guest.sub = (await guest.fetchUserInfo()).sub;
    return guest;
  }

  /** The address of the sign-up page for this guest, with a fresh promotion code and PKCE. */
  async startPromotion(extra = {}) {
    const { promotion_code } = await this.#api("/api/anonymous_user/promotion_code", {
      session_type: "refresh_token",
      refresh_token: this.refreshToken,
    });
    this.verifier = randomBytes(32).toString("base64url");
    this.state = randomBytes(8).toString("hex");
    const query = new URLSearchParams({
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      response_type: "code",
      scope: SCOPES,
      prompt: "login",
      login_hint: `https://authgear.com/login_hint?${new URLSearchParams({ type: "anonymous", promotion_code })}`,
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

  async #api(path, body) {
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
