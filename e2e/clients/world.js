// A server with a member, an application for each foreign client, and a person at a browser who signs in where one is sent.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import path from "node:path";

import { ROOT } from "../guides/pages.js";
import { launchBrowser } from "../lib/browser.js";
import { findPort, startServer } from "../lib/server.js";

export const EMAIL = "kim@shop.example";
export const PASSWORD = "violet tugboat marmalade";
export const PROGRAMS = path.join(ROOT, "target/clients");
export { ROOT };

const describeClient = ({ id, type, redirect, extra = "" }) => `
[[oauth.clients]]
client_id = "${id}"
x_application_type = "${type}"
redirect_uris = ["${redirect}"]
post_logout_redirect_uris = ["${new URL("/", redirect).href}"]
${extra}`;

/** Starts all of it; `clients` are `{ id, type, redirect, extra }`. */
export async function startWorld(clients) {
  const makeProject = (port) => `[project]
id = "shop"
public_origin = "http://localhost:${port}"
[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password"]
${clients.map(describeClient).join("")}`;
  const server = await startServer({ makeProject });
  const issuer = `http://localhost:${server.port}`;
  const key = /vak_\w+/.exec(await server.command("admin", "key", "create", "--project", "shop", "--name", "clients", "--scopes", "users:write"))[0];
  const user = { login_ids: [{ type: "email", value: EMAIL, is_verified: true }], password: PASSWORD };
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const created = await fetch(`${issuer}/_api/admin/v1/users`, { method: "POST", headers, body: JSON.stringify(user) });
  assert.equal(created.status, 201, await created.clone().text());
  const { id: sub } = await created.json();
  const secrets = {};
  for (const { id } of clients.filter(({ type }) => type === "confidential")) {
    secrets[id] = /^\S{20,}$/m.exec(await server.command("client", "secret", "create", "--project", "shop", "--client", id))[0];
  }
  const browser = await launchBrowser();
  return {
    issuer,
    sub,
    secrets,
    browser,
    async stop() {
      await browser.close();
      await server.stop();
    },
  };
}

/** The page that asks who it is, which the browser is at or on its way to. */
export async function signIn(page, email = EMAIL) {
  await page.getByRole("heading", { level: 1, name: "Welcome back" }).waitFor();
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** A client's own web server, for `redirect` addresses and what is behind a proxy; it answers with the headers of the request. */
export async function startSite(answer) {
  const show = (request, response) => response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  const server = createServer(answer ?? show);
  const port = await findPort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    origin: `http://localhost:${port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Where the browser lands after it opened `url` and the person signed in. */
export async function landAfterSignIn({ browser }, url, redirect, email = EMAIL) {
  const person = await browser.openPerson();
  await person.page.goto(url);
  await signIn(person.page, email);
  await person.page.waitForURL((now) => now.href.startsWith(redirect));
  const landing = person.page.url();
  return { landing, person };
}
