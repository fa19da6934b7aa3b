// src/main.js
import { ensureUser, fetchUser, finishSignIn, openAccount, saveProgress, signIn, signOut } from "./auth.js";

const find = (id) => document.getElementById(id);

const MESSAGES = {
  promoted: "Welcome! Everything you did as a guest is yours.",
  "signed-in": "You are signed in.",
  cancelled: "Nothing has changed.",
  failed: "That did not work. Try again.",
};

function show(user) {
  const guest = user?.isAnonymous === true;
  find("who").textContent = !user ? "You are not signed in." : `${guest ? "Guest" : user.email} ${user.sub}`;
  find("save").hidden = !guest;
  find("sign-in").hidden = Boolean(user) && !guest;
  find("account").hidden = !user || guest;
  find("sign-out").hidden = !user;
}

function on(id, action) {
  find(id).addEventListener("click", async () => {
    try {
      await action();
    } catch (error) {
      find("message").textContent = error.message;
    }
  });
}

on("act", async () => show(await ensureUser()));
on("save", saveProgress);
on("sign-in", signIn);
on("account", openAccount);
on("sign-out", async () => {
  await signOut();
  show(null);
});

if (location.pathname === new URL("{{redirect_uri}}").pathname) {
  const { result, leftGuest, user } = await finishSignIn();
  find("message").textContent = leftGuest ? "You are signed in. What you did as a guest stayed behind." : MESSAGES[result];
  show(user);
} else {
  show(await fetchUser());
}
