// The Node.js recipe of docs/guides/backend.md, extracted and run against a real server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { findPort, makeFolder, startServer } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";

const GUIDE = fileURLToPath(new URL("../../docs/guides/backend.md", import.meta.url));
const PAGES = "https://shop.example";
const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));

const makeProject = (application) => (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"

[authentication]
identities = ["login_id", "anonymous"]

${application.replace('client_id = "shop-web"', 'client_id = "shop-web"\nx_application_type = "spa"\nredirect_uris = ["http://localhost:3000/"]')}

# Another company's, for which the backend is not.
${application.replace('client_id = "shop-web"', 'client_id = "other-web"\nx_application_type = "spa"\nredirect_uris = ["http://localhost:3001/"]')}
`;

/** The guide's blocks of a language. */
async function readBlocks(language) {
  const text = await readFile(GUIDE, "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1]);
}

/** Writes the blocks that begin with a file's name, beside the packages they import. */
async function writeFiles(folder) {
  await mkdir(folder, { recursive: true });
  await symlink(MODULES, path.join(folder, "node_modules"));
  await writeFile(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  for (const block of await readBlocks("js")) {
    const name = block.match(/^\/\/ (\w+\.js)\n/)?.[1];
    if (name) await writeFile(path.join(folder, name), block);
  }
  // The other two files are middlewares: one goes before the check, one in front of the route.
  const server = path.join(folder, "server.js");
  const text = await readFile(server, "utf8");
  const route = 'app.get("/me"';
  assert.ok(text.includes(route));
  const check = "app.use(async (request, response, next) => {";
  assert.ok(text.includes(check));
  const guarded = text.replace(check, `app.use(allowPages);\n${check}`).replace(route, `app.use("/orders", membersOnly);\n${route}`);
  await writeFile(server, `import { allowPages } from "./cors.js";\nimport { membersOnly } from "./guests.js";\n${guarded}`);
}

describe("the backend guide", () => {
  let server, folder, backend, api;
  before(async () => {
    const [application] = await readBlocks("toml");
    server = await startServer({ makeProject: makeProject(application) });
    folder = await makeFolder();
    await writeFiles(folder.path);
    const port = await findPort();
    const environment = { ...process.env, PORT: String(port), ISSUER: `http://localhost:${server.port}` };
    backend = spawn(process.execPath, ["server.js"], { cwd: folder.path, env: environment, stdio: "inherit" });
    api = `http://127.0.0.1:${port}`;
    await waitFor(async () => (await fetch(`${api}/me`).catch(() => null))?.status === 401, 10_000);
  });
  after(async () => {
    if (backend?.exitCode === null) {
      backend.kill();
      await once(backend, "exit");
    }
    await server?.stop();
    await folder?.remove();
  });

  const ask = (path, token) => fetch(`${api}${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });

  async function signUp(client_id = "shop-web") {
    const response = await fetch(`http://localhost:${server.port}/api/anonymous_user/signup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ session_type: "refresh_token", client_id }),
    });
    return (await response.json()).result;
  }

  test("knows a guest by its token and refuses everything else with 401", async () => {
    const guest = await signUp();
    const me = await ask("/me", guest.access_token);
    assert.equal(me.status, 200);
    const caller = await me.json();
    assert.equal(caller.guest, true);
    assert.match(caller.id, /^[0-9a-f-]{36}$/);

    const form = { grant_type: "refresh_token", client_id: "shop-web", refresh_token: guest.refresh_token };
    const answer = await fetch(`http://localhost:${server.port}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
    const { id_token } = await answer.json();
    const [head, claims] = guest.access_token.split(".");
    for (const token of [undefined, "nonsense", "a.b.c", id_token, guest.refresh_token, `${head}.${claims}.AAAA`]) {
      const refused = await ask("/me", token);
      assert.equal(refused.status, 401, token);
      assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    }
  });

  test("refuses the tokens of other applications", async () => {
    const { access_token } = await signUp("other-web");
    const [, claims] = access_token.split(".");
    assert.equal(JSON.parse(Buffer.from(claims, "base64url")).client_id, "other-web");
    assert.equal((await ask("/me", access_token)).status, 401);
  });

  test("lets pages of another origin call it, and read why it refuses", async () => {
    const asked = await fetch(`${api}/me`, {
      method: "OPTIONS",
      headers: { origin: PAGES, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type" },
    });
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get("access-control-allow-origin"), PAGES);
    assert.match(asked.headers.get("access-control-allow-headers"), /authorization, content-type/);
    assert.match(asked.headers.get("access-control-allow-methods"), /POST/);
    const refused = await ask("/me");
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("access-control-allow-origin"), PAGES);
    assert.equal(refused.headers.get("access-control-expose-headers"), "WWW-Authenticate");
  });

  test("asks a guest to be promoted where only members may go", async () => {
    const { access_token } = await signUp();
    const refused = await ask("/orders", access_token);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate"), /insufficient_user_authentication/);
  });
});
