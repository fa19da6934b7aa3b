// The shop's own backend: a cart kept by `sub`. It trusts nothing but the access token.

export class Cart {
  /** @param {{accessToken: () => Promise<string|null>, onCall?: (call: object) => void}} options */
  constructor({ accessToken, onCall = () => {} }) {
    Object.assign(this, { accessToken, onCall });
  }

  /** What is in the cart: product id → quantity. */
  fetchItems() {
    return this.#readItems("GET", "/api/cart");
  }

  /** Sets how many of a product are in the cart; 0 takes it out. Answers the whole cart. */
  setQuantity(productId, quantity) {
    return this.#readItems("PUT", `/api/cart/${encodeURIComponent(productId)}`, { quantity });
  }

  /** Whether the shop's server has moved this guest's cart into this one. */
  async hasCome(guest) {
    return (await this.#call("GET", `/api/cart/from/${encodeURIComponent(guest)}`)).has_come === true;
  }

  async #readItems(method, path, body) {
    return (await this.#call(method, path, body)).items ?? {};
  }

  async #call(method, path, body) {
    const token = await this.accessToken();
    if (token === null) return {};
    const response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    this.onCall({ method, path, status: response.status });
    if (!response.ok) throw new Error("The shop could not reach your cart. Try again.");
    return response.json();
  }
}
