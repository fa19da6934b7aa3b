// src/lib/server/cart.js
// One cart for each user ID. A promotion keeps the ID, so there is nothing to do for it. Use your database.
const carts = new Map();

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
