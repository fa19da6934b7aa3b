// Nodes of one project on one PostgreSQL, guests who sign up at all of them while things happen to it, a receiver of events, and what
// must be true afterwards.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";

import { startServer } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";

const CLIENT = "shop-web";
let visitors = 0;

const makeProject = (hook) => (port) => `[project]
id = "shop"
public_origin = "http://localhost:${port}"
[authentication]
identities = ["login_id", "anonymous"]
[authentication.rate_limits.signup_anonymous.per_ip]
enabled = false
[[hook.non_blocking_handlers]]
url = "${hook}"
events = ["user.created"]
[[oauth.clients]]
client_id = "${CLIENT}"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
`;

/** A receiver of events: the users that it was told of. */
async function startReceiver() {
  const told = new Map();
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { context } = JSON.parse(Buffer.concat(chunks));
    told.set(context.user_id, (told.get(context.user_id) ?? 0) + 1);
    response.writeHead(200).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { told, url: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** Two nodes: `store` is the database's URL, `second` another way to it for the second one. */
export async function startNodes({ store, second = store, storeSettings = "", binary }) {
  const receiver = await startReceiver();
  let server;
  try {
    server = await startServer({
      store,
      binary,
      storeSettings: `max_connections = 8\n${storeSettings}`,
      serverSettings: 'trusted_proxies = ["127.0.0.1"]',
      makeProject: makeProject(receiver.url),
      configure: () => "\n[hooks]\nallow_private_addresses = true\n",
    });
    return new Nodes(receiver, server, await server.startNode(second));
  } catch (error) {
    receiver.stop();
    await server?.stop();
    throw error;
  }
}

class Nodes {
  constructor(receiver, server, other) {
    Object.assign(this, { receiver, server, other, ports: [server.port, other.port] });
  }

  async stop() {
    this.receiver.stop();
    await this.other.server.kill();
    await this.server.stop();
  }

  /** Replaces the binary of one of them. */
  async replace(node, binary) {
    await node.server.replace(binary);
    await this.waitForReadiness(node.port, 200);
  }

  /** A request of a visitor with an address of its own, by way of a node. Without an answer the status is 0. */
  async ask(port, url, body, type = "application/json") {
    visitors += 1;
    const address = `100.${(visitors >> 16) & 255}.${(visitors >> 8) & 255}.${visitors & 255}`;
    const headers = { "content-type": type, "x-forwarded-for": address, "x-forwarded-host": `localhost:${this.server.port}` };
    const options = { method: "POST", headers, body, signal: AbortSignal.timeout(30_000) };
    const response = await fetch(`http://127.0.0.1:${port}${url}`, options).catch((error) => ({ status: 0, error }));
    if (response.status === 0) return { status: 0, body: String(response.error.cause ?? response.error) };
    return { status: response.status, retry: response.headers.get("retry-after"), body: await response.text() };
  }

  signUp(port) {
    return this.ask(port, "/api/anonymous_user/signup", JSON.stringify({ client_id: CLIENT, session_type: "refresh_token" }));
  }

  refresh(port, refresh_token) {
    const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT, refresh_token });
    return this.ask(port, "/oauth2/token", form.toString(), "application/x-www-form-urlencoded");
  }

  async findSub(port, access_token) {
    const headers = { authorization: `Bearer ${access_token}`, "x-forwarded-host": `localhost:${this.server.port}` };
    return (await (await fetch(`http://127.0.0.1:${port}/oauth2/userinfo`, { headers })).json()).sub;
  }

  isReady(port) {
    return fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status, () => 0);
  }

  /** Waits until a node's readiness has this status. */
  async waitForReadiness(port, status) {
    await waitFor(async () => (await this.isReady(port)) === status, 30_000, `/readyz with ${status} on ${port}`);
  }

  /** When a node takes a guest again, in milliseconds of `performance.now`. */
  async waitForSignUp(port) {
    await waitFor(async () => (await this.signUp(port)).status === 200, 60_000, `a sign-up on ${port}`);
    return performance.now();
  }

  /** Every guest that was acknowledged is there on every node, and its event arrived. */
  async verify({ guests, odd }, { patience = 180_000 } = {}) {
    assert.deepEqual(odd, [], "answers that are neither a guest nor 503 with Retry-After");
    const subs = [];
    for (const [number, token] of guests.entries()) {
      const port = this.ports[number % this.ports.length];
      const { status, body } = await this.refresh(port, token);
      assert.equal(status, 200, `an acknowledged guest is lost: ${body}`);
      subs.push(await this.findSub(port, JSON.parse(body).access_token));
    }
    const missing = () => subs.filter((sub) => !this.receiver.told.has(sub));
    await waitFor(() => missing().length === 0, patience, "the events of all guests").catch((error) => {
      throw new Error(`${error.message}: ${missing().length} of ${subs.length} are missing`);
    });
    return subs.length;
  }

  /** A change of settings by a command reaches every node. */
  async verifySettings() {
    const folder = path.dirname(this.server.config);
    const [open, closed] = ["project.toml", "closed.toml"].map((name) => path.join(folder, name));
    await writeFile(closed, (await readFile(open, "utf8")).replace('["login_id", "anonymous"]', '["login_id"]'));
    for (const [file, status] of [[closed, 400], [open, 200]]) {
      await this.server.command("project", "apply", file);
      for (const port of this.ports) await waitFor(async () => (await this.signUp(port)).status === status, 10_000, `changed settings on ${port}`);
    }
  }
}

/** Guests who sign up at all nodes, one after the other for each of `people`, with a pause in milliseconds, until they are told to stop. */
export class Load {
  constructor(nodes, { people = 8, pause = 10 } = {}) {
    Object.assign(this, { nodes, pause, guests: [], odd: [], refused: 0, over: false });
    this.tasks = Array.from({ length: people }, (_, number) => this.#come(nodes.ports[number % nodes.ports.length]));
  }

  async #come(port) {
    while (!this.over) {
      const { status, retry, body } = await this.nodes.signUp(port);
      if (status === 200) this.guests.push(JSON.parse(body).result.refresh_token);
      else if (status === 503 && retry !== null) this.refused += 1;
      else this.odd.push(`${status} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, this.pause));
    }
  }

  async waitFor(more) {
    const goal = this.guests.length + more;
    await waitFor(() => this.guests.length >= goal, 60_000, `${more} more sign-ups`);
  }

  async stop() {
    this.over = true;
    await Promise.all(this.tasks);
    return this;
  }
}
