// A node that is cut off from the database for longer than any of its claims lasts, while another node goes on.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { createDatabase } from "../lib/database.js";
import { Load, startNodes } from "./load.js";

const CLAIM_MS = 120_000; // how long a node's claim of a row lasts
const MORE_MS = 15_000;

/** A way to the database that can go silent: connections stay open, and nothing comes through. */
async function startCable(url) {
  const { hostname, port } = new URL(url);
  const pairs = new Set();
  const cable = { isCut: false };
  const server = createServer((near) => {
    const far = connect(Number(port || 5432), hostname);
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("data", (data) => to.write(data)).on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    if (cable.isCut) pair.forEach((socket) => socket.pause());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const leading = new URL(url);
  leading.hostname = "127.0.0.1";
  leading.port = String(server.address().port);
  return Object.assign(cable, {
    url: leading.href,
    cut() {
      cable.isCut = true;
      pairs.forEach((pair) => pair.forEach((socket) => socket.pause()));
    },
    heal() {
      cable.isCut = false;
      pairs.forEach((pair) => pair.forEach((socket) => socket.resume()));
    },
    stop() {
      pairs.forEach((pair) => pair.forEach((socket) => socket.destroy()));
      server.close();
    },
  });
}

describe("a node that is cut off from the database", () => {
  let database, cable, nodes;
  before(async () => {
    database = await createDatabase();
    cable = await startCable(database.url);
    nodes = await startNodes({ store: database.url, second: cable.url });
  });
  after(async () => {
    await nodes?.stop();
    cable?.stop();
    await database?.drop();
  });

  test("says so, loses nothing that it had claimed, and is of use again", async () => {
    const [here, there] = nodes.ports;
    const load = new Load(nodes, { people: 4, pause: 50 });
    await load.waitFor(100);
    cable.cut();
    await nodes.waitForReadiness(there, 503);
    const refused = await nodes.signUp(there);
    assert.equal(refused.status, 503, refused.body);
    assert.ok(refused.retry !== null);
    assert.equal(await nodes.isReady(here), 200);
    // Not a pause for something to happen, but the length of the cut.
    await new Promise((resolve) => setTimeout(resolve, CLAIM_MS + MORE_MS));
    cable.heal();
    await nodes.waitForSignUp(there);
    await nodes.waitForReadiness(there, 200);
    await load.waitFor(50);
    await load.stop();
    await nodes.verifySettings();
    const count = await nodes.verify(load);
    const twice = [...nodes.receiver.told.values()].filter((times) => times > 1).length;
    console.log(`cut off: ${count} acknowledged guests, none lost; ${twice} events came more than once`);
  });
});
