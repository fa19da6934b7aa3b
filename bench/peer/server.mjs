// The peer: Better Auth with the anonymous plugin on PostgreSQL, one worker for every core, nothing switched on that it
// does not need. Usage: node server.mjs PORT POSTGRES_URL
import cluster from "node:cluster";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { anonymous } from "better-auth/plugins";
import pg from "pg";

const [port, url] = process.argv.slice(2);

const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a benchmark has nothing to hide, but the library wants 32 signs",
  database: new pg.Pool({ connectionString: url, max: 16 }),
  plugins: [anonymous()],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
};

if (cluster.isPrimary) {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  await options.database.end();
  for (let worker = 0; worker < availableParallelism(); worker++) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  const handler = toNodeHandler(betterAuth(options));
  createServer(handler).listen(Number(port), "127.0.0.1");
}
