// The recipes that verify JWTs: Python, Go, Java and Spring Security, each asked about good and bad tokens of a real server.

import assert from "node:assert/strict";
import { cp, mkdir, readFile } from "node:fs/promises";

import { find, harness, inFolder, path, python, replace, ROOT, run, withShop, write } from "./tools.js";

const ISSUER = "https://auth.shop.example";
const client = (id, extra = "") => `
[[oauth.clients]]
client_id = "${id}"
x_application_type = "spa"
redirect_uris = ["http://localhost:3000/"]
issue_jwt_access_token = true
${extra}`;
const CLIENTS = client("shop-web") + client("other-web") + client("es256-web", 'access_token_signed_response_alg = "ES256"');

/** What the guide says to install: what the pattern finds, or an error. */
async function readGuide(pattern) {
  const text = await readFile(path.join(ROOT, "docs/guides/backend.md"), "utf8");
  const found = pattern.exec(text)?.[1];
  assert.ok(found, `the guide says nothing like ${pattern}`);
  return found;
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Tokens, and what a recipe must say of each: a user, or nothing. */
async function makeTokens(shop) {
  const guest = await shop.signUp("shop-web");
  const sub = await shop.findSub(guest.access_token);
  const member = await shop.signUpMember("shop-web");
  const [header, claims, signature] = member.access_token.split(".");
  const read = JSON.parse(Buffer.from(claims, "base64url"));
  const other = (await shop.signUp("other-web")).access_token;
  const turned = [...signature].reverse().join("");
  const bad = {
    "an ID token": member.id_token,
    "a refresh token": member.refresh_token,
    "another application's token": other,
    "a token by another algorithm": (await shop.signUp("es256-web")).access_token,
    "a token without a signature": `${encode({ alg: "none", typ: "at+jwt" })}.${claims}.`,
    "a changed signature": `${header}.${claims}.${turned}`,
    "changed claims": `${header}.${encode({ ...read, sub })}.${signature}`,
    "the claims of one and the signature of another": `${header}.${claims}.${other.split(".")[2]}`,
    "no JWT": "nonsense",
    "three dots": "a.b.c",
  };
  return [
    ["a guest", guest.access_token, { id: sub, guest: true }],
    ["a member", member.access_token, { id: member.sub, guest: false }],
    ...Object.entries(bad).map(([what, token]) => [what, token, null]),
  ];
}

/** Starts a server, and asks the program that `build` made about every token: one line in, one line of JSON out. */
function judge(build) {
  return withShop({ clients: CLIENTS }, async (shop) => {
    const tokens = await makeTokens(shop);
    return inFolder(async (folder) => {
      const { program, args, ...options } = await build(folder, (code) => replace(code, ISSUER, shop.origin));
      const input = tokens.map(([, token]) => `${token}\n`).join("");
      const { stdout } = await run(program, args, { cwd: folder, input, ...options });
      const lines = stdout.trim().split("\n");
      assert.equal(lines.length, tokens.length, stdout);
      tokens.forEach(([what, , expected], number) => assert.deepEqual(JSON.parse(lines[number]), expected, what));
    });
  });
}

async function runPython([{ code }]) {
  const program = await python("jwt", [await readGuide(/`pip install "([^"]+)"`/)]);
  if (!program) return "python3 is not installed";
  await judge(async (folder, fill) => {
    await write(folder, "recipe.py", fill(code));
    return { program, args: [harness("judge.py")], env: { PYTHONPATH: folder } };
  });
  // A key set that can't be fetched is an error of the backend, not of the caller.
  await inFolder(async (folder) => {
    await write(folder, "recipe.py", replace(code, ISSUER, "http://127.0.0.1:9"));
    const token = `${encode({ alg: "RS256", typ: "at+jwt", kid: "a" })}.${encode({})}.AAAA\n`;
    await run(program, [harness("judge.py")], { cwd: folder, input: token, status: 1, env: { PYTHONPATH: folder } });
  });
}

async function runGo([{ code }]) {
  if (!(await find("go"))) return "go is not installed";
  await judge(async (folder, fill) => {
    await write(folder, "recipe.go", fill(code));
    await cp(harness("jwt.go.txt"), path.join(folder, "main.go"));
    await run("go", ["mod", "init", "shop"], { cwd: folder });
    await run("go", ["get", ...(await readGuide(/`go get ([^`]+)`/)).split(" ")], { cwd: folder });
    await run("go", ["build", "-o", "recipe", "."], { cwd: folder });
    return { program: path.join(folder, "recipe"), args: [] };
  });
}

/** Compiles Java sources with packages of Maven Central, and answers how to run their class `Main`. */
export async function buildJava(folder, packages, sources) {
  const dependency = (name) => {
    const [groupId, artifactId, version] = name.split(":");
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`;
  };
  const project = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
    <groupId>shop</groupId><artifactId>recipe</artifactId><version>1</version><dependencies>${packages.map(dependency).join("")}</dependencies></project>`;
  await write(folder, "pom.xml", project);
  const list = path.join(folder, "classpath");
  await run("mvn", ["-q", "-B", "dependency:build-classpath", `-Dmdep.outputFile=${list}`], { cwd: folder });
  const jars = (await readFile(list, "utf8")).trim();
  await mkdir(path.join(folder, "out"));
  for (const [name, text] of Object.entries(sources)) await write(folder, name, text);
  await run("javac", ["-cp", jars, "-d", "out", ...Object.keys(sources)], { cwd: folder });
  return { program: "java", args: ["-cp", `out:${jars}`, "Main"] };
}

export async function missingJava() {
  for (const program of ["mvn", "javac"]) if (!(await find(program))) return `${program} is not installed`;
}

async function runJava([{ code }]) {
  const main = await readFile(harness("Jwt.java.txt"), "utf8");
  const library = await readGuide(/`(com\.nimbusds:nimbus-jose-jwt:[\d.]+)`/);
  const build = (folder, fill) =>
    buildJava(folder, [library], { "AccessTokens.java": fill(code), "Main.java": main });
  return (await missingJava()) ?? judge(build);
}

/** The packages that Spring Boot's `spring-boot-starter-oauth2-resource-server` brings for this. */
export const SPRING = ["org.springframework.security:spring-security-oauth2-jose:6.5.11", "org.springframework:spring-web:6.2.12"];

async function runSpring([{ code }]) {
  const main = await readFile(harness("Spring.java.txt"), "utf8");
  const build = (folder, fill) => buildJava(folder, SPRING, { "AccessTokenConfiguration.java": fill(code), "Main.java": main });
  return (await missingJava()) ?? judge(build);
}

export const JWT_CHECKS = {
  "jwt-python": { level: "quick", run: runPython },
  "jwt-go": { level: "long", run: runGo },
  "jwt-java": { level: "long", run: runJava },
  "jwt-spring": { level: "long", run: runSpring },
};
