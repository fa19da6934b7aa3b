// A primary with a synchronous standby that streams from it. The primary is killed, or stopped, while guests sign up at two nodes; the
// standby is promoted by hand. `store.url` names both.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { waitFor } from "../lib/wait.js";
import { startBouncer } from "./bouncer.js";
import { Load, startNodes } from "./load.js";
import { findPrograms, makePostgresFolder, Postgres } from "./postgres.js";
import { findPort } from "../lib/server.js";

const SILENCE_MS = 15_000; // after which a session that does not answer is dropped
const GRACE_MS = 5_000; // what docs/guides/scale.md promises, from the first write of the new primary

/** Both nodes take guests within the promised time, and are ready. */
async function verifyReturn(nodes, promoted, what) {
  const back = await Promise.all(nodes.ports.map((port) => nodes.waitForSignUp(port)));
  const waited = back.map((time) => Math.round(time - promoted));
  console.log(`${what}: sign-ups again ${waited.join(" and ")} ms after the new primary took a write`);
  for (const milliseconds of waited) assert.ok(milliseconds <= GRACE_MS, `${milliseconds} ms`);
  for (const port of nodes.ports) await nodes.waitForReadiness(port, 200);
}

describe("a standby that is promoted by hand", () => {
  let folder, first, second;
  before(async () => {
    folder = await makePostgresFolder();
    first = new Postgres(`${folder.path}/first`, await findPort(), await findPrograms());
    await first.create();
    second = await first.makeStandby(folder.path, "second");
  });
  after(async () => {
    await Promise.allSettled([first?.stop("immediate"), second?.stop("immediate")]);
    await folder?.remove();
  });
  const makeUrl = (database) => `postgres://vestibule@127.0.0.1:${first.port},127.0.0.1:${second.port}/${database}?target_session_attrs=read-write`;
  const countListeners = (server, database) =>
    server.ask(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = '${database}'`);

  test("loses no acknowledged guest when the primary is killed, and is found within five seconds", async () => {
    await first.ask("CREATE DATABASE killed");
    const nodes = await startNodes({ store: makeUrl("killed") });
    try {
      await waitFor(async () => (await countListeners(first, "killed")) === "2", 10_000, "both nodes listen");
      const load = new Load(nodes);
      await load.waitFor(200);
      await first.kill();
      // Nodes say so while there is no primary.
      for (const port of nodes.ports) await nodes.waitForReadiness(port, 503);
      assert.ok(load.refused > 0, "guests are told to come back");
      await verifyReturn(nodes, await second.promote(), "killed");
      await load.waitFor(200);
      await load.stop();
      await waitFor(async () => (await countListeners(second, "killed")) === "2", 10_000, "both nodes listen at the new primary");
      await nodes.verifySettings();
      const count = await nodes.verify(load);
      console.log(`killed: ${count} acknowledged guests, none lost; ${load.refused} answers with 503`);
    } finally {
      await nodes.stop();
    }
  });

  test("the same when the server that was promoted is stopped, and the first one is promoted again", async () => {
    await first.follow(second);
    await second.ask("CREATE DATABASE stopped");
    const nodes = await startNodes({ store: makeUrl("stopped") });
    try {
      const load = new Load(nodes);
      await load.waitFor(200);
      await second.stop("fast");
      await verifyReturn(nodes, await first.promote(), "stopped");
      await load.waitFor(200);
      // The old primary is there again, as a standby: it answers, and takes no writes.
      await second.follow(first);
      await load.waitFor(200);
      await load.stop();
      await nodes.verifySettings();
      console.log(`stopped: ${await nodes.verify(load)} acknowledged guests, none lost`);
    } finally {
      await nodes.stop();
    }
  });

  test("the same when the primary stands still: its connections stay open, and nothing answers", async () => {
    await first.ask("CREATE DATABASE frozen");
    const nodes = await startNodes({ store: makeUrl("frozen") });
    try {
      await waitFor(async () => (await countListeners(first, "frozen")) === "2", 10_000, "both nodes listen");
      const load = new Load(nodes);
      await load.waitFor(200);
      await first.freeze();
      const noticed = performance.now() + SILENCE_MS;
      for (const port of nodes.ports) await nodes.waitForReadiness(port, 503);
      const promoted = await second.promote();
      await verifyReturn(nodes, Math.max(promoted, noticed), "standing still");
      await load.waitFor(200);
      await load.stop();
      await waitFor(async () => (await countListeners(second, "frozen")) === "2", 60_000, "both nodes listen at the new primary");
      await nodes.verifySettings();
      console.log(`standing still: ${await nodes.verify(load)} acknowledged guests, none lost`);
    } finally {
      await nodes.stop();
      await first.killFrozen();
    }
  });

  test("the same by way of pgbouncer, which is pointed to the new primary", async () => {
    // The first server stood still, and is gone.
    await first.follow(second);
    const bouncer = await startBouncer(folder.path, second.port, 4);
    await second.ask("CREATE DATABASE pooled");
    const store = `postgres://vestibule@127.0.0.1:${bouncer.port}/pooled`;
    const nodes = await startNodes({ store, storeSettings: `pooler = "transaction"\nlisten_url = "${makeUrl("pooled")}"` });
    try {
      const load = new Load(nodes);
      await load.waitFor(200);
      await second.kill();
      for (const port of nodes.ports) await nodes.waitForReadiness(port, 503);
      await first.promote();
      await bouncer.pointTo(first.port);
      await verifyReturn(nodes, performance.now(), "pgbouncer");
      await load.waitFor(200);
      await load.stop();
      await nodes.verifySettings();
      console.log(`pgbouncer: ${await nodes.verify(load)} acknowledged guests, none lost`);
    } finally {
      await nodes.stop();
      await bouncer.stop();
    }
  });
});
