// src/hooks.server.js
import { readSession } from "./lib/server/session.js";

export async function handle({ event, resolve }) {
  event.locals.session = await readSession(event.cookies);
  return resolve(event);
}
