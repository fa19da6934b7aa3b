// src/routes/+page.server.js
import { redirect } from "@sveltejs/kit";

import * as auth from "../lib/server/auth.js";
import * as carts from "../lib/server/cart.js";
import { saveSession } from "../lib/server/session.js";

export async function load({ locals, cookies, url }) {
  const { session } = locals;
  const before = JSON.stringify(session);
  const user = await auth.currentUser(session);
  const { notice } = session;
  delete session.notice; // shown once
  if (JSON.stringify(session) !== before) await saveSession(cookies, session);
  return { user, notice, cart: carts.readCart(user?.id), page: url.pathname + url.search };
}

/** An action that changes the session and goes to a page: of this app, or of the server. */
function action(run) {
  return async ({ locals, cookies, request, getClientAddress }) => {
    const page = (await request.formData()).get("page");
    const url = await run(locals.session, page, getClientAddress);
    await saveSession(cookies, locals.session);
    redirect(303, url ?? "/"); // without a page of the server, the session has ended
  };
}

export const actions = {
  add: action(async (session, page, getClientAddress) => {
    const user = await auth.ensureUser(session, getClientAddress());
    carts.addToCart(user.id, "Lamp");
    return auth.local(page);
  }),
  save: action(auth.saveProgress),
  "sign-in": action(auth.signIn),
  account: action(auth.openAccount),
  "sign-out": action(async (session, page) => {
    await auth.signOut(session);
    return auth.local(page);
  }),
};
