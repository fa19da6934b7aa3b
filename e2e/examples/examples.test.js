// The apps in `examples/`, installed, built and started with the commands of their guides (express.md, nextjs.md, sveltekit.md,
// fastapi.md, go.md), and used in a real browser: `vestibule demo` and an application from the portal, as the guides begin.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { find, run, start } from "../guides/checks/tools.js";
import { ROOT } from "../guides/pages.js";
import { readBlocks } from "../lib/blocks.js";
import { launchBrowser } from "../lib/browser.js";
import { startMailServer } from "../lib/mail.js";
import { makeAddress } from "../lib/person.js";
import { createFirstOperator, firstLink } from "../lib/portal.js";
import { findPort, startDemo } from "../lib/server.js";
import { waitFor } from "../lib/wait.js";
import { Shopper } from "./shopper.js";

const START_TIMEOUT_MS = 60_000;
const GUIDES_ORIGIN = "http://localhost:3000";

/** The guide of each example, what it takes, and the files that the Express guide shows for it. */
const EXAMPLES = {
  express: { program: "npm" },
  nextjs: { program: "npm", shared: ["auth.js"], folder: "lib/" },
  sveltekit: { program: "npm", shared: ["auth.js", "cart.js"], folder: "src/lib/server/" },
  fastapi: { program: "python3" },
  go: { program: "go" },
};
// What names the packages is not on the page.
const PACKAGES = ["package.json", "requirements.txt", "go.mod", "go.sum"];
const MADE = /(^|\/)(node_modules|\.next|\.svelte-kit|build|\.venv|__pycache__|next-env\.d\.ts|package-lock\.json|shop)(\/|$)/;

const read = (name, file) => readFile(path.join(ROOT, "examples", name, file), "utf8");

async function listFiles(name) {
  const entries = await readdir(path.join(ROOT, "examples", name), { recursive: true, withFileTypes: true });
  const folder = path.join(ROOT, "examples", name);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  return files.filter((file) => !MADE.test(file) && !PACKAGES.includes(file)).sort();
}

describe("the guide of an example", () => {
  for (const [name, { shared = [], folder }] of Object.entries(EXAMPLES)) {
    test(`shows its files: ${name}`, async () => {
      const shown = new Map();
      for (const { code, file } of await readBlocks(`${name}.md`)) if (file) shown.set(file, code);
      for (const file of shared) {
        const [first, ...lines] = (await read("express", `src/${file}`)).split("\n");
        shown.set(`${folder}${file}`, [first.replace("src/", folder), ...lines].join("\n"));
      }
      assert.deepEqual([...shown.keys()].sort(), await listFiles(name));
      for (const [file, code] of shown) assert.equal(code, await read(name, file), `${file} is not what the guide shows`);
    });
  }
});

describe("an example", () => {
  let browser, mail, demo, operator, work;
  before(async () => {
    [browser, mail] = await Promise.all([launchBrowser(), startMailServer()]);
    demo = await startDemo({ smtp: mail.host });
    operator = await browser.openPerson();
    await operator.page.goto(firstLink(demo));
    await createFirstOperator(operator.page);
    await mkdir(path.join(ROOT, "target/examples"), { recursive: true });
    work = await mkdtemp(path.join(ROOT, "target/examples/run-"));
  });
  after(async () => {
    await operator?.leave();
    await Promise.all([browser?.close(), mail?.stop(), demo?.stop()]);
    if (work) await rm(work, { recursive: true, force: true });
  });

  /** The portal's *New application*, as the guides say. */
  async function createApplication(clientId, redirect) {
    const { page } = operator;
    await page.goto(`${demo.issuer}/portal/p/demo/applications/new/web`);
    await page.getByLabel("Name", { exact: true }).fill(clientId);
    await page.getByLabel("Client ID").fill(clientId);
    await page.getByLabel("Authorized redirect URIs").fill(redirect);
    await page.getByLabel("Client ID").press("Enter");
    await page.getByRole("heading", { level: 1, name: "Quick start" }).waitFor();
  }

  /** The portal's *End all sessions* of a user. */
  async function endSessions(sub) {
    const { page } = operator;
    await page.goto(`${demo.issuer}/portal/p/demo/users/${sub}/sessions?session=*`);
    await page.getByRole("button", { name: /^End sessions?$/ }).click();
    await page.getByText("Session ended").or(page.getByText("Sessions ended")).or(page.getByText(/can no longer be recovered/)).first().waitFor();
  }

  /**
   * Follows the guide: copies, installs and builds the app. It has no environment but the address of this demo: what the guide writes as a
   * default, this port and this client ID, is written into the copy.
   */
  async function makeApp(name, origin, clientId) {
    const [install, launch, ...rest] = (await readBlocks(`${name}.md`)).filter(({ language, code }) => language === "sh" && !code.startsWith("vestibule "));
    assert.ok(install && launch && rest.length === 0, "the guide has one block that installs, and one that starts");
    const [folder, from] = [path.join(work, name), path.join(ROOT, "examples", name)];
    const copy = path.join(folder, "examples", name);
    await mkdir(path.join(folder, "examples"), { recursive: true });
    await cp(from, copy, { recursive: true, filter: (file) => !MADE.test(path.relative(from, file)) });
    for (const file of [...(await listFiles(name)), "package.json"]) {
      const text = await readFile(path.join(copy, file), "utf8").catch(() => "");
      if (text) await writeFile(path.join(copy, file), text.replaceAll(GUIDES_ORIGIN, origin).replaceAll('"my-shop"', JSON.stringify(clientId)));
    }
    await run("bash", ["-euc", install.code], { cwd: folder, env: { NEXT_TELEMETRY_DISABLED: "1" } });
    return { folder: path.join(folder, "shop"), launch: launch.code };
  }

  /** Starts the app with the guide's command. */
  async function startApp({ folder, launch }, origin, environment) {
    const { port } = new URL(origin);
    const env = { PORT: port, ISSUER: demo.issuer, NEXT_TELEMETRY_DISABLED: "1", ...environment };
    const app = start("bash", ["-euc", launch.replaceAll("3000", port)], { cwd: folder, env, detached: true });
    const stop = async () => {
      if (app.child.exitCode !== null) return;
      process.kill(-app.child.pid); // npm starts others
      await waitFor(() => app.child.exitCode !== null || app.child.signalCode !== null);
    };
    const isThere = () => {
      if (app.child.exitCode !== null) throw new Error(`it ended:\n${app.output}`);
      return fetch(origin).then(({ ok }) => ok, () => false);
    };
    try {
      await waitFor(isThere, START_TIMEOUT_MS, "the app to start");
    } catch (error) {
      await stop();
      throw new Error(`${error.message}\n${app.output}`);
    }
    return { app, stop };
  }

  /** The variables of the guide's table win over the defaults. */
  async function readsItsEnvironment(made, clientId) {
    const origin = await findOrigin();
    await createApplication(clientId, `${origin}/after-login`);
    const { app, stop } = await startApp(made, origin, { ORIGIN: origin, CLIENT_ID: clientId });
    const { page, context } = await browser.openPerson();
    try {
      const shopper = new Shopper({ person: { page, context }, origin });
      await shopper.turnBack();
    } catch (error) {
      error.message += `\nwith other variables it printed:\n${app.output}`;
      throw error;
    } finally {
      await context.close();
      await stop();
    }
  }

  const findOrigin = async () => `http://localhost:${await findPort()}`;

  for (const [name, { program }] of Object.entries(EXAMPLES)) {
    test(`is a shop for guests and members: ${name}`, async (context) => {
      if (!(await find(program))) return context.skip(`NOT TESTED: ${program} is not installed`);
      const origin = await findOrigin();
      await createApplication(`shop-${name}`, `${origin}/after-login`);
      const made = await makeApp(name, origin, `shop-${name}`);
      const { app, stop } = await startApp(made, origin, {});
      const person = await browser.openPerson();
      try {
        const shopper = new Shopper({ person, origin, receiveCode: mail.receiveCode });
        const email = makeAddress(name);
        await shopper.turnBack();
        await shopper.becomeMember(email);
        await shopper.visitAccount();
        await shopper.comeBack(email);
        await shopper.bringGuestCart(email);
        await shopper.staysOnItsOwnSite();
        await shopper.losesItsSession(endSessions);
        await person.leave();
      } catch (error) {
        error.message += `\n${name} printed:\n${app.output}`;
        throw error;
      } finally {
        await person.context.close();
        await stop();
      }
      await readsItsEnvironment(made, `variables-${name}`);
    });
  }
});

test("every app of the repository has a guide", async () => {
  assert.deepEqual((await readdir(path.join(ROOT, "examples"))).sort(), Object.keys(EXAMPLES).sort());
});
