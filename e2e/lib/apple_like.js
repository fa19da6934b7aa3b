// An Apple-like provider: npm oidc-provider behind a small shim for Apple's ways. Its endpoints have Apple's names, no `openid` is asked
// for, the client secret is a token that is signed with the client's key, the answer is a form that its page posts, and the first
// answer for an account brings the name beside the ID token. It is on another site (127.0.0.1) than the shop (localhost).

import { once } from "node:events";
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";

import { jwtVerify } from "jose";
import Provider from "oidc-provider";

import { interact } from "./openid_provider.js";

export const APPLE = { client: "com.example.shop.web", team: "A1B2C3D4E5", key: "F6G7H8J9K0" };
const INNER_SECRET = "what the shim puts in the place of the signed secret";
const NAME = { firstName: "Kim", lastName: "Li" };

/** Starts listening; `open` then serves one client with this redirect URI. `keyFile` is what Apple lets its developers download. */
export async function startAppleLike() {
  let serve = (request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const named = new Set();
  return {
    issuer,
    keyFile: privateKey.export({ type: "pkcs8", format: "pem" }),
    open(redirectUri) {
      const provider = makeProvider(issuer, redirectUri);
      const handle = provider.callback();
      serve = async (request, response) => {
        if (request.url.startsWith("/interaction/")) return interact(provider, request, response, "Sign in to Apple ID");
        if (request.url.startsWith("/auth/token")) return handle(await redeem(request, { issuer, publicKey }), response);
        if (request.url.startsWith("/auth/authorize?")) addOpenId(request, issuer);
        addName(response, redirectUri, named);
        return handle(request, response);
      };
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function makeProvider(issuer, redirectUri) {
  const client = {
    client_id: APPLE.client,
    client_secret: INNER_SECRET,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
  };
  return new Provider(issuer, {
    clients: [client],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: "true" }) }),
    claims: { openid: ["sub", "email", "email_verified"] },
    conformIdTokenClaims: false,
    pkce: { required: () => false },
    cookies: { keys: ["a key of this run"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    routes: { authorization: "/auth/authorize", token: "/auth/token", jwks: "/auth/keys" },
  });
}

/** Apple issues ID tokens without the scope; and it insists on a form for name and address. */
function addOpenId(request, issuer) {
  const url = new URL(request.url, issuer);
  if (url.searchParams.get("scope") !== "name email") throw new Error(`another scope: ${url}`);
  if (url.searchParams.get("response_mode") !== "form_post") throw new Error(`Apple wants form_post: ${url}`);
  url.searchParams.set("scope", "openid");
  request.url = `${url.pathname}${url.search}`;
}

/** Checks the signed secret, and hands the request on with the one that the library knows. */
async function redeem(request, { issuer, publicKey }) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  await jwtVerify(form.get("client_secret"), publicKey, { issuer: APPLE.team, subject: APPLE.client, audience: issuer, algorithms: ["ES256"] });
  form.set("client_secret", INNER_SECRET);
  const body = Buffer.from(form.toString());
  const inner = Readable.from([body]);
  const headers = { ...request.headers, "content-length": String(body.length) };
  return Object.assign(inner, { method: request.method, url: request.url, headers, socket: request.socket, httpVersion: request.httpVersion });
}

/** The first form for an account has the name, and no later one. */
function addName(response, redirectUri, named) {
  const end = response.end.bind(response);
  response.end = (body, ...rest) => {
    const html = typeof body === "string" ? body : Buffer.isBuffer(body) ? body.toString() : "";
    if (!html.includes(`action="${redirectUri}"`) || named.has(redirectUri)) return end(body, ...rest);
    named.add(redirectUri);
    const user = JSON.stringify({ name: NAME }).replaceAll('"', "&quot;");
    const changed = html.replace("</form>", `<input type="hidden" name="user" value="${user}"/></form>`);
    response.setHeader("content-length", Buffer.byteLength(changed));
    return end(changed, ...rest);
  };
}
