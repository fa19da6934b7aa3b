// The shop's own backend: a cart kept by `sub`. It trusts nothing but the access token.

export class Cart {
  /** @param {{accessToken: () => Promise<string|null>, onCall?: (call: object) => void}} options */
  constructor({ accessToken, onCall = () => {} }) {
    Object.assign(this, { accessToken, onCall });
  }

  /** What is in the cart: product id → quantity. */
  fetchItems() {
    return this.#send("GET", "/api/cart");
  }

  /** Sets how many of a product are in the cart; 0 takes it out. Answers the whole cart. */
  setQuantity(productId, quantity) {
    return this.#send("PUT", `/api/cart/${encodeURIComponent(productId)}`, { quantity });
  }

  async #send(method, path, body) {
    const token = await this.accessToken();
    if (token === null) return {};
    const response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    this.onCall({ method, path, status: response.status });
    if (!response.ok) throw new Error("The shop could not reach your cart. Try again.");
    return (await response.json()).items;
  }
}
