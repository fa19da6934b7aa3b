// What pages name in their text, between backticks: commands and their options, settings, and paths of the server must exist.

import { readFile } from "node:fs/promises";
import path from "node:path";

import { BINARY, run } from "./checks/tools.js";
import { ROOT } from "./pages.js";

const helps = new Map();
/** What `vestibule … --help` prints, or `null` where there is no such command. */
function readHelp(words) {
  const key = words.join(" ");
  if (!helps.has(key)) helps.set(key, run(BINARY, [...words, "--help"]).then(({ stdout }) => stdout, () => null));
  return helps.get(key);
}

/** What stands between single backticks, outside blocks of code. */
export function findCodes(text) {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, "").replaceAll("\n", " ");
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}

/** Why a command does not exist, or `null`. */
export async function judgeCommand(command) {
  const words = command.split(/\s+/);
  const names = [];
  for (const word of words) {
    if (!/^[a-z][a-z-]*$/.test(word)) break;
    const help = await readHelp(names);
    if (!new RegExp(`^  ${word} `, "m").test(help)) {
      if (help.includes("Commands:")) return `there is no command "${word}"`;
      break; // an argument
    }
    names.push(word);
  }
  const help = await readHelp(names);
  const options = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]);
  const missing = options.find((option) => !new RegExp(`${option}\\b`).test(help));
  return missing ? `there is no option "${missing}"` : null;
}

// Names of the same form: members of events and of log lines, and what a test has.
const NO_SETTINGS = /^(oauth\.x?_?state|http\.(re[qs]\w+\.\w+|route|status|method)|server\.address|server\.clock\.\w+)$/;

/** Whether a dotted name is a setting, or what several begin with; `null` for an event and where it is of another kind. */
export function makeSettingsJudge(configuration, project, events) {
  const types = new Set([...events.matchAll(/"([a-z_]+(?:\.[a-z_]+)+)"/g)].map(([, type]) => type));
  const keys = new Set();
  let section = "";
  for (const line of configuration.split("\n")) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    const key = /^(\w+) = /.exec(line)?.[1];
    if (key) keys.add(`${section}.${key}`);
  }
  for (const [, key] of project.matchAll(/^\| `([^`]+)`/gm)) keys.add(key.replaceAll(/\[\]|\{\}/g, ""));
  const sections = new Set([...keys].map((key) => key.split(".")[0]));
  return (code) => {
    const key = /^([a-z_]+(?:\.[a-z_0-9]+)+)(?: = .*)?$/.exec(code)?.[1];
    const isFile = /\.(rs|md|toml|js|db|sh|py|sql|json|key|env|service)$/.test(key ?? "");
    if (!key || isFile || !sections.has(key.split(".")[0]) || NO_SETTINGS.test(key) || types.has(key)) return null;
    return keys.has(key) || [...keys].some((other) => other.startsWith(`${key}.`));
  };
}

/** Whether the server has a path; `null` for what is no path of it. */
export function makePathsJudge(credentials) {
  const routes = [...credentials.matchAll(/`(\/[^`]*)`/g)].map(([, route]) => route.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{[^}]*\}/g, "[^/]+"));
  const known = new RegExp(`^(/_api/admin/v1)?(${routes.join("|")})$`);
  return (code) => {
    const [, method, text] = /^(?:(GET|POST|PUT|DELETE|PATCH) )?(?:https:\/\/auth\.shop\.example)?(\/[A-Za-z_.][^ ?#…*]*)/.exec(code) ?? [];
    if (!text || code.includes("*") || code.includes("…")) return null;
    const isOurs = method || /^\/(_api\/admin\/v1\/|_resolver|oauth2|api\/|settings|portal|flows|healthz|readyz|metrics)/.test(text);
    return isOurs ? known.test(text) || known.test(`/_api/admin/v1${text}`) || text === "/metrics" : null;
  };
}

/** What the pages name; answers how much of each kind, and what does not exist. */
export async function checkProse(pages) {
  const read = (page) => readFile(path.join(ROOT, page), "utf8");
  const [configuration, project, credentials] = await Promise.all(["config", "project", "credentials"].map((name) => read(`docs/reference/${name}.md`)));
  const events = await read("crates/domain/src/event/mod.rs");
  const [isSetting, isPath] = [makeSettingsJudge(configuration, project, events), makePathsJudge(credentials)];
  const found = { commands: 0, settings: 0, paths: 0, faults: [] };
  const note = (kind, page, code, isRight) => {
    if (isRight === null) return;
    found[kind] += 1;
    if (!isRight) found.faults.push(`${page}: \`${code}\` is none of the ${kind}`);
  };
  for (const page of pages) {
    for (const code of findCodes(await read(page))) {
      note("settings", page, code, isSetting(code));
      note("paths", page, code, isPath(code));
      const command = /(?:^|\s)vestibule ([a-z].*)$/.exec(code)?.[1];
      const fault = command && (await judgeCommand(command));
      note("commands", page, fault ? `${code}\` (${fault}) \`` : code, command ? !fault : null);
    }
  }
  return found;
}
