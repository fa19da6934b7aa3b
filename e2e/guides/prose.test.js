import assert from "node:assert/strict";
import { test } from "node:test";

import { findCodes, judgeCommand, makePathsJudge, makeSettingsJudge } from "./prose.js";

test("finds what stands between backticks, over lines, outside blocks", () => {
  assert.deepEqual(findCodes("`a` and `b\nc`\n```sh\n`d`\n```\n  ```\n  `e`\n  ```\n`f`"), ["a", "b c", "f"]);
});

test("knows settings, and what is none", () => {
  const isSetting = makeSettingsJudge('[server]\nlisten = "a"\n# x = 1\n', "| `oauth.clients[].client_id` | a |\n", 'A => "server.started",');
  assert.deepEqual(["server.listen", "oauth.clients", "oauth.clients.client_id"].map(isSetting), [true, true, true]);
  assert.deepEqual(["server.lisen = 1", "oauth.clients.name", "server.x"].map(isSetting), [false, false, false]);
  assert.deepEqual(["server", "other.key", "server.rs", "server.address", "server.started"].map(isSetting), [null, null, null, null, null]);
});

test("knows paths, with parameters and below the Admin API", () => {
  const isPath = makePathsJudge("| `/oauth2/jwks` | `/_api/admin/v1/users/{user_id}` |");
  assert.deepEqual(["/oauth2/jwks", "GET /users/7", "https://auth.shop.example/oauth2/jwks", "POST /_api/admin/v1/users/{id}"].map(isPath), [true, true, true, true]);
  assert.deepEqual(["/oauth2/keys", "GET /user/7", "/api/other"].map(isPath), [false, false, false]);
  assert.deepEqual(["/etc/nginx", "/api/…", "text"].map(isPath), [null, null, null]);
});

test("knows commands and their options", async () => {
  for (const right of ["serve", "project apply FILE --prune", "restore --check FILE", "key rotate --project=shop"]) assert.equal(await judgeCommand(right), null, right);
  assert.match(await judgeCommand("project delete"), /no command "delete"/);
  assert.match(await judgeCommand("restore --prove FILE"), /no option "--prove"/);
});
