// The house under test: starts the real binary, waits until it answers, and can kill and restart it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { waitFor } from "./wait.js";

const BINARY = process.env.VESTIBULE_BINARY ?? fileURLToPath(new URL("../../target/debug/vestibule", import.meta.url));
const START_TIMEOUT_MS = 20_000;

/** A port the system says is free; with `pair`, the one after it is free too. */
export async function findPort({ pair = false } = {}) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = await tryPort(0);
    if (port !== null && (!pair || (await tryPort(port + 1)) !== null)) return port;
  }
  throw new Error("the system has no free ports");
}

function tryPort(wanted) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(null));
    probe.listen(wanted, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** A folder that is gone when the process ends its test. */
export async function makeFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), "vestibule-e2e-"));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** One process of the binary, with the output it has written so far. */
class Process {
  constructor(args, environment, address, binary = BINARY) {
    Object.assign(this, { args, environment, address, binary });
  }

  async start() {
    this.output = "";
    this.child = spawn(this.binary, this.args, { env: { ...process.env, ...this.environment }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (data) => (this.output += data));
    this.ended = once(this.child, "exit");
    this.child.on("error", (error) => (this.output += `${error.message}: build it first (cargo build)\n`));
    try {
      await waitFor(() => this.#isReady(), START_TIMEOUT_MS);
    } catch (error) {
      await this.kill();
      throw new Error(`vestibule ${this.args[0]} did not start: ${error.message}\n${this.output}`);
    }
    return this;
  }

  async #isReady() {
    if (this.child.pid === undefined || this.child.exitCode !== null) throw new Error("it ended at once");
    try {
      return (await fetch(`http://${this.address}/readyz`)).ok;
    } catch {
      return false; // nobody listens yet
    }
  }

  /** The way power goes: no goodbye, no clean-up. */
  async kill() {
    if (this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async restart() {
    await this.kill();
    await this.start();
  }

  /** The way an operator replaces the binary: a signal, the end, another binary. */
  async replace(binary) {
    this.child.kill("SIGTERM");
    const [code] = await this.ended;
    if (code !== 0) throw new Error(`vestibule ended with ${code}:\n${this.output}`);
    this.binary = binary;
    await this.start();
  }
}

/** `vestibule demo`: the identity server, the shop beside it and the mailbox page. */
export async function startDemo({ smtp } = {}) {
  const folder = await makeFolder();
  const port = await findPort({ pair: true });
  const args = ["demo", "--data", path.join(folder.path, "data"), "--port", String(port)];
  if (smtp) args.push("--smtp", smtp);
  const server = await new Process(args, {}, `127.0.0.1:${port}`).start();
  return {
    issuer: `http://localhost:${port}`,
    shop: `http://localhost:${port + 1}`,
    mailbox: `http://localhost:${port + 1}/mailbox`,
    server,
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

/** `vestibule serve` with one project, set up from files as an operator does it. */
export async function startServer({ store, smtpPort = 9, makeProject, configure = () => "", serverSettings = "", storeSettings = "", binary = BINARY, port: wanted }) {
  const folder = await makeFolder();
  const port = wanted ?? (await findPort());
  const files = { config: path.join(folder.path, "vestibule.toml"), project: path.join(folder.path, "project.toml") };
  const url = store ?? `sqlite:${path.join(folder.path, "vestibule.db")}`;
  const describe = (port, url) => `[server]
listen = "127.0.0.1:${port}"
${serverSettings}

[store]
url = ${JSON.stringify(url)}
${storeSettings}

[secrets]
master_key = "${"5a".repeat(32)}"

[smtp]
host = "127.0.0.1"
port = ${smtpPort}
security = "none"
from = "Shop <hello@shop.example>"
${configure(port)}`;
  await writeFile(files.config, describe(port, url));
  await writeFile(files.project, makeProject(port));
  await run(["project", "apply", "--config", files.config, files.project], binary);
  const server = await new Process(["serve", "--config", files.config], {}, `127.0.0.1:${port}`, binary).start();
  return {
    port,
    server,
    config: files.config,
    /** Another node on the same store, or on the way to it that `at` names; it serves the same project. */
    async startNode(at = url, binary = server.binary) {
      const port = await findPort();
      const config = path.join(folder.path, `node-${port}.toml`);
      await writeFile(config, describe(port, at));
      return { port, server: await new Process(["serve", "--config", config], {}, `127.0.0.1:${port}`, binary).start() };
    },
    /** A command of the binary on this server's data; answers what it says. */
    command: (...args) => run([...args, "--config", files.config], server.binary),
    /** The same for a command that reads this from its standard input. */
    feed: (input, ...args) => run([...args, "--config", files.config], server.binary, input),
    async stop() {
      await server.kill();
      await folder.remove();
    },
  };
}

async function run(args, binary, input = "") {
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`vestibule ${args.join(" ")} failed with ${code}:\n${output}`);
  return output;
}
