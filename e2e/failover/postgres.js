// PostgreSQL servers of a test's own, on disk and with fsync: a primary, standbys that stream from it, and what happens to them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";

import { findPort, makeFolder } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";

const USER = "vestibule";
const IS_ROOT = process.getuid() === 0;

/** Where PostgreSQL's server programs are: beside `psql`, or where Debian has them. */
export async function findPrograms() {
  const versions = await readdir("/usr/lib/postgresql").catch(() => []);
  const folders = versions.sort((a, b) => Number(b) - Number(a)).map((version) => `/usr/lib/postgresql/${version}/bin`);
  for (const folder of [path.dirname(process.env.PSQL ?? "/nowhere/psql"), ...folders, ...process.env.PATH.split(":")]) {
    if (await access(path.join(folder, "initdb")).then(() => true, () => false)) return folder;
  }
  throw new Error("PostgreSQL's server programs are missing: run ./test, which installs them");
}

/** Runs a program to its end, as a user that PostgreSQL accepts; answers what it printed. */
export async function runAsPostgres(program, args, { input = "", environment = {} } = {}) {
  const [command, ...rest] = IS_ROOT ? ["runuser", "-u", "postgres", "--", program, ...args] : [program, ...args];
  const child = spawn(command, rest, { cwd: "/", env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (errors += data));
  child.stdin.end(input);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${output}${errors}`);
  return output.trim();
}

/** A folder that PostgreSQL's user owns. */
export async function makePostgresFolder() {
  const folder = await makeFolder();
  await chmod(folder.path, 0o755);
  const inner = path.join(folder.path, "postgres");
  await mkdir(inner);
  if (IS_ROOT) await once(spawn("chown", ["postgres", inner]), "exit");
  return { path: inner, remove: folder.remove };
}

export class Postgres {
  constructor(data, port, programs, host = "127.0.0.1") {
    Object.assign(this, { data, port, programs, host });
  }

  program = (name) => path.join(this.programs, name);
  url = (database) => `postgres://${USER}@${this.host}:${this.port}/${database}`;

  /** Makes and starts a primary. */
  async create() {
    const flags = ["-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"];
    await runAsPostgres(this.program("initdb"), ["-D", this.data, ...flags]);
    await this.start();
  }

  async start() {
    const settings = {
      listen_addresses: this.host,
      unix_socket_directories: "",
      wal_level: "replica",
      max_wal_senders: "5",
      wal_keep_size: "512MB",
      wal_log_hints: "on",
      max_connections: "100",
    };
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
    const flags = ["-D", this.data, "-l", `${this.data}.log`, "-w", "-o", `-p ${this.port} ${options.join(" ")}`];
    // pg_ctl's children keep its output open.
    const [command, ...rest] = [...(IS_ROOT ? ["runuser", "-u", "postgres", "--"] : []), this.program("pg_ctl"), ...flags, "start"];
    const [code] = await once(spawn(command, rest, { cwd: "/", stdio: "ignore" }), "exit");
    if (code !== 0) throw new Error(`PostgreSQL does not start: ${await readFile(`${this.data}.log`, "utf8")}`);
  }

  /** A standby that streams from this server; from then on a commit here that returns is on the standby. */
  async makeStandby(folder, name) {
    const standby = new Postgres(path.join(folder, name), await findPort(), this.programs);
    await standby.follow(this);
    return standby;
  }

  /** Copies the primary's data and streams from it. */
  async follow(primary) {
    await rm(this.data, { recursive: true, force: true });
    const from = `${primary.url("postgres")}?application_name=standby`;
    await runAsPostgres(this.program("pg_basebackup"), ["-D", this.data, "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
    await this.start();
    // After the copy, so that the standby waits for none when it is promoted.
    await primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await primary.ask("SELECT pg_reload_conf()");
    const count = () => primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'");
    await waitFor(async () => (await count()) === "1", 20_000, "a synchronous standby");
  }

  ask(sql, database = "postgres") {
    return runAsPostgres(this.program("psql"), ["--no-psqlrc", "-qAt", "--set=ON_ERROR_STOP=1", "-c", sql, this.url(database)]);
  }

  /** SIGKILL to the postmaster; its children end when they notice. */
  async kill() {
    const pid = Number((await readFile(path.join(this.data, "postmaster.pid"), "utf8")).split("\n")[0]);
    process.kill(pid, "SIGKILL");
  }

  /** Every process of it stands still: connections stay open, new ones are made by the kernel, and nothing answers. */
  async freeze() {
    const pids = await this.#pids();
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    this.frozen = pids;
  }

  /** The machine that stood still is switched off. */
  async killFrozen() {
    for (const pid of [...(this.frozen ?? [])].reverse()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It is gone.
      }
    }
    this.frozen = undefined;
  }

  async #pids() {
    const postmaster = (await readFile(path.join(this.data, "postmaster.pid"), "utf8")).split("\n")[0];
    const children = await runAsPostgres("ps", ["-o", "pid=", "--ppid", postmaster]);
    return [postmaster, ...children.split("\n")].map((pid) => Number(pid.trim())).filter(Boolean);
  }

  stop(mode = "fast") {
    return runAsPostgres(this.program("pg_ctl"), ["-D", this.data, "-m", mode, "-w", "stop"]);
  }

  /** Makes a standby the primary; answers when it took the first write. */
  async promote() {
    await this.ask("SELECT pg_promote()");
    await waitFor(() => this.ask("CREATE TABLE IF NOT EXISTS promoted (at int); SELECT true").catch(() => null), 20_000, "a promoted standby");
    return performance.now();
  }
}
