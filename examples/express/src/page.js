// src/page.js
const NOTICES = {
  promoted: "Welcome! Everything you did as a guest is yours.",
  merged: "You are signed in. Your guest cart was added to your own.",
  "signed-in": "You are signed in.",
  cancelled: "Nothing has changed.",
  failed: "That did not work. Try again.",
};

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The page as HTML. The session cookie is SameSite=Lax, so other sites can't send its form. */
export function renderShop({ user, notice, cart, page }) {
  const [isGuest, isMember] = [user?.isGuest === true, user?.isGuest === false];
  const button = (action, label) => `<button formaction="${action}">${label}</button>`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Shop</title>
    <link rel="icon" href="data:,">
  </head>
  <body>
    <h1>Shop</h1>
    <p>${user ? `${isGuest ? "Guest" : escape(user.email)} ${user.id}` : "You are not signed in."}</p>
    <p role="status">${NOTICES[notice] ?? ""}</p>
    <ul>${cart.map((item) => `<li>${escape(item)}</li>`).join("")}</ul>
    <form method="post">
      <input type="hidden" name="page" value="${escape(page)}">
      ${button("/cart", "Add to cart")}
      ${isGuest ? button("/save-progress", "Save your progress") : ""}
      ${isMember ? "" : button("/sign-in", "Sign in")}
      ${isMember ? button("/account", "Account") : ""}
      ${user ? button("/sign-out", "Sign out") : ""}
    </form>
  </body>
</html>`;
}
