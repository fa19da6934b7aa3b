// Somebody's web app: a page with the official Web SDK from npm, unmodified, on an origin of its own.
// `/token/…` uses sessions of type `refresh_token`, `/cookie/…` those of type `cookie`.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const SDK = fileURLToPath(new URL("../node_modules/@authgear/web/dist/authgear-web.module.js", import.meta.url));
const SESSION_TYPES = { token: "refresh_token", cookie: "cookie" };

/** Serves the app on `host`; `settings` answers `{endpoint, clientID}` once they are known. */
export async function startApp({ host, settings }) {
  const sdk = await readFile(SDK);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, `http://${host}`);
    const sessionType = SESSION_TYPES[pathname.split("/")[1]];
    if (pathname === "/sdk.js") return answer(response, 200, "text/javascript; charset=utf-8", sdk);
    if (!sessionType) return answer(response, 404, "text/plain", "nothing here");
    return answer(response, 200, "text/html; charset=utf-8", renderPage({ ...settings(), sessionType }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://${host}:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function answer(response, status, type, body) {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(body);
}

function renderPage(settings) {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>An app</title><link rel="icon" href="data:,"></head><body><main><h1>An app</h1></main>
<script type="module">
import authgear from "/sdk.js";
await authgear.configure(${JSON.stringify(settings)});
globalThis.authgear = authgear;
</script></body></html>`;
}

/** The app's page as a test uses it: calls of the SDK in, plain values out. */
export class AppPage {
  constructor(page) {
    this.page = page;
  }

  /** Opens an address of the app, or waits to arrive at one, until its SDK is configured. */
  async open(url) {
    await this.page.goto(url);
    await this.#settle();
  }

  async arriveAt(url) {
    await this.page.waitForURL((now) => now.href.startsWith(url));
    await this.#settle();
  }

  async reload() {
    await this.page.reload();
    await this.#settle();
  }

  #settle() {
    return this.page.waitForFunction(() => globalThis.authgear !== undefined);
  }

  authenticateAnonymously() {
    return this.page.evaluate(async () => (await authgear.authenticateAnonymously()).userInfo);
  }

  fetchUserInfo() {
    return this.page.evaluate(() => authgear.fetchUserInfo());
  }

  refreshAccessToken() {
    return this.page.evaluate(() => authgear.refreshAccessTokenIfNeeded());
  }

  accessToken() {
    return this.page.evaluate(() => authgear.accessToken);
  }

  /** What the SDK knows of its ID token. */
  idToken() {
    return this.page.evaluate(() => {
      const [header] = authgear.getIDTokenHint()?.split(".") ?? [];
      const algorithm = header ? JSON.parse(atob(header.replaceAll("-", "+").replaceAll("_", "/"))).alg : null;
      return { algorithm, canReauthenticate: authgear.canReauthenticate() };
    });
  }

  sessionState() {
    return this.page.evaluate(() => authgear.sessionState);
  }

  /** Navigates to the promotion page. */
  async startPromotion(options) {
    await this.page.evaluate((options) => void authgear.startPromoteAnonymousUser(options), options);
  }

  finishPromotion() {
    return this.page.evaluate(async () => (await authgear.finishPromoteAnonymousUser()).userInfo);
  }

  /** In cookie mode this navigates away, so what it leads to is for the test to wait for. */
  async logOut(options) {
    await this.page.evaluate((options) => void authgear.logout(options), options);
  }

  /** The name and code of the error a call ends with, or `null` if it succeeds. */
  fetchUserInfoError() {
    return this.page.evaluate(() =>
      authgear.fetchUserInfo().then(
        () => null,
        (error) => error.error ?? error.reason ?? error.message,
      ),
    );
  }
}
