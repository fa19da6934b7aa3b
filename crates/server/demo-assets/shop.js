// The shop's page: shows products, the visitor and the cart, and calls `vestibule.js` and `cart.js`.

import { Cart } from "/assets/cart.js";
import { Vestibule } from "/assets/vestibule.js";

const $ = (id) => document.getElementById(id);
const money = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

const [config, products] = await Promise.all(["/config.json", "/assets/products.json"].map((url) => fetch(url).then((r) => r.json())));
if (location.origin !== config.public_origin) location.replace(config.public_origin + location.pathname + location.search);

const vestibule = new Vestibule({
  issuer: config.issuer,
  clientId: config.client_id,
  redirectUri: `${config.public_origin}/after-login`,
  onCall: noteCall,
});
const cart = new Cart({ accessToken: () => vestibule.accessToken(), onCall: noteCall });
// The same without a note of each call, for looks that may be in vain.
const quietCart = new Cart({ accessToken: () => vestibule.accessToken() });

let user = null;
let items = {};

onPress($("sign-in"), signIn);
onPress($("account"), () => vestibule.openAccount());
renderProducts();
renderCalls();
await arrive();
document.documentElement.dataset.ready = "true";

/** The page load: the return from the sign-up or sign-in page, or the session of the last visit. */
async function arrive() {
  try {
    const answer = vestibule.isReturning ? await finishTrip() : null;
    await refreshUser();
    const message = answer && (await describeReturn(answer));
    if (message) say(message.text, message.level);
  } catch (error) {
    render();
    say(`The shop could not reach the identity server (${error.message}). Your session is untouched; reload to try again.`, "error");
  }
}

/** Opens the sign-up or sign-in page; what is here now is noted, to be compared with what is there after the return. */
async function leaveFor(start) {
  sessionStorage.setItem("foyer.before", JSON.stringify({ sub: user?.sub, items: countItems() }));
  await start();
}

/** Trades the answer in the address for tokens, once, and takes it out of the address: a reload must not send it again. */
async function finishTrip() {
  const before = JSON.parse(sessionStorage.getItem("foyer.before") ?? "{}");
  sessionStorage.removeItem("foyer.before");
  try {
    await vestibule.finish();
    return { before, error: null };
  } catch (error) {
    if (error.code === "invalid_state") return null; // an old address opened again: nothing to finish
    return { before, error };
  } finally {
    history.replaceState(null, "", "/");
  }
}

/** What became of the guest and its cart: the same `sub` is the same person, another one is another account. */
async function describeReturn({ before, error }) {
  if (error && error.code !== "access_denied") return { text: `That did not work (${error.message}). Nothing has changed; try again.`, level: "error" };
  if (error && before.sub) return { text: "You turned around, and that is fine. You are still the same guest, with the same cart.", level: "warning" };
  if (error) return { text: "You did not sign in. Nothing has changed.", level: "warning" };
  if (!user) return null;
  if (before.sub === user.sub) return { text: "Welcome! Your cart and your ID came with you.", level: "success" };
  localStorage.removeItem("foyer.guest_sub");
  const name = user.email ?? user.sub;
  if (before.items > 0 && (await vestibule.isEarlierSessionOver())) {
    followCart(before.sub, name).catch((error) => say(error.message, "error"));
    return null;
  }
  if (before.items > 0) return { text: `You are signed in as ${name}. Your guest cart stayed behind: it belongs to the guest's ID.`, level: "warning" };
  return { text: `You are signed in as ${name}.`, level: "success" };
}

/**
 * Shows the guest's cart in the member's as soon as the shop's server says that it has come. The identity server asks that server to move
 * it right after the visitor has agreed, and again until it has. So the cart may be there before this page is, or later.
 */
async function followCart(guest, name) {
  const member = user.sub;
  say(`You are signed in as ${name}. Your guest cart is not here yet: it comes if you agreed to bring it.`);
  for (let pause = 200; !(await hasCome(guest)); pause = Math.min(2 * pause, 5_000)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (user?.sub !== member) return;
  }
  const whole = await cart.fetchItems();
  if (user?.sub !== member) return;
  items = whole;
  render();
  say(`You are signed in as ${name}. Your guest cart came along.`);
}

/** A look that fails says nothing about the cart: the next one will. */
function hasCome(guest) {
  return quietCart.hasCome(guest).catch(() => false);
}

async function refreshUser() {
  user = vestibule.hasSession ? await vestibule.fetchUser() : null;
  if (user?.isGuest) localStorage.setItem("foyer.guest_sub", user.sub);
  items = user ? await cart.fetchItems() : {};
  render();
}

/** The first action makes the guest; every later one finds it. */
async function changeCart(productId, change) {
  const firstAction = user === null;
  await becomeGuest();
  items = await cart.setQuantity(productId, Math.max(0, (items[productId] ?? 0) + change));
  if (firstAction) user = await vestibule.fetchUser();
  if (firstAction && user?.isGuest) localStorage.setItem("foyer.guest_sub", user.sub);
  render();
  if (firstAction) say("You are a guest now. Your cart is kept under an ID of your own.");
}

async function becomeGuest() {
  try {
    await vestibule.becomeGuest();
  } catch (error) {
    if (error.status === 429) throw new Error("Too many new guests from here. Try again in a minute.");
    throw error;
  }
}

/** A guest who signs in leaves its cart behind, so it is asked first. */
async function signIn() {
  const choice = user?.isGuest && countItems() > 0 ? await ask("sign-in-dialog") : "sign-in";
  if (choice === "save") await leaveFor(() => vestibule.startPromotion());
  if (choice === "sign-in") await leaveFor(() => vestibule.startSignIn());
}

async function signOut() {
  if (user?.isGuest && (await ask("leave")) !== "leave") return;
  await vestibule.signOut();
  localStorage.removeItem("foyer.guest_sub");
  user = null;
  items = {};
  render();
  say("You're signed out.");
}

/** Shows a dialog; answers the value of the button that closed it, "stay" for Escape. */
function ask(id) {
  const dialog = $(id);
  dialog.returnValue = "stay";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** Runs an action: one at a time per button, and a failure is shown. The button keeps the focus, so it is not disabled. */
async function perform(button, action) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await action();
  } catch (error) {
    say(error.status === 429 ? "Too many requests from here. Try again in a minute." : error.message, "error");
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function onPress(button, action) {
  button.addEventListener("click", () => perform(button, action));
  return button;
}

// --- what is shown ---

function render() {
  const hadFocus = document.activeElement !== document.body;
  $("sign-in").hidden = user !== null && !user.isGuest;
  $("account").hidden = user === null || user.isGuest;
  renderPass();
  renderCart();
  // What had the focus may be gone: then the part of the page that changed has it.
  if (hadFocus && document.activeElement === document.body) $("pass").focus();
}

function countItems() {
  return Object.values(items).reduce((sum, quantity) => sum + quantity, 0);
}

function renderProducts() {
  $("grid").replaceChildren(
    ...products.map((product) => {
      const button = onPress(make("button", { type: "button", "aria-label": `Add ${product.name} to the cart` }, "Add"), () => changeCart(product.id, 1));
      const image = make("img", { src: `/assets/art/${product.id}.svg`, alt: "", width: 320, height: 240 });
      const text = make("div", {}, make("h2", {}, product.name), make("p", {}, product.line), make("footer", {}, make("strong", {}, price(product.price)), button));
      return make("li", { class: "card", "data-tint": product.tint }, make("figure", {}, image), text);
    }),
  );
}

function renderPass() {
  const state = user === null ? "nobody" : user.isGuest ? "guest" : "member";
  const same = state === "member" && localStorage.getItem("foyer.guest_sub") === user.sub;
  const lines = {
    nobody: "You're not signed in. You become a guest with the first thing you add.",
    guest: "No name, no password, and still your own cart. It is kept as long as this browser keeps your session.",
    member: same ? "You can sign in from anywhere now. Your cart came with you." : "Your cart is kept with your account.",
  };
  $("pass").dataset.state = state;
  $("badge").textContent = { nobody: "Visitor", guest: "Guest", member: "Member" }[state];
  $("pass-line").textContent = lines[state];
  $("pass-facts").hidden = user === null;
  $("sub").textContent = user?.sub ?? "";
  $("email-row").hidden = !user?.email;
  $("email").textContent = user?.email ?? "";
  $("same").hidden = !same;
  const save = () => onPress(make("button", { type: "button" }, "Save your progress"), () => leaveFor(() => vestibule.startPromotion()));
  const leave = () => onPress(make("button", { type: "button", class: "quiet" }, "Sign out"), signOut);
  const key = `${state} ${user?.sub ?? ""}`;
  if ($("pass-actions").dataset.key === key) return; // the buttons stay, and the focus with them
  $("pass-actions").dataset.key = key;
  $("pass-actions").replaceChildren(...{ nobody: () => [], guest: () => [save(), leave()], member: () => [leave()] }[state]());
}

function renderCart() {
  const lines = products.filter((product) => items[product.id] > 0);
  const count = countItems();
  $("bag-count").textContent = String(count);
  $("cart-empty").hidden = count > 0;
  $("cart-total").hidden = count === 0;
  $("cart-sum").textContent = price(lines.reduce((sum, product) => sum + product.price * items[product.id], 0));
  const focused = document.activeElement?.getAttribute("aria-label");
  const within = $("cart-lines").contains(document.activeElement);
  $("cart-lines").replaceChildren(
    ...lines.map((product) => {
      const step = (label, change, sign) => onPress(make("button", { type: "button", "aria-label": `${label} ${product.name}` }, sign), () => changeCart(product.id, change));
      const stepper = make("span", { class: "stepper" }, step("One less", -1, "−"), make("output", {}, String(items[product.id])), step("One more", 1, "+"));
      return make("li", {}, make("span", { class: "name" }, product.name), stepper, make("span", { class: "price" }, price(product.price * items[product.id])));
    }),
  );
  // The last one of a product takes its line along: then the cart has the focus.
  if (within) ($("cart-lines").querySelector(`[aria-label="${CSS.escape(focused)}"]`) ?? $("cart")).focus();
}

function say(text, level = "success") {
  $("notice").dataset.level = level;
  $("notice").textContent = text;
  $("notice").hidden = false;
}

function price(cents) {
  return money.format(cents / 100);
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- what just happened: the calls, kept over the trip to the sign-up page ---

function noteCall(call) {
  const calls = readCalls().concat({ ...call, path: call.path.replace(/^\/api\/cart\/.*/, "/api/cart/{product}") });
  sessionStorage.setItem("foyer.calls", JSON.stringify(calls.slice(-12)));
  renderCalls();
}

function readCalls() {
  return JSON.parse(sessionStorage.getItem("foyer.calls") ?? "[]");
}

function renderCalls() {
  const meaning = {
    "/.well-known/openid-configuration": "where the endpoints are",
    "/api/anonymous_user/signup": "guest created",
    "/api/anonymous_user/promotion_code": "a code that says which guest signs up",
    "/oauth2/app_session_token": "a token that opens the account page, signed in",
    "/oauth2/authorize": "to the identity server's pages, with PKCE",
    "/oauth2/token": "tokens: refreshed, or traded for the code",
    "/oauth2/userinfo": "the user's ID, email, guest or not",
    "/oauth2/revoke": "the session ends on the server too",
    "/api/cart": "the shop's backend asks the identity server whose token this is",
    "/api/cart/{product}": "the cart is stored under the ID",
  };
  const calls = readCalls();
  $("wire-empty").hidden = calls.length > 0;
  $("wire").replaceChildren(
    ...calls.map(({ method, path, status }) =>
      make("li", {}, make("code", {}, method), make("code", {}, path), make("span", { class: "status", "data-bad": String(status >= 400) }, String(status)), make("span", { class: "why" }, meaning[path] ?? "")),
    ),
  );
}
