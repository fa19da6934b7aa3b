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

let user = null;
let items = {};

renderProducts();
renderCalls();
await arrive();
document.documentElement.dataset.ready = "true";

/** The page load: come back from a promotion, or find the person of the last visit. */
async function arrive() {
  let message = null;
  try {
    if (vestibule.isReturning) message = await comeBack();
    await refreshPerson();
    if (message) say(message.text, message.level);
  } catch (error) {
    render();
    say(`The shop could not reach the identity server (${error.message}). Your session is untouched; reload to try again.`, "error");
  }
}

async function comeBack() {
  try {
    await vestibule.finishPromotion();
    return { text: "Welcome! Your cart and your ID came with you.", level: "success" };
  } catch (error) {
    if (error.code === "invalid_state") return null; // an old address opened again: nothing to finish
    return { text: "You turned around, and that is fine. You are still the same guest, with the same cart.", level: "warning" };
  } finally {
    history.replaceState(null, "", "/");
  }
}

async function refreshPerson() {
  user = vestibule.hasSession ? await vestibule.fetchUser() : null;
  if (user?.isGuest) localStorage.setItem("foyer.guest_sub", user.sub);
  items = user ? await cart.fetchItems() : {};
  render();
}

/** The first action makes the guest; every later one finds them. */
async function changeCart(productId, change) {
  const firstAction = user === null;
  await vestibule.becomeGuest();
  items = await cart.setQuantity(productId, Math.max(0, (items[productId] ?? 0) + change));
  if (firstAction) user = await vestibule.fetchUser();
  if (firstAction && user?.isGuest) localStorage.setItem("foyer.guest_sub", user.sub);
  render();
  if (firstAction) say("You are a guest now. Your cart is kept under an ID of your own.");
}

async function logOut() {
  if (user?.isGuest && !(await confirmLeaving())) return;
  await vestibule.logOut();
  localStorage.removeItem("foyer.guest_sub");
  user = null;
  items = {};
  render();
  say("You are logged out. Nothing of you is left in this browser.");
}

function confirmLeaving() {
  const dialog = $("leave");
  dialog.returnValue = "stay";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "leave"), { once: true }));
}

/** Runs a person's action: one at a time per button, and a failure is said, not swallowed. */
async function perform(button, action) {
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    say(error.message, "error");
  } finally {
    button.disabled = false;
  }
}

function onPress(button, action) {
  button.addEventListener("click", () => perform(button, action));
  return button;
}

// --- what is shown ---

function render() {
  renderPass();
  renderCart();
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
  const lines = {
    nobody: "Nobody has asked for your name, and nobody will. You become a guest with the first thing you add.",
    guest: "No name, no password, and still your own cart. It lives as long as this browser remembers you.",
    member: "You have a password now. Everything you had came along.",
  };
  $("pass").dataset.state = state;
  $("badge").textContent = { nobody: "Passer-by", guest: "Guest", member: "Member" }[state];
  $("pass-line").textContent = lines[state];
  $("pass-facts").hidden = user === null;
  $("sub").textContent = user?.sub ?? "";
  $("email-row").hidden = !user?.email;
  $("email").textContent = user?.email ?? "";
  $("same").hidden = state !== "member" || localStorage.getItem("foyer.guest_sub") !== user.sub;
  const save = () => onPress(make("button", { type: "button" }, "Save your progress"), () => vestibule.startPromotion());
  const leave = () => onPress(make("button", { type: "button", class: "quiet" }, "Log out"), logOut);
  $("pass-actions").replaceChildren(...{ nobody: () => [], guest: () => [save(), leave()], member: () => [leave()] }[state]());
}

function renderCart() {
  const lines = products.filter((product) => items[product.id] > 0);
  const count = lines.reduce((sum, product) => sum + items[product.id], 0);
  $("bag-count").textContent = String(count);
  $("cart-empty").hidden = count > 0;
  $("cart-total").hidden = count === 0;
  $("cart-sum").textContent = price(lines.reduce((sum, product) => sum + product.price * items[product.id], 0));
  const focused = document.activeElement?.getAttribute("aria-label");
  $("cart-lines").replaceChildren(
    ...lines.map((product) => {
      const step = (label, change, sign) => onPress(make("button", { type: "button", "aria-label": `${label} ${product.name}` }, sign), () => changeCart(product.id, change));
      const stepper = make("span", { class: "stepper" }, step("One less", -1, "−"), make("output", {}, String(items[product.id])), step("One more", 1, "+"));
      return make("li", {}, make("span", { class: "name" }, product.name), stepper, make("span", { class: "price" }, price(product.price * items[product.id])));
    }),
  );
  if (focused) $("cart-lines").querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
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
    "/api/anonymous_user/signup": "a guest with a stable ID is born",
    "/api/anonymous_user/promotion_code": "a ticket that says which guest wants a name",
    "/oauth2/authorize": "off to the sign-up page, with the ticket and PKCE",
    "/oauth2/token": "tokens: refreshed, or traded for the code",
    "/oauth2/userinfo": "who am I? ID, email, guest or not",
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
