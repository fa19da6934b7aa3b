// The mailbox page: asks for the mails every two seconds while somebody looks, and shows new ones on top.

const REFRESH_MS = 2000;
const list = document.getElementById("mails");
const state = document.getElementById("state");
const shown = new Set();

await refresh();
setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_MS);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());

async function refresh() {
  try {
    const response = await fetch("/mailbox/mails.json");
    if (response.status === 403) return say(await response.text());
    if (!response.ok) throw new Error(String(response.status));
    const { mails } = await response.json(); // newest first
    for (const mail of mails.filter((mail) => !shown.has(mail.id)).reverse()) {
      shown.add(mail.id);
      list.prepend(renderMail(mail));
    }
    const count = list.childElementCount;
    say(count === 0 ? state.dataset.empty : `${count} ${count === 1 ? "mail" : "mails"}, newest first`);
  } catch {
    say("The server does not answer. Is it still running?");
  }
}

/** Says it once: a screen reader must not hear the same sentence every two seconds. */
function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

function renderMail({ id, to, subject, text, at, has_html }) {
  const code = /(?<!\d)\d{6}(?!\d)/.exec(text)?.[0];
  const time = make("time", { datetime: at }, new Date(at).toLocaleTimeString());
  const mail = make("li", { class: "mail" }, make("div", { class: "mail-head" }, make("span", {}, `To ${to}`), time), make("h2", {}, subject));
  if (code) {
    const copy = make("button", { type: "button", class: "quiet" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code);
      copy.textContent = "Copied";
    });
    mail.append(make("div", { class: "code" }, make("output", { "aria-label": "Code" }, code), copy));
  }
  const whole = make("details", {}, make("summary", {}, "The whole mail"), make("pre", {}, text));
  if (has_html) {
    // The HTML part is a document of its own, served with a sandbox: a mail runs nothing here.
    whole.addEventListener("toggle", () => whole.append(make("iframe", { src: `/mailbox/mails/${id}`, title: `${subject}, as a mail program shows it`, sandbox: "" })), { once: true });
  }
  mail.append(whole);
  return mail;
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
