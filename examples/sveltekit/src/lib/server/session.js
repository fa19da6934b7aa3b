// src/lib/server/session.js
import { sealData, unsealData } from "iron-session";

import { ORIGIN } from "./auth.js";

const NAME = "shop";
const YEAR = 365 * 24 * 60 * 60; // as long as a guest may last: the cookie is all that a guest has
const isLocal = ORIGIN.startsWith("http://localhost:");
const password = process.env.SESSION_SECRET ?? (isLocal ? "a secret for development, of 32 characters or more" : "");
const OPTIONS = { password, ttl: YEAR };

/** The session of this browser: an encrypted cookie. One that can't be read is an empty session. */
export async function readSession(cookies) {
  return unsealData(cookies.get(NAME) ?? "", OPTIONS);
}

export async function saveSession(cookies, session) {
  const sealed = await sealData(session, OPTIONS);
  cookies.set(NAME, sealed, { path: "/", httpOnly: true, sameSite: "lax", secure: ORIGIN.startsWith("https://"), maxAge: YEAR });
}
