// src/server.js
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";

import express from "express";
import session from "express-session";

import { currentUser, ensureUser, finishSignIn, local, openAccount, ORIGIN, saveProgress, signIn, signOut } from "./auth.js";
import { addToCart, readCart } from "./cart.js";
import { renderShop } from "./page.js";

const YEAR_MS = 365 * 24 * 60 * 60 * 1000; // as long as a guest may last: the cookie is all that a guest has

const app = express();
app.use(
  session({
    name: "shop",
    secret: process.env.SESSION_SECRET ?? randomBytes(32).toString("hex"),
    resave: false,
    saveUninitialized: false, // no cookie for visitors who only look
    rolling: true,
    cookie: { httpOnly: true, sameSite: "lax", secure: ORIGIN.startsWith("https://"), maxAge: YEAR_MS },
  }),
);
app.use(express.urlencoded());
app.use((request, response, next) => {
  request.auth = { ...request.session.auth };
  next();
});

/** Keeps the changes of `request.auth`, then redirects. */
function go(request, response, url) {
  request.session.auth = request.auth;
  response.redirect(303, url);
}

app.get("/", async (request, response) => {
  const user = await currentUser(request.auth);
  const { notice } = request.auth;
  delete request.auth.notice;
  if (request.session.auth) request.session.auth = request.auth;
  response.set("cache-control", "no-store").send(renderShop({ user, notice, cart: readCart(user?.id), page: request.originalUrl }));
});

app.post("/cart", async (request, response) => {
  const user = await ensureUser(request.auth, request.ip);
  addToCart(user.id, "Lamp");
  go(request, response, local(request.body.page));
});

app.post("/save-progress", async (request, response) => {
  const url = await saveProgress(request.auth, request.body.page);
  go(request, response, url ?? "/");
});

app.post("/sign-in", async (request, response) => {
  go(request, response, await signIn(request.auth, request.body.page));
});

app.get("/after-login", async (request, response) => {
  const page = await finishSignIn(request.auth, new URL(request.originalUrl, ORIGIN).searchParams);
  if (page === null) return response.redirect(303, "/");
  // A new session ID, so that one that was planted in this browser before is of no use.
  await promisify(request.session.regenerate).call(request.session);
  go(request, response, page);
});

app.post("/account", async (request, response) => {
  const url = await openAccount(request.auth);
  go(request, response, url ?? "/");
});

app.post("/sign-out", async (request, response) => {
  await signOut(request.auth);
  await promisify(request.session.destroy).call(request.session);
  response.redirect(303, local(request.body.page));
});

app.listen(Number(new URL(ORIGIN).port), () => console.log(ORIGIN));
