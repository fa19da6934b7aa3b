// What an operator types beside PostgreSQL, in a scratch database of the tests' server.

import assert from "node:assert/strict";

import { createDatabase } from "../../lib/database.js";
import { inFolder, path, run } from "./tools.js";

const MISSING = "VESTIBULE_TEST_POSTGRES is not set (./test starts a server)";

async function runPostgres([dump, settings]) {
  if (!process.env.VESTIBULE_TEST_POSTGRES) return MISSING;
  const database = await createDatabase();
  const psql = process.env.PSQL ?? "psql";
  const ask = async (sql) => (await run(psql, ["--no-psqlrc", "-qAt", "--set=ON_ERROR_STOP=1", "-c", sql, database.url])).stdout.trim();
  const role = `vestibule_guide_${process.pid}`;
  try {
    await database.execute("CREATE TABLE kept AS SELECT 42 AS answer");
    const script = `set -euo pipefail\nPATH="${path.dirname(psql)}:$PATH"\n${dump.code}`;
    await inFolder((folder) => run("bash", ["-c", script], { cwd: folder, env: { URL: database.url } }));
    assert.equal(await ask("SELECT answer FROM kept"), "42");
    // A role of this run's own: the server's others are not changed.
    await database.execute(`CREATE ROLE ${role}`);
    await database.execute(settings.code.replaceAll("ROLE vestibule", `ROLE ${role}`));
    const set = await ask(`SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting JOIN pg_roles ON oid = setrole WHERE rolname = '${role}'`);
    assert.equal(set, "statement_timeout=10s enable_seqscan=off");
  } finally {
    await database.execute(`DROP ROLE IF EXISTS ${role}`);
    await database.drop();
  }
}

export const POSTGRES_CHECKS = { postgres: { level: "quick", run: runPostgres } };
