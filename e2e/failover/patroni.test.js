// Patroni with etcd, both from Debian: it promotes the synchronous standby by itself, while guests sign up at two nodes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { findPort } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";
import { Load, startNodes } from "./load.js";
import { findPrograms, makePostgresFolder, runAsPostgres } from "./postgres.js";

const IS_ROOT = process.getuid() === 0;
const GRACE_MS = 5_000;

async function isInstalled(program) {
  const folders = process.env.PATH.split(":");
  const found = await Promise.all(folders.map((folder) => access(`${folder}/${program}`).then(() => true, () => false)));
  return found.includes(true);
}

const missing = (await Promise.all(["patroni", "etcd"].map(isInstalled))).includes(false);

/** A process of PostgreSQL's user, with those that it starts. */
function startAsPostgres(program, args) {
  const [command, ...rest] = IS_ROOT ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", program, ...args] : [program, ...args];
  const running = { output: "", child: spawn(command, rest, { cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] }) };
  for (const stream of [running.child.stdout, running.child.stderr]) stream.on("data", (data) => (running.output += data));
  running.kill = async () => {
    if (running.child.exitCode !== null || running.child.signalCode !== null) return;
    const ended = once(running.child, "exit");
    process.kill(-running.child.pid, "SIGKILL");
    await ended;
  };
  return running;
}

const describeMember = ({ name, folder, programs, etcd, rest, port }) => `
scope: shop
name: ${name}
restapi: { listen: "127.0.0.1:${rest}", connect_address: "127.0.0.1:${rest}" }
etcd3: { hosts: "127.0.0.1:${etcd}" }
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 5
    master_start_timeout: 0
    synchronous_mode: true
    postgresql: { use_pg_rewind: true, parameters: { max_connections: 100, wal_log_hints: "on", wal_keep_size: "512MB" } }
  initdb: [{ encoding: UTF8 }, { locale: C }, { auth: trust }, { username: vestibule }]
  pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
postgresql:
  listen: "127.0.0.1:${port}"
  connect_address: "127.0.0.1:${port}"
  data_dir: "${folder}/${name}"
  bin_dir: "${programs}"
  pgpass: "${folder}/${name}.pgpass"
  parameters: { unix_socket_directories: "${folder}" }
  authentication:
    superuser: { username: vestibule, password: vestibule }
    replication: { username: replicator, password: replicator }
    rewind: { username: vestibule, password: vestibule }
`;

class Member {
  constructor(settings) {
    Object.assign(this, settings);
  }

  async start() {
    const file = `${this.folder}/${this.name}.yml`;
    await writeFile(file, describeMember(this));
    await chmod(file, 0o644);
    this.process = startAsPostgres("patroni", [file]);
  }

  async read() {
    const response = await fetch(`http://127.0.0.1:${this.rest}/patroni`).catch(() => null);
    return response ? response.json() : {};
  }

  /** Whether Patroni may promote the other member: the state that it keeps in etcd says so, and not only PostgreSQL. */
  async hasStandby(other) {
    const response = await fetch(`http://127.0.0.1:${this.rest}/cluster`).catch(() => null);
    const { members = [] } = response ? await response.json() : {};
    return members.some(({ name, role }) => name === other.name && role === "sync_standby");
  }

  isPrimary = async () => ["master", "primary"].includes((await this.read()).role);

  /** SIGKILL to Patroni and to PostgreSQL: the machine is gone. */
  async kill() {
    if (!this.process) return;
    const pid = await runAsPostgres("head", ["-n", "1", `${this.folder}/${this.name}/postmaster.pid`]).catch(() => null);
    await this.process.kill();
    this.process = null;
    if (pid !== null) process.kill(Number(pid), "SIGKILL");
  }

  ask(sql, database = "postgres") {
    const url = `postgres://vestibule@127.0.0.1:${this.port}/${database}`;
    return runAsPostgres(`${this.programs}/psql`, ["--no-psqlrc", "-qAt", "--set=ON_ERROR_STOP=1", "-c", sql, url]);
  }
}

describe("a standby that Patroni promotes", { skip: missing && "patroni and etcd-server are not installed (Debian has both)" }, () => {
  let folder, etcd, members;
  before(async () => {
    folder = await makePostgresFolder();
    const [client, peer] = [await findPort(), await findPort()];
    const urls = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    etcd = startAsPostgres("etcd", [
      ["--data-dir", `${folder.path}/etcd`, "--listen-client-urls", urls[0], "--advertise-client-urls", urls[0]],
      ["--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1], "--initial-cluster", `default=${urls[1]}`],
    ].flat());
    const programs = await findPrograms();
    members = [];
    for (const name of ["one", "two"]) {
      members.push(new Member({ name, folder: folder.path, programs, etcd: client, rest: await findPort(), port: await findPort() }));
    }
    const [one, two] = members;
    await one.start();
    await waitFor(one.isPrimary, 60_000, "the first member").catch((error) => {
      throw new Error(`${error.message}\n${one.process.output}\n${etcd.output}`);
    });
    await two.start();
    await waitFor(() => one.hasStandby(two), 60_000, "a synchronous standby").catch((error) => {
      throw new Error(`${error.message}\n${two.process.output}`);
    });
    await one.ask("CREATE DATABASE shop");
  });
  after(async () => {
    for (const member of members ?? []) await member.kill();
    await etcd?.kill();
    await folder?.remove();
  });

  test("loses no acknowledged guest: a switchover, and the death of the leader", async () => {
    const [one, two] = members;
    const store = `postgres://vestibule@127.0.0.1:${one.port},127.0.0.1:${two.port}/shop?target_session_attrs=read-write`;
    const nodes = await startNodes({ store });
    try {
      const load = new Load(nodes);
      await load.waitFor(200);
      await switchOver(one, two);
      await verifyReturn(nodes, two, "switchover");
      await load.waitFor(200);
      await waitFor(() => two.hasStandby(one), 60_000, "the old leader is a synchronous standby");
      await load.waitFor(100);
      const begin = performance.now();
      await two.kill();
      await verifyReturn(nodes, one, "the leader died", begin);
      await load.waitFor(200);
      await load.stop();
      await nodes.verifySettings();
      console.log(`Patroni: ${await nodes.verify(load)} acknowledged guests, none lost; ${load.refused} answers with 503`);
    } finally {
      await nodes.stop();
    }
  });
});

async function switchOver(from, to) {
  const body = JSON.stringify({ leader: from.name, candidate: to.name });
  const answer = await fetch(`http://127.0.0.1:${from.rest}/switchover`, { method: "POST", body, headers: { "content-type": "application/json" } });
  assert.equal(answer.status, 200, await answer.text());
}

/** Both nodes take guests within the promised time after the new leader takes a write. */
async function verifyReturn(nodes, leader, what, begin) {
  await waitFor(leader.isPrimary, 90_000, `${leader.name} leads`);
  // A temporary table waits for no standby, which the leader may still be without.
  await waitFor(() => leader.ask("CREATE TEMPORARY TABLE probe (at int); SELECT true").catch(() => null), 30_000, "a write");
  const writable = performance.now();
  const back = await Promise.all(nodes.ports.map((port) => nodes.waitForSignUp(port)));
  const waited = back.map((time) => Math.round(time - writable));
  const detected = begin === undefined ? "" : ` (Patroni took ${Math.round((writable - begin) / 1000)} s)`;
  console.log(`${what}: sign-ups again ${waited.join(" and ")} ms after the new leader took a write${detected}`);
  for (const milliseconds of waited) assert.ok(milliseconds <= GRACE_MS, `${milliseconds} ms`);
  for (const port of nodes.ports) await nodes.waitForReadiness(port, 200);
}
