// A guest-first client in one small file: the HTTP calls of the Web SDK in `refresh_token` mode, and nothing more.
// Read it as an example. It keeps its state in localStorage, so a reload (or another tab) finds the same person.

const SCOPES = "openid offline_access https://authgear.com/scopes/full-access";
const EARLY_MS = 30_000; // refresh an access token this long before it ends

export class Vestibule {
  /** @param {{issuer: string, clientId: string, redirectUri: string, onCall?: (call: object) => void}} options */
  constructor({ issuer, clientId, redirectUri, onCall = () => {} }) {
    Object.assign(this, { issuer, clientId, redirectUri, onCall });
  }

  /** Whether this browser holds a session, a guest's or a member's. */
  get hasSession() {
    return this.#read("refresh_token") !== null;
  }

  /** Makes sure there is a session: the one this browser holds, or a new guest's. No form, no question. */
  becomeGuest() {
    // One guest even if two tabs (or two quick clicks) ask at once: the second finds what the first stored.
    return navigator.locks.request("vestibule", async () => {
      if (await this.#findSession()) return;
      const tokens = await this.#api("/api/anonymous_user/signup", { client_id: this.clientId, session_type: "refresh_token" });
      this.#keepTokens(tokens);
    });
  }

  /** Whether there is a session, asked with care: what another tab stored a moment ago may take a moment to be seen here. */
  async #findSession() {
    for (let tries = 0; tries < 5 && !this.hasSession; tries++) await new Promise((resolve) => setTimeout(resolve, 30));
    return this.hasSession;
  }

  /** Who we are, with `sub`, `email` and the guest flag; `null` if the session is over. */
  async fetchUser() {
    const token = await this.accessToken();
    if (token === null) return null;
    const { userinfo_endpoint } = await this.#discover();
    const response = await this.#send(userinfo_endpoint, { headers: { authorization: `Bearer ${token}` } });
    const body = await response.json();
    if (!response.ok) {
      if (body.error !== "invalid_grant") throw failure(body, response);
      this.#forget();
      return null;
    }
    return { sub: body.sub, email: body.email, isGuest: body["https://authgear.com/claims/user/is_anonymous"] === true };
  }

  /** An access token that is good for at least a few seconds, or `null` if the session is over. */
  accessToken() {
    return navigator.locks.request("vestibule", async () => {
      if (!this.hasSession) return null;
      if (Date.now() < Number(this.#read("expires_at")) - EARLY_MS) return this.#read("access_token");
      const { token_endpoint } = await this.#discover();
      const form = { grant_type: "refresh_token", client_id: this.clientId, refresh_token: this.#read("refresh_token") };
      const response = await this.#send(token_endpoint, { method: "POST", body: new URLSearchParams(form) });
      const body = await response.json();
      if (response.ok) {
        this.#keepTokens(body);
        return body.access_token;
      }
      if (body.error !== "invalid_grant") throw failure(body, response); // a hiccup: the guest stays
      this.#forget();
      return null;
    });
  }

  /** Opens the sign-up page. The guest returns to `redirectUri` as a member with the same `sub`. */
  async startPromotion() {
    const { promotion_code } = await this.#api("/api/anonymous_user/promotion_code", {
      session_type: "refresh_token",
      refresh_token: this.#read("refresh_token"),
    });
    await this.#start({ login_hint: hint({ type: "anonymous", promotion_code }) });
  }

  /** Opens the sign-in page. A member returns to `redirectUri`; a guest this browser holds is left behind then. */
  async startSignIn() {
    await this.#start({ x_page: "login" });
  }

  async #start(more) {
    const verifier = randomText();
    const state = randomText();
    this.#write("verifier", verifier);
    this.#write("state", state);
    await this.#authorize({
      redirect_uri: this.redirectUri,
      response_type: "code",
      prompt: "login",
      code_challenge_method: "S256",
      code_challenge: await challengeFor(verifier),
      state,
      ...more,
    });
  }

  /** Opens the account page, signed in as the user of this session (the SDK's `open(Page.Settings)`). */
  async openAccount() {
    const { app_session_token } = await this.#api("/oauth2/app_session_token", { refresh_token: this.#read("refresh_token") });
    await this.#authorize({
      redirect_uri: `${this.issuer}/settings`,
      response_type: "none",
      prompt: "none",
      login_hint: hint({ type: "app_session_token", app_session_token }),
    });
  }

  async #authorize(more) {
    const { authorization_endpoint } = await this.#discover();
    const query = new URLSearchParams({ client_id: this.clientId, scope: SCOPES, x_sso_enabled: "false", ...more });
    this.onCall({ method: "GET", path: new URL(authorization_endpoint).pathname, status: 302 });
    location.assign(`${authorization_endpoint}?${query}`);
  }

  /** Whether this page load is the return from `startPromotion` or `startSignIn`. */
  get isReturning() {
    const query = new URLSearchParams(location.search);
    return location.origin + location.pathname === this.redirectUri && (query.has("code") || query.has("error"));
  }

  /** Finishes either of the two: trades the code for tokens. Throws the OAuth error, `access_denied` after "Not now". */
  async finish() {
    const query = new URLSearchParams(location.search);
    const verifier = this.#take("verifier");
    if (query.get("state") !== this.#take("state") || verifier === null) {
      throw failure({ error: "invalid_state", error_description: "this answer belongs to another request" });
    }
    if (query.has("error")) throw failure(Object.fromEntries(query));
    const { token_endpoint } = await this.#discover();
    const form = {
      grant_type: "authorization_code",
      client_id: this.clientId,
      code: query.get("code"),
      redirect_uri: this.redirectUri,
      code_verifier: verifier,
    };
    const response = await this.#send(token_endpoint, { method: "POST", body: new URLSearchParams(form) });
    const body = await response.json();
    if (!response.ok) throw failure(body, response);
    this.earlierToken = this.#read("refresh_token");
    this.#keepTokens(body);
  }

  /**
   * Whether the session that this browser held before `finish` is over. A guest's ends when the person agrees to bring its things along;
   * a guest that is left behind keeps it.
   */
  async isEarlierSessionOver() {
    if (!this.earlierToken) return false;
    const { token_endpoint } = await this.#discover();
    const form = { grant_type: "refresh_token", client_id: this.clientId, refresh_token: this.earlierToken };
    // Without a note of the call: a refusal is a good answer here.
    const response = await fetch(token_endpoint, { method: "POST", body: new URLSearchParams(form) });
    const body = await response.json();
    if (!response.ok && body.error !== "invalid_grant") throw failure(body, response);
    return !response.ok;
  }

  /** Ends the session here and at the server. A guest cannot be recovered afterwards. */
  async signOut() {
    const token = this.#read("refresh_token");
    if (token !== null) {
      const { revocation_endpoint } = await this.#discover();
      await this.#send(revocation_endpoint, { method: "POST", body: new URLSearchParams({ token }) });
    }
    this.#forget();
  }

  #discover() {
    this.discovery ??= this.#send(`${this.issuer}/.well-known/openid-configuration`).then((response) => {
      if (!response.ok) throw failure({}, response);
      return response.json();
    });
    this.discovery.catch(() => (this.discovery = undefined)); // ask again next time
    return this.discovery;
  }

  async #api(path, body) {
    const headers = { "content-type": "application/json" };
    const response = await this.#send(this.issuer + path, { method: "POST", headers, body: JSON.stringify(body) });
    const { result, error } = await response.json();
    if (error) throw failure({ error: error.reason, error_description: error.message }, response);
    return result;
  }

  async #send(url, init = {}) {
    const response = await fetch(url, init);
    this.onCall({ method: init.method ?? "GET", path: new URL(url).pathname, status: response.status });
    return response;
  }

  #keepTokens({ access_token, expires_in, refresh_token }) {
    this.#write("access_token", access_token);
    this.#write("expires_at", String(Date.now() + expires_in * 1000));
    if (refresh_token) this.#write("refresh_token", refresh_token); // absent when the old one goes on
  }

  #forget() {
    for (const name of ["access_token", "expires_at", "refresh_token"]) localStorage.removeItem(this.#key(name));
  }

  #key(name) {
    return `vestibule.${this.clientId}.${name}`;
  }
  #read(name) {
    return localStorage.getItem(this.#key(name));
  }
  #write(name, value) {
    localStorage.setItem(this.#key(name), value);
  }
  #take(name) {
    const value = this.#read(name);
    localStorage.removeItem(this.#key(name));
    return value;
  }
}

function failure({ error = "unexpected", error_description = "" }, response) {
  return Object.assign(new Error(error_description || error), { code: error, status: response?.status });
}

/** A `login_hint`: the server's own kind of address, with what it names in the query. */
function hint(parameters) {
  return `https://authgear.com/login_hint?${new URLSearchParams(parameters)}`;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeFor(verifier) {
  return base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
}
