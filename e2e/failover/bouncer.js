// A real pgbouncer in transaction mode, which can be pointed to another server while it runs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";

import { findPort } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";

/** Starts one in front of the PostgreSQL server at this port; all clients share this many connections. */
export async function startBouncer(parent, server, poolSize) {
  const port = await findPort();
  const folder = path.join(parent, `bouncer-${port}`);
  const file = path.join(folder, "pgbouncer.ini");
  await mkdir(folder);
  await chmod(folder, 0o755);
  const describe = (server) => writeFile(file, `[databases]
* = host=127.0.0.1 port=${server} user=vestibule
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
server_login_retry = 1
`);
  await describe(server);
  const user = process.getuid() === 0 ? ["-u", "postgres"] : [];
  const child = spawn("pgbouncer", ["-q", ...user, file], { stdio: "ignore" });
  const listens = () =>
    new Promise((resolve) => {
      const probe = connect(port, "127.0.0.1", () => resolve(true));
      probe.on("error", () => resolve(false)).on("connect", () => probe.destroy());
    });
  await waitFor(listens, 10_000, "pgbouncer");
  return {
    port,
    /** What an operator does after a failover: the new address, and a reload. */
    async pointTo(server) {
      await describe(server);
      child.kill("SIGHUP");
    },
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
