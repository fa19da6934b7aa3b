// A PostgreSQL database of this run's own, on the server that VESTIBULE_TEST_POSTGRES names (`./test` starts one).

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export async function createDatabase() {
  const server = process.env.VESTIBULE_TEST_POSTGRES;
  if (!server) throw new Error("VESTIBULE_TEST_POSTGRES is not set: run ./test, or point it at a PostgreSQL server for tests");
  const name = `vestibule_e2e_${process.pid}_${Date.now()}`;
  const psql = (sql, at = server) =>
    run(process.env.PSQL ?? "psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", `--command=${sql}`, at]);
  await psql(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, execute: (sql) => psql(sql, url.href), drop: () => psql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
