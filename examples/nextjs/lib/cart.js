// lib/cart.js
// One cart for each user ID. A promotion keeps the ID, so there is nothing to do for it. Use your database.
// Next.js loads this module more than once, for pages and for route handlers: they share one map.
const carts = (globalThis.carts ??= new Map());

export function readCart(id) {
  return carts.get(id) ?? [];
}

export function addToCart(id, item) {
  carts.set(id, [...readCart(id), item]);
}

/** A guest who signs in to an existing account gets another ID. */
export function moveCart(from, to) {
  carts.set(to, [...readCart(to), ...readCart(from)]);
  carts.delete(from);
}
