// src/lib/server/auth.js
// Guests, sign-up and sign-in. `session` is a plain object that your framework keeps for one browser.
import * as oidc from "openid-client";

import { moveCart } from "./cart.js";

export const ORIGIN = process.env.ORIGIN ?? "http://localhost:3000";
const ISSUER = process.env.ISSUER ?? "http://localhost:4100";
const CLIENT_ID = process.env.CLIENT_ID ?? "my-shop";
const SCOPE = "openid offline_access https://authgear.com/scopes/full-access";
const IS_ANONYMOUS = "https://authgear.com/claims/user/is_anonymous";

/** The guest or member of this browser, or null. Asks the server when the access token is due, or at once if `fresh`. */
export async function currentUser(session, { fresh = false } = {}) {
  if (!session.tokens) return null;
  if (!fresh && Date.now() < session.tokens.dueAt) return session.user;
  try {
    const tokens = await oidc.refreshTokenGrant(await discover(), session.tokens.refresh);
    await keep(session, tokens, session.user.id);
  } catch (error) {
    if (error.error !== "invalid_grant") throw error; // the server can't be reached: the session goes on
    forget(session);
  }
  return session.user ?? null;
}

/** For the first action that needs a user: the user that is there, or a new guest. */
export async function ensureUser(session, address) {
  const user = await currentUser(session);
  if (user) return user;
  const tokens = await call("/api/anonymous_user/signup", { client_id: CLIENT_ID, session_type: "refresh_token" }, address);
  await keep(session, tokens, oidc.skipSubjectCheck);
  return session.user;
}

/** Where the guest signs up, and stays the same user. Null if the guest's session has ended. */
export async function saveProgress(session, page) {
  if (!(await currentUser(session, { fresh: true }))) return null;
  const { promotion_code } = await call("/api/anonymous_user/promotion_code", {
    session_type: "refresh_token",
    refresh_token: session.tokens.refresh,
  });
  return start(session, page, { login_hint: hint({ type: "anonymous", promotion_code }) });
}

/** Where a member signs in. */
export function signIn(session, page) {
  return start(session, page, { x_page: "login" });
}

async function start(session, page, parameters) {
  const [verifier, state] = [oidc.randomPKCECodeVerifier(), oidc.randomState()];
  session.pending = { verifier, state, page: local(page) };
  return authorize({
    redirect_uri: `${ORIGIN}/after-login`,
    prompt: "login",
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...parameters,
  });
}

/**
 * Finishes saveProgress and signIn. Returns the page to go back to, and leaves a notice for it in the session. Null if
 * there is nothing to finish: after a reload or the back button, nothing changes.
 */
export async function finishSignIn(session, query) {
  const { pending, user: before } = session;
  if (!pending) return null;
  delete session.pending;
  try {
    const tokens = await exchangeOnce(query, pending);
    await keep(session, tokens, tokens.claims().sub);
    session.notice = compare(before, session.user);
  } catch (error) {
    // The user of this browser is unchanged.
    session.notice = error.error === "access_denied" ? "cancelled" : "failed";
    if (session.notice === "failed") console.error("sign-in failed:", error);
  }
  return pending.page;
}

/** What happened, and what is to be done with a guest's cart. */
function compare(before, now) {
  if (!before?.isGuest) return "signed-in";
  if (before.id === now.id) return "promoted";
  moveCart(before.id, now.id); // the guest has signed in to an existing account
  return "merged";
}

const exchanges = new Map();

/** The same request may arrive twice at the same time. A code works once, so both get the same tokens. */
function exchangeOnce(query, { verifier, state }) {
  if (!exchanges.has(state)) {
    const url = new URL(`${ORIGIN}/after-login?${query}`);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true };
    exchanges.set(state, discover().then((server) => oidc.authorizationCodeGrant(server, url, checks)));
    setTimeout(() => exchanges.delete(state), 60_000).unref();
  }
  return exchanges.get(state);
}

/** Where the user finds the account page, signed in. Null if the session has ended. */
export async function openAccount(session) {
  if (!(await currentUser(session, { fresh: true }))) return null;
  const { app_session_token } = await call("/oauth2/app_session_token", { refresh_token: session.tokens.refresh });
  return authorize({
    redirect_uri: `${ISSUER}/settings`,
    response_type: "none",
    prompt: "none",
    login_hint: hint({ type: "app_session_token", app_session_token }),
  });
}

/** Signs out, here and at the server. A guest cannot be recovered afterwards. */
export async function signOut(session) {
  const refresh = session.tokens?.refresh;
  forget(session);
  if (refresh) await oidc.tokenRevocation(await discover(), refresh);
}

/** A page of this app as a whole URL: a redirect must not lead to another site. */
export function local(page) {
  const url = URL.canParse(page, ORIGIN) ? new URL(page, ORIGIN) : null;
  return url?.origin === ORIGIN ? url.href : `${ORIGIN}/`;
}

async function keep(session, tokens, subject) {
  const claims = await oidc.fetchUserInfo(await discover(), tokens.access_token, subject);
  const refresh = tokens.refresh_token ?? session.tokens.refresh; // absent when the old one goes on
  session.user = { id: claims.sub, email: claims.email, isGuest: claims[IS_ANONYMOUS] !== false };
  session.tokens = { refresh, dueAt: Date.now() + tokens.expires_in * 900 };
}

function forget(session) {
  delete session.user;
  delete session.tokens;
}

let discovered;

/** What the server says about itself, read once. */
function discover() {
  const execute = ISSUER.startsWith("http://localhost") ? [oidc.allowInsecureRequests] : [];
  discovered ??= oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.None(), { execute });
  discovered.catch(() => (discovered = undefined)); // try again next time
  return discovered;
}

async function authorize(parameters) {
  return oidc.buildAuthorizationUrl(await discover(), { scope: SCOPE, x_sso_enabled: "false", ...parameters }).href;
}

/** The server counts new guests by address: it must be the visitor's, not this app's. */
async function call(path, body, address) {
  const headers = { "content-type": "application/json", ...(address && { "x-forwarded-for": address }) };
  const response = await fetch(ISSUER + path, { method: "POST", headers, body: JSON.stringify(body) });
  const { result, error } = await response.json();
  if (error) throw Object.assign(new Error(error.message), { status: response.status });
  return result;
}

function hint(parameters) {
  return `https://authgear.com/login_hint?${new URLSearchParams(parameters)}`;
}
