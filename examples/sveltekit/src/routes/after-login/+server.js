// src/routes/after-login/+server.js
import { redirect } from "@sveltejs/kit";

import { finishSignIn } from "../../lib/server/auth.js";
import { saveSession } from "../../lib/server/session.js";

export async function GET({ locals, cookies, url }) {
  const page = await finishSignIn(locals.session, url.searchParams);
  if (page !== null) await saveSession(cookies, locals.session);
  redirect(303, page ?? "/");
}
