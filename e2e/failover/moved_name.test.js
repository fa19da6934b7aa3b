// `store.url` has one name, which leads to the primary: after a failover it leads to another address. The name is that of a library
// that is preloaded into the nodes (LD_PRELOAD).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { findPort, makeFolder } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";
import { Load, startNodes } from "./load.js";
import { findPrograms, makePostgresFolder, Postgres } from "./postgres.js";

const NAME = "database.shop.test";
const GRACE_MS = 5_000; // what docs/guides/scale.md promises, from the first write of the new primary
const SOURCE = fileURLToPath(new URL("../../crates/server/tests/it/moved_name/names.c", import.meta.url));

/** Compiles the library, and preloads it into what this process starts from now on. */
async function makeNames() {
  const folder = await makeFolder();
  const [library, file] = [path.join(folder.path, "names.so"), path.join(folder.path, "addresses")];
  const [code] = await once(spawn(process.env.CC ?? "cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], { stdio: "inherit" }), "exit");
  assert.equal(code, 0, "the library is compiled");
  Object.assign(process.env, { LD_PRELOAD: library, NAMES_HOST: NAME, NAMES_FILE: file });
  return {
    async leadTo(address) {
      await writeFile(`${file}.new`, `${address}\n`);
      await rename(`${file}.new`, file);
    },
    async remove() {
      delete process.env.LD_PRELOAD;
      await folder.remove();
    },
  };
}

describe("a name that leads to the new primary after a failover", () => {
  let folder, first, second, names;
  before(async () => {
    folder = await makePostgresFolder();
    const [port, programs] = [await findPort(), await findPrograms()];
    first = new Postgres(`${folder.path}/first`, port, programs, "127.0.0.2");
    second = new Postgres(`${folder.path}/second`, port, programs, "127.0.0.3");
    await first.create();
    await second.follow(first);
    names = await makeNames();
  });
  after(async () => {
    await Promise.allSettled([first?.stop("immediate"), second?.stop("immediate")]);
    await names?.remove();
    await folder?.remove();
  });

  test("loses no acknowledged guest, and nodes write within five seconds", async () => {
    await first.ask("CREATE DATABASE moved");
    await names.leadTo(first.host);
    const nodes = await startNodes({ store: `postgres://vestibule@${NAME}:${first.port}/moved` });
    const countListeners = () => second.ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = 'moved'");
    try {
      const load = new Load(nodes);
      await load.waitFor(200);
      await first.kill();
      for (const port of nodes.ports) await nodes.waitForReadiness(port, 503);
      const promoted = await second.promote();
      await names.leadTo(second.host);
      const back = await Promise.all(nodes.ports.map((port) => nodes.waitForSignUp(port)));
      const waited = back.map((time) => Math.round(time - promoted));
      console.log(`moved name: sign-ups again ${waited.join(" and ")} ms after the new primary took a write`);
      for (const milliseconds of waited) assert.ok(milliseconds <= GRACE_MS, `${milliseconds} ms`);
      for (const port of nodes.ports) await nodes.waitForReadiness(port, 200);
      await load.waitFor(200);
      await load.stop();
      await waitFor(async () => (await countListeners()) === "2", 30_000, "both nodes listen at the new primary");
      await nodes.verifySettings();
      console.log(`moved name: ${await nodes.verify(load)} acknowledged guests, none lost`);
    } finally {
      await nodes.stop();
    }
  });
});
