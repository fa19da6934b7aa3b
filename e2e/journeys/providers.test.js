// Accounts elsewhere, in a real Chromium: a certified OpenID provider, and a second Vestibule, as the provider. A guest is promoted with
// one and comes back with it; a member connects and disconnects one; and who owns an address decides about it.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { AppPage, startApp } from "../lib/app.js";
import { launchBrowser } from "../lib/browser.js";
import { Guest } from "../lib/guest.js";
import { look } from "../lib/look.js";
import { startMailServer } from "../lib/mail.js";
import { CLIENT, startOpenIdProvider } from "../lib/openid_provider.js";
import { createFirstOperator, startPortal } from "../lib/portal.js";
import { follow, makeAddress, PASSWORD, PromotionPages } from "../lib/person.js";
import { findPort, startServer } from "../lib/server.js";

const LANDING = "http://app.localhost/landed";
const BUTTON = "Continue with Our ID";

const makeProject = (issuer, { conflict = "", landings = [LANDING] }) => (port) => `
[project]
id = "shop"
public_origin = "http://localhost:${port}"

[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password"]

[identity.on_conflict]
promotion = "error"
${conflict}

[[identity.oauth.providers]]
alias = "ours"
type = "oidc"
name = "Our ID"
client_id = "${CLIENT.id}"
issuer = "${issuer}"

[ui]
name = "Corner Shop"

[[oauth.clients]]
client_id = "web"
name = "Corner Shop"
x_application_type = "spa"
redirect_uris = ${JSON.stringify(landings)}
`;

/** The project of a Vestibule that is the provider of another one. */
const makeProviderProject = (callback) => (port) => `
[project]
id = "accounts"
public_origin = "http://localhost:${port}"

[authentication]
primary_authenticators = ["password"]

[ui]
name = "Our ID"

[[oauth.clients]]
client_id = "${CLIENT.id}"
name = "Corner Shop"
x_application_type = "confidential"
redirect_uris = ["${callback}"]
`;

describe("accounts at a provider", () => {
  let browser, mail, provider, people, servers;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    [people, servers] = [[], []];
  });
  after(() => Promise.all([browser?.close(), mail?.stop()]));
  afterEach(async () => {
    const [leaving, stopping] = [people, servers];
    [people, servers] = [[], []];
    for (const person of leaving) await person.leave();
    for (const server of stopping) await server.stop();
  });

  /** A shop whose provider has this issuer. */
  async function startShop(issuer, project = {}) {
    const configure = () => '\n[providers]\nprivate_hosts = ["127.0.0.1", "localhost"]\n';
    const shop = await startServer({ smtpPort: mail.port, makeProject: makeProject(issuer, project), configure });
    servers.push(shop);
    const origin = `http://localhost:${shop.port}`;
    return { shop, origin, callback: `${origin}/sso/oauth2/callback/ours`, signUpGuest: () => Guest.signUp({ issuer: origin, clientId: "web", redirectUri: LANDING }) };
  }

  async function start(project) {
    provider = await startOpenIdProvider();
    servers.push(provider);
    const started = await startShop(provider.issuer, project);
    provider.open(started.callback);
    await started.shop.feed(CLIENT.secret, "provider", "set-secret", "--project", "shop", "ours");
    return started;
  }

  async function openPerson() {
    const person = await browser.openPerson();
    people.push(person);
    await person.context.route(`${LANDING}**`, (route) =>
      route.fulfill({ contentType: "text/html", body: '<!doctype html><html lang="en"><title>The app</title></html>' }),
    );
    return person.page;
  }

  const heading = (page, name) => page.getByRole("heading", { level: 1, name });
  const button = (page, name) => page.getByRole("button", { name, exact: true });

  /** Signs in at the provider, as this account. */
  async function signInThere(page, account) {
    await heading(page, "Sign in to Our ID").waitFor();
    await page.getByLabel("Address").fill(account);
    await button(page, "Sign in").click();
  }

  async function promote(guest, page, account) {
    await page.goto(await guest.startPromotion());
    await heading(page, "Save your progress").waitFor();
    await look(page, "promotion-with-a-provider", { picture: "light" });
    await button(page, BUTTON).click();
    await signInThere(page, account);
  }

  async function landed(guest, page) {
    await page.waitForURL(`${LANDING}**`);
    return guest.finishPromotion(page.url());
  }

  /** A member with a password, signed in to the account page. */
  async function becomeMember({ origin }, page, email) {
    await page.goto(`${origin}/settings/sign-in`);
    await follow(page, "Create an account");
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Create account").click();
    await page.getByLabel("Code", { exact: true }).fill(await mail.receiveCode(email));
    await button(page, "Confirm").click();
    await heading(page, "My account").waitFor();
  }

  test("a guest is promoted, and comes back in another browser", async () => {
    const { origin, signUpGuest } = await start();
    const account = makeAddress("kim");
    const [guest, page] = [await signUpGuest(), await openPerson()];
    await promote(guest, page, account);
    const member = await landed(guest, page);
    assert.deepEqual([member.sub, member.isAnonymous, member.email], [guest.sub, false, account]);

    const elsewhere = await openPerson();
    await elsewhere.goto(`${origin}/settings/sign-in`);
    await button(elsewhere, BUTTON).click();
    await signInThere(elsewhere, account);
    await heading(elsewhere, "My account").waitFor();
    assert.ok(await elsewhere.getByText(account).first().isVisible());
  });

  test("who declines is as before, and goes on", async () => {
    const { signUpGuest } = await start();
    const [guest, page] = [await signUpGuest(), await openPerson()];
    await page.goto(await guest.startPromotion());
    await button(page, BUTTON).click();
    await heading(page, "Sign in to Our ID").waitFor();
    await button(page, "Decline").click();
    await heading(page, "You did not sign in with Our ID").waitFor();
    await look(page, "provider-declined");
    await guest.assertUntouched();
    await button(page, "Try again").click();
    await signInThere(page, makeAddress("kim"));
    assert.equal((await landed(guest, page)).sub, guest.sub);
  });

  test("the account of a member is not given to a guest", async () => {
    const { signUpGuest } = await start();
    const account = makeAddress("kim");
    const [first, page] = [await signUpGuest(), await openPerson()];
    await promote(first, page, account);
    const member = await landed(first, page);
    const [second, other] = [await signUpGuest(), await openPerson()];
    await promote(second, other, account);
    await heading(other, "You already have an account").waitFor();
    await look(other, "provider-taken");
    await second.assertUntouched();
    await button(other, "Sign in to that account").click();
    assert.equal((await landed(second, other)).sub, member.sub);
  });

  test("a member connects an account, signs in with it and disconnects it", async () => {
    const shop = await start();
    const [email, account] = [makeAddress("kim"), makeAddress("kim-elsewhere")];
    const page = await openPerson();
    await becomeMember(shop, page, email);
    await page.getByRole("link", { name: "Connect Our ID" }).click();
    await heading(page, "Connect Our ID").waitFor();
    await look(page, "connect-a-provider");
    await button(page, BUTTON).click();
    await signInThere(page, account);
    await heading(page, "My account").waitFor();
    await page.getByText("Added to your account.").waitFor();
    await look(page, "account-with-a-provider", { picture: "light" });

    const elsewhere = await openPerson();
    await elsewhere.goto(`${shop.origin}/settings/sign-in`);
    await button(elsewhere, BUTTON).click();
    await signInThere(elsewhere, account);
    await heading(elsewhere, "My account").waitFor();
    assert.ok(await elsewhere.getByText(email).first().isVisible(), "it is the same member");

    await button(page, "Remove Our ID").click();
    await page.getByText("Removed from your account.").waitFor();
    await page.getByRole("link", { name: "Connect Our ID" }).waitFor();
  });

  test("a member with nothing else confirms with its account before it connects another one", async () => {
    const { origin } = await start();
    const page = await openPerson();
    await page.goto(`${origin}/settings/sign-in`);
    await button(page, BUTTON).click();
    const account = `unproved-${makeAddress("kim")}`;
    await signInThere(page, account);
    await heading(page, "My account").waitFor();
    await page.goto(`${origin}/settings/confirm?next=%2Fsettings%2Fdelete`);
    await heading(page, "Confirm that it’s you").waitFor();
    await look(page, "confirm-with-a-provider");
    await button(page, BUTTON).click();
    // The provider has a session of this browser, and asks all the same.
    await signInThere(page, account);
    await heading(page, "Delete your account?").waitFor();
    await page.goto(`${origin}/settings/confirm?next=%2Fsettings%2Fdelete`);
    await button(page, BUTTON).click();
    await signInThere(page, `unproved-${makeAddress("another")}`);
    await heading(page, "Confirm that it’s you").waitFor();
    await page.getByText("That is another Our ID account").waitFor();
    await look(page, "confirm-with-another-account");
  });

  test("an account with a member's address is connected once the member has signed in", async () => {
    const shop = await start({ conflict: 'oauth = "login_and_link"' });
    const email = makeAddress("kim");
    await becomeMember(shop, await openPerson(), email);
    const page = await openPerson();
    await page.goto(`${shop.origin}/settings/sign-in`);
    await button(page, BUTTON).click();
    await signInThere(page, email);
    await heading(page, "You already have an account").waitFor();
    await look(page, "provider-link");
    await follow(page, "Sign in to that account");
    await heading(page, "Welcome back").waitFor();
    await look(page, "provider-link-sign-in");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Sign in").click();
    await heading(page, "My account").waitFor();
    await button(page, "Remove Our ID").waitFor();
  });

  test("an app has accounts connected and disconnected by the Web SDK", async () => {
    let endpoint;
    const app = await startApp({ host: "app.localhost", settings: () => ({ endpoint, clientID: "web" }) });
    servers.push(app);
    const redirectURI = `${app.origin}/token/after`;
    ({ origin: endpoint } = await start({ landings: [redirectURI] }));
    const page = await openPerson();
    const shop = new AppPage(page);
    await shop.open(`${app.origin}/token/`);
    const guest = await shop.authenticateAnonymously();
    const email = makeAddress("kim");
    await shop.startPromotion({ redirectURI });
    await new PromotionPages(page).complete({ email, receiveCode: mail.receiveCode });
    await shop.arriveAt(redirectURI);
    assert.equal((await shop.finishPromotion()).sub, guest.sub);

    const options = { redirectURI, oauthProviderAlias: "ours" };
    await page.evaluate((options) => void authgear.startLinkOAuth(options), options);
    await heading(page, "Connect Our ID").waitFor();
    await button(page, BUTTON).click();
    const account = makeAddress("kim-elsewhere");
    await signInThere(page, account);
    await shop.arriveAt(redirectURI);
    await page.evaluate(() => authgear.finishLinkOAuth());

    // The page was loaded again, and the SDK keeps ID tokens in memory only.
    await page.evaluate(() => authgear.refreshIDToken());
    await page.evaluate((options) => void authgear.startUnlinkOAuth(options), options);
    await heading(page, `Remove Our ID · ${account}?`).waitFor();
    await button(page, "Remove").click();
    await shop.arriveAt(redirectURI);
    await page.evaluate(() => authgear.finishUnlinkOAuth());
    assert.equal((await shop.fetchUserInfo()).sub, guest.sub);
  });

  test("an owner sets up a provider in the portal, and checks it", async () => {
    provider = await startOpenIdProvider();
    servers.push(provider);
    const configure = () => '\n[providers]\nprivate_hosts = ["127.0.0.1"]\n';
    const clients = [{ client_id: "web", x_application_type: "spa", redirect_uris: [LANDING] }];
    const portal = await startPortal({ smtpPort: mail.port, configure, clients });
    servers.push(portal);
    provider.open(`${portal.origin}/sso/oauth2/callback/ours`);
    const page = await openPerson();
    await page.goto(portal.firstLink);
    await createFirstOperator(page);
    await page.goto(`${portal.origin}/portal/p/shop/providers`);
    await look(page, "portal-no-providers");
    await page.getByRole("link", { name: "Add provider" }).click();
    await page.getByRole("link", { name: "OpenID provider" }).click();
    await heading(page, "New provider: OpenID provider").waitFor();
    await page.getByLabel("Alias").fill("ours");
    await page.getByLabel("Name on buttons").fill("Our ID");
    await page.getByLabel("Issuer").fill(provider.issuer);
    await page.getByLabel("Client ID", { exact: true }).fill(CLIENT.id);
    await look(page, "portal-new-provider");
    await button(page, "Save").click();
    await heading(page, "Our ID").waitFor();
    await page.getByText(`${portal.origin}/sso/oauth2/callback/ours`).waitFor();
    await look(page, "portal-provider", { picture: "light" });
    const setSecret = async (secret) => {
      await page.getByRole("link", { name: /^Set client secret/ }).click();
      await page.getByLabel("Client secret", { exact: true }).fill(secret);
      await button(page, "Set client secret").click();
      await heading(page, "Providers").waitFor();
    };
    const check = () => page.getByRole("button", { name: /^Check this provider/ }).click();
    await setSecret("a wrong one");
    await check();
    await page.getByText("It does not accept the client ID with the client secret").waitFor();
    await look(page, "portal-provider-refused");
    await setSecret(CLIENT.secret);
    await check();
    await page.getByText("It accepts the client ID and the client secret.").waitFor();
    await look(page, "portal-provider-accepted");

    // The test goes to the provider in this browser, and back to the portal.
    await page.getByRole("button", { name: /^Test this provider/ }).click();
    await signInThere(page, "kim.li@id.example");
    await heading(page, "Test of Our ID").waitFor();
    await page.getByText("k•••@id.example").waitFor();
    assert.equal(await page.getByText("kim.li@id.example").count(), 0);
    await look(page, "portal-provider-test", { picture: "light" });
    assert.equal((await page.context().cookies(portal.origin)).some(({ name }) => name.endsWith("session")), false, "no one is signed in");
    await page.reload();
    await page.getByText("This answer was shown before").waitFor();

    const registered = {
      google: { "Client ID": "1234567890-abc.apps.googleusercontent.com" },
      apple: { "Client ID": "com.example.shop.web", "Team ID": "A1B2C3D4E5", "Key ID": "F6G7H8J9K0" },
      azureadv2: { Tenant: "common", "Client ID": "6731de76-14a6-49ae-97bc-6eba6914391e" },
      github: { "Client ID": "Iv1.8a61f9b3a7aba766" },
      facebook: { "Client ID": "1234567890123456" },
      linkedin: { "Client ID": "86vhj2q7ukf83q" },
    };
    for (const [type, fields] of Object.entries(registered)) {
      await page.goto(`${portal.origin}/portal/p/shop/new-provider/${type}`);
      for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
      await look(page, `portal-new-${type}`, { picture: "light", height: 1180 });
    }

    const kim = await openPerson();
    await kim.goto(`${portal.origin}/settings/sign-in`);
    await button(kim, BUTTON).click();
    await signInThere(kim, makeAddress("kim"));
    await heading(kim, "My account").waitFor();
  });

  test("a second Vestibule is the provider of the first", async () => {
    const port = await findPort();
    const shop = await startShop(`http://localhost:${port}`);
    const accounts = await startServer({ smtpPort: mail.port, makeProject: makeProviderProject(shop.callback), port });
    servers.push(accounts);
    const output = await accounts.command("client", "secret", "create", "--project", "accounts", "--client", CLIENT.id);
    const secret = output.trim().split("\n").at(-1);
    await shop.shop.feed(secret, "provider", "set-secret", "--project", "shop", "ours");

    const email = makeAddress("kim");
    const [guest, page] = [await shop.signUpGuest(), await openPerson()];
    await page.goto(await guest.startPromotion());
    await button(page, BUTTON).click();
    await heading(page, "Welcome back").waitFor();
    await follow(page, "Create an account");
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Create account").click();
    await page.getByLabel("Code", { exact: true }).fill(await mail.receiveCode(email));
    await button(page, "Confirm").click();
    const member = await landed(guest, page);
    assert.deepEqual([member.sub, member.isAnonymous, member.email], [guest.sub, false, email]);
  });
});
