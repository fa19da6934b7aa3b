// Receivers of webhooks, run as printed: each gets real deliveries of a real server, and requests that it must refuse.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { symlink } from "node:fs/promises";

import { findPort } from "../../lib/server.js";
import { paste } from "./api.js";
import { find, inFolder, path, replace, ROOT, run, start, waitFor, withShop, write } from "./tools.js";

const PORT = "8080";

const describe = (url, blocking = "") => ({
  clients: `
[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
`,
  sections: `[[hook.non_blocking_handlers]]\nurl = "${url}"\n${blocking}`,
  configure: () => "\n[hooks]\nallow_private_addresses = true\n",
});

/** The guide's commands for a secret: the same server's, in both spellings. */
async function makeSecret(shop, { code }) {
  const { stdout } = await paste(shop, code);
  return JSON.parse(stdout);
}

/** Runs a receiver beside a server: it takes deliveries, and refuses what is not signed. */
async function receive(secretBlock, { code }, launch) {
  const port = await findPort();
  const address = `http://127.0.0.1:${port}/`;
  await withShop(describe(address), async (shop) => {
    const { secret } = await makeSecret(shop, secretBlock);
    await inFolder(async (folder) => {
      const receiver = await launch(folder, replace(code, PORT, String(port)), { WEBHOOK_SECRET: secret });
      try {
        await waitFor(() => fetch(address, { method: "POST" }).then(() => true, () => false), 30_000, `a receiver\n${receiver.output}`);
        const guest = await shop.signUp("shop-web");
        const sub = await shop.findSub(guest.access_token);
        await waitFor(() => receiver.output.includes("user.created"), 15_000, `the event\n${receiver.output}`);
        const member = await shop.signUpMember("shop-web");
        await waitFor(() => receiver.output.includes("user.anonymous.promoted"), 15_000, `the event\n${receiver.output}`);
        assert.ok(member.sub !== sub);
        const signatures = [undefined, "", "zz", "00".repeat(32), "é"];
        for (const signature of signatures) {
          const headers = signature === undefined ? {} : { "x-authgear-body-signature": signature };
          const answer = await fetch(address, { method: "POST", body: '{"type":"user.forged"}', headers });
          assert.equal(answer.status, 401, String(signature));
        }
        const { deliveries } = await shop.list("/deliveries?state=taken");
        assert.ok(deliveries.length >= 3, JSON.stringify(deliveries));
        assert.ok(!receiver.output.includes("user.forged"));
      } finally {
        await receiver.stop();
      }
    });
  });
}

async function runReceivers([secretBlock, answer, standard, node, python]) {
  await receive(secretBlock, node, async (folder, code, env) => start(process.execPath, [await write(folder, "receiver.mjs", code)], { env }));
  if (!(await find("python3"))) return "python3 is not installed";
  await receive(secretBlock, python, async (folder, code, env) => start("python3", ["-u", await write(folder, "receiver.py", code)], { env }));
  await runStandard(secretBlock, standard);
  await runBlocking(answer);
}

/** The library for Standard Webhooks: the guide's lines, around a server that collects what it gets. */
async function runStandard(secretBlock, { code }) {
  await inFolder(async (folder) => {
    await symlink(path.join(ROOT, "e2e/node_modules"), path.join(folder, "node_modules"));
    const lines = code.trimEnd().split("\n");
    const [imports, verify] = [lines.filter((line) => line.startsWith("import ")), lines.filter((line) => !line.startsWith("import "))];
    const file = await write(folder, "verify.mjs", `${imports.join("\n")}\nexport function verify(rawBody, headers) {\n${verify.join("\n")}\nreturn event;\n}\n`);
    const { verify: judge } = await import(file);
    const got = [];
    const server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      got.push({ body: Buffer.concat(chunks).toString(), headers: request.headers });
      response.writeHead(200).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      await withShop(describe(`http://127.0.0.1:${server.address().port}/`), async (shop) => {
        process.env.WEBHOOK_SECRET = (await makeSecret(shop, secretBlock)).standard_webhooks_secret;
        await shop.signUp("shop-web");
        await waitFor(() => got.length > 0, 15_000, "a delivery");
      });
      const [{ body, headers }] = got;
      assert.equal(judge(body, headers).type, "user.created");
      assert.throws(() => judge(`${body} `, headers));
      assert.throws(() => judge(body, { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) - 3600) }));
      assert.throws(() => judge(body, {}));
    } finally {
      server.close();
    }
  });
}

/** A blocking webhook that answers what the guide prints: the guest has the attribute. */
async function runBlocking({ code }) {
  const server = createServer((request, response) => request.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(code)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/`;
  try {
    await withShop(describe(url, `[[hook.blocking_handlers]]\nevent = "user.pre_create"\nurl = "${url}"\n`), async (shop) => {
      const guest = await shop.signUp("shop-web");
      const user = await shop.list(`/users/${await shop.findSub(guest.access_token)}`);
      assert.deepEqual(user.custom_attributes, JSON.parse(code).mutations.user.custom_attributes);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function runGoReceiver([receiver]) {
  if (!(await find("go"))) return "go is not installed";
  const { readPages } = await import("../pages.js");
  const secretBlock = (await readPages()).find(({ argument, language }) => argument === "webhooks" && language === "sh");
  await receive(secretBlock, receiver, async (folder, code, env) => {
    await write(folder, "receiver.go", code);
    await run("go", ["build", "-o", "receiver", "receiver.go"], { cwd: folder });
    return start(path.join(folder, "receiver"), [], { env });
  });
}

export const WEBHOOK_CHECKS = {
  webhooks: { level: "quick", run: runReceivers },
  "webhooks-go": { level: "long", run: runGoReceiver },
};
