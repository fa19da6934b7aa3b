// app/after-login/route.js
import { cookies } from "next/headers";

import { finishSignIn, ORIGIN } from "../../lib/auth.js";
import { readSession } from "../../lib/session.js";

export async function GET(request) {
  const session = await readSession();
  const page = await finishSignIn(session, request.nextUrl.searchParams);
  if (page === null) return Response.redirect(`${ORIGIN}/`, 303);
  (await cookies()).set("notice", session.notice, { maxAge: 60, sameSite: "lax" });
  delete session.notice;
  await session.save();
  return Response.redirect(page, 303);
}
