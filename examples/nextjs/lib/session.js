// lib/session.js
import { getIronSession } from "iron-session";
import { cookies } from "next/headers";

import { ORIGIN } from "./auth.js";

const isLocal = ORIGIN.startsWith("http://localhost:");
const password = process.env.SESSION_SECRET ?? (isLocal ? "a secret for development, of 32 characters or more" : "");
const YEAR = 365 * 24 * 60 * 60; // as long as a guest may last: the cookie is all that a guest has

/** The encrypted session of this browser. Only server actions and route handlers can save it. */
export async function readSession() {
  return getIronSession(await cookies(), {
    cookieName: "shop",
    password,
    ttl: YEAR,
    cookieOptions: { httpOnly: true, sameSite: "lax", secure: ORIGIN.startsWith("https://") },
  });
}
