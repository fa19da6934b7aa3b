// src/auth.js
import authgear, { Page, PromptOption } from "@authgear/web";

const REDIRECT_URI = "{{redirect_uri}}";

let configured;

/** Configures the SDK, once. */
export function configure() {
  configured ??= authgear.configure({
    endpoint: "{{endpoint}}",
    clientID: "{{client_id}}",
    sessionType: "{{session_type}}",
  });
  return configured;
}

/** The guest or member of this browser, or null. */
export async function fetchUser() {
  await configure();
  if (authgear.sessionState === "NO_SESSION") return null;
  try {
    return await authgear.fetchUserInfo();
  } catch (error) {
    if (authgear.sessionState !== "AUTHENTICATED") return null; // the session has ended
    throw error;
  }
}

/** For the first action that needs a user: the user that is there, or a new guest. */
export async function ensureUser() {
  return (await fetchUser()) ?? (await authgear.authenticateAnonymously()).userInfo;
}

/** The guest signs up: the same `sub` afterwards. */
export async function saveProgress() {
  await rememberThisPage();
  await authgear.startPromoteAnonymousUser({ redirectURI: REDIRECT_URI });
}

/** A member signs in again. A guest of this browser is left behind. */
export async function signIn() {
  await rememberThisPage();
  await authgear.startAuthentication({ redirectURI: REDIRECT_URI, prompt: PromptOption.Login, page: "login" });
}

async function rememberThisPage() {
  const user = await fetchUser();
  const page = location.pathname + location.search + location.hash;
  sessionStorage.setItem("before-sign-in", JSON.stringify({ sub: user?.sub, page }));
}

let finished;

/** Finishes saveProgress and signIn on the redirect URI. Call it as often as you like: the code works once. */
export function finishSignIn() {
  finished ??= finish();
  return finished;
}

async function finish() {
  const before = JSON.parse(sessionStorage.getItem("before-sign-in") ?? "{}");
  sessionStorage.removeItem("before-sign-in");
  const page = before.page ?? "/";
  try {
    await configure();
    const { userInfo: user } = await authgear.finishAuthentication();
    const same = user.sub === before.sub;
    return { result: same ? "promoted" : "signed-in", leftGuest: !same && before.sub !== undefined, user, page };
  } catch (error) {
    // "Not now", or a code that was used before (a reload, the back button): the user of this browser is unchanged.
    const result = error.error === "access_denied" ? "cancelled" : "failed";
    return { result, error, user: await fetchUser(), page };
  } finally {
    history.replaceState(null, "", page); // the code must not stay in the address
  }
}

/** Opens the account page: name, login IDs, password, passkeys, sessions. */
export async function openAccount() {
  await authgear.open(Page.Settings, { openInSameTab: true });
}

/** Signs out. A guest cannot be recovered afterwards. */
export async function signOut() {
  await authgear.logout({ redirectURI: `${location.origin}/` });
}
