// What the checks share: processes, folders, a server with a project, and people of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { makeFolder, startServer } from "../../lib/server.js";
import { waitFor } from "../../lib/wait.js";
import { ROOT } from "../pages.js";

export const BINARY = process.env.VESTIBULE_BINARY ?? path.join(ROOT, "target/debug/vestibule");
const HARNESS = fileURLToPath(new URL("../harness/", import.meta.url));

/** A file beside the checks that runs a block. */
export const harness = (name) => path.join(HARNESS, name);

/** Where a program is, or `null`. */
export async function find(program) {
  for (const folder of [...process.env.PATH.split(":"), "/usr/sbin"]) {
    const file = path.join(folder, program);
    if (await access(file, constants.X_OK).then(() => true, () => false)) return file;
  }
  return null;
}

/** Runs a program to its end and answers what it printed; another end than the expected one is an error. */
export async function run(program, args, { input = "", status = 0, ...options } = {}) {
  const child = spawn(program, args, { ...options, env: { ...process.env, ...options.env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== status) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  return { stdout, stderr };
}

/** Starts a program that goes on; `output` is what it has printed so far. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options, env: { ...process.env, ...options.env } });
  const running = { output: "", child };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (running.output += data));
  child.on("error", (error) => (running.output += error.message));
  running.stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return running;
}

/** Does something in a folder that is gone afterwards. */
export async function inFolder(action) {
  const folder = await makeFolder();
  try {
    return await action(folder.path);
  } finally {
    await folder.remove();
  }
}

/** Replaces what must be there. */
export function replace(text, from, to) {
  if (!text.includes(from)) throw new Error(`"${from}" is not in the block:\n${text}`);
  return text.replaceAll(from, to);
}

/** A Python of its own with these packages, kept below `target/`. */
export async function python(name, packages) {
  const folder = path.join(ROOT, "target/guides", name);
  const program = path.join(folder, "bin/python");
  if (!(await find("python3"))) return null;
  await run("python3", ["-m", "venv", folder]);
  await run(program, ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", ...packages]);
  return program;
}

/** A server with the project "shop" and a key of the Admin API; `action` gets both, and helpers. */
export async function withShop({ clients, sections = "", configure }, action) {
  const makeProject = (port) => `[project]
id = "shop"
public_origin = "http://localhost:${port}"
[authentication]
identities = ["login_id", "anonymous"]
${sections}
${clients}`;
  const server = await startServer({ makeProject, configure });
  try {
    const scopes = "settings:read,settings:write,users:read,users:write,events:read,statistics:read";
    const created = await server.command("admin", "key", "create", "--project", "shop", "--name", "guides", "--scopes", scopes);
    return await action(new Shop(server, /vak_\w+/.exec(created)[0]));
  } finally {
    await server.stop();
  }
}

class Shop {
  constructor(server, key) {
    Object.assign(this, { server, key, origin: `http://localhost:${server.port}`, members: 0 });
  }

  async #ask(url, body, headers) {
    const response = await fetch(`${this.origin}${url}`, { method: "POST", body, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  async signUp(client_id) {
    const body = JSON.stringify({ client_id, session_type: "refresh_token" });
    return (await this.#ask("/api/anonymous_user/signup", body, { "content-type": "application/json" })).result;
  }

  refresh(client_id, refresh_token) {
    return this.#ask("/oauth2/token", new URLSearchParams({ grant_type: "refresh_token", client_id, refresh_token }));
  }

  manage(url, body) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.key}` };
    return this.#ask(`/_api/admin/v1${url}`, JSON.stringify(body), headers);
  }

  async findSub(access_token) {
    const response = await fetch(`${this.origin}/oauth2/userinfo`, { headers: { authorization: `Bearer ${access_token}` } });
    return (await response.json()).sub;
  }

  async list(url) {
    const response = await fetch(`${this.origin}/_api/admin/v1${url}`, { headers: { authorization: `Bearer ${this.key}` } });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** A guest that an operator made a member: its new tokens, and its `sub`. */
  async signUpMember(client_id) {
    const guest = await this.signUp(client_id);
    const sub = await this.findSub(guest.access_token);
    this.members += 1;
    const login_id = { type: "email", value: `member-${this.members}@shop.example`, is_verified: true };
    await this.manage(`/users/${sub}/promote`, { login_id });
    return { sub, ...(await this.refresh(client_id, guest.refresh_token)) };
  }
}

/** Writes a file and answers its path. */
export async function write(folder, name, text) {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}

export { waitFor, path, ROOT };
