// src/useAuth.js
import { readonly, shallowReactive } from "vue";

import { ensureUser, fetchUser, finishSignIn, signOut } from "./auth.js";

const CALLBACK = new URL("{{redirect_uri}}").pathname;

// One state for the whole app. `user` is undefined while it is being found out.
const auth = shallowReactive({ user: undefined, result: undefined, leftGuest: false });
let arrival;

async function arrive() {
  try {
    Object.assign(auth, location.pathname === CALLBACK ? await finishSignIn() : { user: await fetchUser() });
  } catch (error) {
    Object.assign(auth, { user: null, result: "failed", error });
  }
}

/** The state, and what changes it without leaving the page. */
export function useAuth() {
  arrival ??= arrive();
  return {
    auth: readonly(auth),
    async becomeGuest() {
      Object.assign(auth, { user: await ensureUser(), result: undefined });
    },
    async leave() {
      await signOut();
      Object.assign(auth, { user: null, result: undefined });
    },
  };
}
