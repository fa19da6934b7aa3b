// The official Web SDK, unmodified, in Chromium: from nobody to guest to member and out again.
// Both session types, with guests that are stored at once or later, on both engines when there is a PostgreSQL to use.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { AppPage, startApp } from "../lib/app.js";
import { launchBrowser } from "../lib/browser.js";
import { createDatabase } from "../lib/database.js";
import { startMailServer } from "../lib/mail.js";
import { makeAddress, PromotionPages } from "../lib/person.js";
import { startServer } from "../lib/server.js";

const CLIENT = "shop-web";
// One registrable domain, as cookie mode needs it; Chromium takes *.localhost to this machine.
const APP_HOST = "shop.localhost";
const AUTH_HOST = "auth.shop.localhost";

// ID tokens are signed as a new application's are, and as one's without the setting.
const ALGORITHMS = { sqlite: "ES256", postgres: "RS256" };

const makeProject = (app, algorithm, creation) => (port) => `
[project]
id = "shop"
public_origin = "http://${AUTH_HOST}:${port}"

[authentication]
identities = ["login_id", "anonymous"]

[[oauth.clients]]
client_id = "${CLIENT}"
name = "Shop"
x_application_type = "spa"
redirect_uris = ["${app}/token/after", "${app}/cookie/after"]
post_logout_redirect_uris = ["${app}/cookie/goodbye"]
id_token_signed_response_alg = "${algorithm}"
guest_creation = "${creation}"
`;

describe("the official Web SDK", () => {
  let browser, mail;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
  });
  after(() => Promise.all([browser?.close(), mail?.stop()]));

  for (const [engine, creation] of ["sqlite", "postgres"].flatMap((engine) => [[engine, "eager"], [engine, "lazy"]])) {
    describe(`on ${engine}, with ${creation} guests`, () => {
      let app, server, database;
      before(async () => {
        if (engine === "postgres") database = await createDatabase();
        app = await startApp({ host: APP_HOST, settings: () => ({ endpoint: `http://${AUTH_HOST}:${server.port}`, clientID: CLIENT }) });
        server = await startServer({ store: database?.url, smtpPort: mail.port, makeProject: makeProject(app.origin, ALGORITHMS[engine], creation) });
      });
      after(async () => {
        await Promise.all([server?.stop(), app?.stop()]);
        await database?.drop();
      });

      test("takes a guest with a refresh token to membership with the same sub", async () => {
        const person = await browser.openPerson();
        const page = new AppPage(person.page);
        await page.open(`${app.origin}/token/`);
        assert.equal(await page.sessionState(), "NO_SESSION");

        const guest = await page.authenticateAnonymously();
        assert.equal(guest.isAnonymous, true);
        assert.equal(await page.sessionState(), "AUTHENTICATED");
        assert.equal((await page.authenticateAnonymously()).sub, guest.sub, "asking again gives the same guest");
        assert.equal((await page.fetchUserInfo()).sub, guest.sub);

        const firstToken = await page.accessToken();
        await page.reload();
        await page.refreshAccessToken(); // the SDK keeps access tokens in memory only
        assert.notEqual(await page.accessToken(), firstToken);
        assert.equal((await page.idToken()).algorithm, ALGORITHMS[engine]);
        assert.equal((await page.fetchUserInfo()).sub, guest.sub, "the refresh token survives a reload");

        const email = makeAddress();
        await page.startPromotion({ redirectURI: `${app.origin}/token/after`, state: "from-the-app" });
        await new PromotionPages(person.page).complete({ email, receiveCode: mail.receiveCode });
        await page.arriveAt(`${app.origin}/token/after`);
        assert.equal(new URL(person.page.url()).searchParams.get("state"), "from-the-app");

        const member = await page.finishPromotion();
        assert.deepEqual([member.sub, member.isAnonymous, member.isVerified, member.email], [guest.sub, false, true, email]);
        assert.equal(member.canReauthenticate, true);
        await page.reload();
        assert.deepEqual((await page.fetchUserInfo()).sub, guest.sub, "the member's session survives a reload");
        assert.deepEqual(await page.idToken(), { algorithm: ALGORITHMS[engine], canReauthenticate: true });

        const revoked = person.page.waitForResponse((response) => response.url().endsWith("/oauth2/revoke"));
        await page.logOut({ redirectURI: `${app.origin}/token/` });
        assert.equal((await revoked).status(), 200);
        await person.page.waitForFunction(() => authgear.sessionState === "NO_SESSION");
        await page.reload();
        assert.equal(await page.sessionState(), "NO_SESSION");
        await person.leave();
      });

      // Why a refresh answers with an ID token: the SDKs keep it in memory only.
      test("has no ID token after a reload and a refresh without one, until it asks for one", async () => {
        const person = await browser.openPerson();
        const page = new AppPage(person.page);
        await page.open(`${app.origin}/token/`);
        const guest = await page.authenticateAnonymously();
        await person.page.addInitScript(() => {
          const send = globalThis.fetch;
          globalThis.fetch = async (...args) => {
            const request = new Request(...args);
            const isRefresh = request.url.endsWith("/oauth2/token") && (await request.clone().text()).includes("grant_type=refresh_token");
            const response = await send(request);
            if (!isRefresh) return response;
            const { id_token: _, ...others } = await response.json();
            return Response.json(others, { status: response.status });
          };
        });
        await page.reload();
        assert.equal((await page.fetchUserInfo()).sub, guest.sub, "the guest stays signed in");
        assert.deepEqual(await page.idToken(), { algorithm: null, canReauthenticate: false });
        await person.page.evaluate(() => authgear.refreshIDToken());
        assert.equal((await page.idToken()).algorithm, ALGORITHMS[engine]);
        await person.leave();
      });

      test("takes a guest with a cookie to membership with the same sub", async () => {
        const person = await browser.openPerson();
        const page = new AppPage(person.page);
        await page.open(`${app.origin}/cookie/`);

        const guest = await page.authenticateAnonymously();
        assert.equal(guest.isAnonymous, true);
        assert.equal((await page.authenticateAnonymously()).sub, guest.sub, "asking again gives the same guest");
        await page.reload();
        assert.equal((await page.fetchUserInfo()).sub, guest.sub, "the cookie survives a reload");
        const guestCookie = await findSessionCookie(person.context);
        assert.deepEqual([guestCookie.httpOnly, guestCookie.sameSite], [true, "Lax"]);

        const email = makeAddress();
        await page.startPromotion({ redirectURI: `${app.origin}/cookie/after` });
        await new PromotionPages(person.page).complete({ email, receiveCode: mail.receiveCode });
        await page.arriveAt(`${app.origin}/cookie/after`);
        assert.equal(new URL(person.page.url()).searchParams.get("code"), null, "response_type=none carries no code");

        const member = await page.finishPromotion();
        assert.deepEqual([member.sub, member.isAnonymous, member.email], [guest.sub, false, email]);
        assert.notEqual((await findSessionCookie(person.context)).value, guestCookie.value, "promotion rotates the session");

        await page.logOut({ redirectURI: `${app.origin}/cookie/goodbye` });
        await page.arriveAt(`${app.origin}/cookie/goodbye`);
        assert.equal(await findSessionCookie(person.context), undefined);
        assert.notEqual(await page.fetchUserInfoError(), null, "nobody is signed in any more");
        await person.leave();
      });
    });
  }
});

async function findSessionCookie(context) {
  return (await context.cookies()).find(({ name }) => name === "session");
}
