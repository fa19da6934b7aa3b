// app/actions.js
"use server";

import { headers } from "next/headers";
import { redirect } from "next/navigation";

import * as auth from "../lib/auth.js";
import * as carts from "../lib/cart.js";
import { readSession } from "../lib/session.js";

/** The visitor's address, as the reverse proxy in front of this app names it. */
async function readAddress() {
  return (await headers()).get("x-forwarded-for")?.split(",").at(-1).trim();
}

export async function addToCart() {
  const session = await readSession();
  const user = await auth.ensureUser(session, await readAddress());
  carts.addToCart(user.id, "Lamp");
  await session.save();
}

export async function saveProgress(form) {
  await leave((session) => auth.saveProgress(session, form.get("page")));
}

export async function signIn(form) {
  await leave((session) => auth.signIn(session, form.get("page")));
}

export async function openAccount() {
  await leave(auth.openAccount);
}

/** Leaves for a page of the server; without one the session has ended. */
async function leave(findUrl) {
  const session = await readSession();
  const url = await findUrl(session);
  await session.save();
  redirect(url ?? "/");
}

export async function signOut() {
  const session = await readSession();
  await auth.signOut(session);
  session.destroy();
}
