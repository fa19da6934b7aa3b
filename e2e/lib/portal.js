// The operators' portal: the server that serves it, and what an operator does on its first pages.

import { startServer } from "./server.js";

export const OPERATOR = { email: "olga@house.example", name: "Olga", password: "a lamp over seven quiet doors" };

/** The entries of applications in a project file. */
const printClients = (clients) =>
  clients
    .map((client) => Object.entries(client).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`))
    .map((lines) => `\n[[oauth.clients]]\n${lines.join("")}`)
    .join("");

/** A server with the portal and the project "shop": `sections` of its file, and its applications. */
export async function startPortal({ sections = "", clients = [], configure = () => "", ...options } = {}) {
  const server = await startServer({
    ...options,
    makeProject: (port) => `
[project]
id = "shop"
name = "Corner Shop"
public_origin = "http://localhost:${port}"
${sections}${printClients(clients)}`,
    configure: (port) => `\n[portal]\npublic_origin = "http://localhost:${port}"\n${configure(port)}`,
  });
  return {
    ...server,
    origin: `http://localhost:${server.port}`,
    firstLink: firstLink(server),
  };
}

/** The link for the first operator, as the server printed it. */
export const firstLink = ({ server }) => server.output.match(/http:\S+\/portal\/welcome\/\S+/)[0];

/** Enters a length of time, which is edited as a number and a unit, by its number of seconds. */
export async function enterSeconds(scope, label, seconds) {
  await scope.getByLabel(`Unit of ${label}`, { exact: true }).selectOption("second");
  await scope.getByLabel(label, { exact: true }).fill(seconds);
}

/** Waits for the page with this title. */
export const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

/** Fills in the page of the first operator, which is open. */
export async function nameFirstOperator(page) {
  await page.getByLabel("Email", { exact: true }).fill(OPERATOR.email);
  await page.getByLabel("Your name").fill(OPERATOR.name);
}

/** From the page of the first operator, which is open, to the projects. */
export async function createFirstOperator(page) {
  await nameFirstOperator(page);
  await page.getByLabel("Password", { exact: true }).fill(OPERATOR.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await heading(page, "Projects");
}

/** Signs the operator in on the page that asks for it, which is open. */
export async function signIn(page) {
  await page.getByLabel("Email").fill(OPERATOR.email);
  await page.getByLabel("Password", { exact: true }).fill(OPERATOR.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}
