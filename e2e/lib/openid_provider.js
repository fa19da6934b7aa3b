// A foreign OpenID provider: npm oidc-provider (certified), with one page on which a person says who it is.

import { once } from "node:events";
import { createServer } from "node:http";

import Provider from "oidc-provider";

export const CLIENT = { id: "shop-at-provider", secret: "the secret of the shop at the provider" };

const page = (title, body) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,">
<main><h1>${title}</h1>${body}</main></html>`;

/** Starts listening; `open` then serves one client with this redirect URI. */
export async function startOpenIdProvider() {
  let serve = (request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return {
    issuer,
    open(redirectUri) {
      const provider = makeProvider(issuer, redirectUri);
      const handle = provider.callback();
      serve = (request, response) => (request.url.startsWith("/interaction/") ? interact(provider, request, response) : handle(request, response));
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function makeProvider(issuer, redirectUri) {
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    // The account's name is its address; "unproved" is one whose address is not verified.
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unproved"), name: "Kim Li" }),
    }),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["a key of this run"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  });
}

/** Its only page: asks who the person is, or lets it decline. */
export async function interact(provider, request, response, title = "Sign in to Our ID") {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html");
    response.end(
      page(
        title,
        `<form method="post"><p><label>Address <input name="login"></label></p>
<p><button name="action" value="sign-in">Sign in</button> <button name="action" value="decline">Decline</button></p></form>`,
      ),
    );
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  if (form.get("action") === "decline") {
    await provider.interactionFinished(request, response, { error: "access_denied" }, { mergeWithLastSubmission: false });
    return;
  }
  const accountId = form.get("login");
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } }, { mergeWithLastSubmission: false });
}
