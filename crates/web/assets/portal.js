// What makes the portal more comfortable where scripts run; every page works without it.

// One drop-down at a time; a press outside or Escape closes it.
const drops = [...document.querySelectorAll("details.drop")];
document.addEventListener("click", (event) => {
  for (const drop of drops) if (!drop.contains(event.target)) drop.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drop of drops) {
    if (!drop.open) continue;
    drop.open = false;
    drop.querySelector("summary").focus();
  }
});

// "30 days" below a number of seconds; control.rs of the portal says the same.
const UNITS = [["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function describeSeconds(seconds) {
  const units = seconds > 0 && seconds % UNITS[0][1] === 0 ? UNITS : UNITS.slice(1);
  const parts = [];
  let rest = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ") || "0 seconds";
}

const readNumber = (input) => (/^\d+$/.test(input.value.trim()) ? Number(input.value.trim()) : NaN);

// A number of seconds is edited as a number and a unit; what is sent stays seconds.
const EDITED = UNITS.filter(([name]) => name !== "week");
const largestUnit = (seconds) => EDITED.find(([, size]) => seconds % size === 0) ?? EDITED.at(-1);
const secondsOf = new WeakMap();
const readSeconds = (input) => secondsOf.get(input)?.() ?? readNumber(input);

// "1 minute", not "1 minutes".
function nameUnits(unit, input) {
  const ending = Number(input.value.trim() || input.placeholder) === 1 ? "" : "s";
  for (const one of unit.options) one.textContent = `${one.value}${ending}`;
}

function editInUnits(input) {
  const start = readNumber(input);
  const otherwise = /^\d+$/.test(input.placeholder) ? Number(input.placeholder) : NaN;
  const known = Number.isNaN(start) ? otherwise : start;
  const isText = input.value.trim() !== "" && Number.isNaN(start);
  const [name, size] = isText || known === 0 ? EDITED.at(-1) : known > 0 ? largestUnit(known) : EDITED[0];
  const unit = document.createElement("select");
  unit.className = "input unit-choice";
  unit.disabled = input.disabled;
  unit.setAttribute("aria-label", `Unit of ${input.labels[0]?.textContent ?? input.name}`);
  for (const [one] of EDITED) unit.add(new Option(one, one, one === name, one === name));
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.disabled = input.disabled;
  sent.name = input.name;
  input.removeAttribute("name");
  if (!Number.isNaN(start)) input.value = String(start / size);
  const fitPlaceholder = () => {
    if (!Number.isNaN(otherwise)) input.placeholder = String(otherwise / EDITED.find(([one]) => one === unit.value)[1]);
  };
  secondsOf.set(input, () => readNumber(input) * EDITED.find(([one]) => one === unit.value)[1]);
  const carry = () => {
    nameUnits(unit, input);
    const seconds = readSeconds(input);
    // What is no number goes as it is typed, so that the answer can say so.
    sent.value = Number.isNaN(seconds) ? input.value.trim() : String(seconds);
  };
  input.addEventListener("input", carry);
  unit.addEventListener("change", () => {
    fitPlaceholder();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  fitPlaceholder();
  carry();
  input.parentElement.querySelector(".unit")?.replaceWith(unit);
  input.after(sent);
}

for (const line of document.querySelectorAll("[data-seconds]")) {
  const input = document.getElementById(line.dataset.seconds);
  editInUnits(input);
  const say = () => {
    const seconds = readSeconds(input);
    const words = Number.isNaN(seconds) ? "" : describeSeconds(seconds);
    // "3 days" below a 3 and "days" says nothing.
    const unit = input.parentElement.querySelector(".unit-choice").value;
    const typed = `${input.value.trim()} ${unit}`;
    line.textContent = words === typed || words === `${typed}s` ? "" : words;
  };
  input.addEventListener("input", say);
  say();
}

// So is a length of time such as 1h; what is sent stays such a text.
const LETTERS = { d: 86400, h: 3600, m: 60, s: 1 };

for (const input of document.querySelectorAll("[data-period]")) {
  const text = input.value.trim();
  if (!/^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$/.test(text)) continue;
  const seconds = [...text.matchAll(/(\d+)([dhms])/g)].reduce((sum, [, count, letter]) => sum + count * LETTERS[letter], 0);
  const [name, size] = seconds > 0 ? largestUnit(seconds) : EDITED.find(([one]) => one === "minute");
  const unit = document.createElement("select");
  unit.className = "input unit-choice";
  unit.disabled = input.disabled;
  unit.setAttribute("aria-label", `Unit of ${input.labels[0]?.textContent ?? input.name}`);
  for (const [one] of EDITED) unit.add(new Option(one, one, one === name, one === name));
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.disabled = input.disabled;
  sent.name = input.name;
  input.removeAttribute("name");
  input.placeholder = "";
  input.inputMode = "numeric";
  if (seconds > 0) input.value = String(seconds / size);
  const carry = () => {
    nameUnits(unit, input);
    const typed = input.value.trim();
    // What was not changed goes as it was written: 90s and 1m30s are the same.
    const isSame = readNumber(input) * EDITED.find(([one]) => one === unit.value)[1] === seconds;
    if (isSame) sent.value = text;
    else sent.value = /^\d+$/.test(typed) ? `${typed}${unit.value[0]}` : typed;
  };
  input.addEventListener("input", carry);
  unit.addEventListener("change", () => input.dispatchEvent(new Event("input", { bubbles: true })));
  carry();
  input.after(unit, sent);
}

// A control that counts only while a toggle is on.
for (const field of document.querySelectorAll("[data-depends]")) {
  const toggle = document.getElementById(field.dataset.depends);
  if (!toggle) continue;
  const show = () => {
    field.classList.toggle("is-off", !toggle.checked);
    // Out of reach, but still sent: what is in it is not forgotten.
    field.inert = !toggle.checked;
  };
  toggle.addEventListener("change", show);
  show();
}

// Save is there once something changed; leaving with unsaved changes asks.
for (const form of document.querySelectorAll("form[data-guard]")) {
  const button = form.querySelector("[data-save]");
  const state = form.querySelector(".save-state");
  const print = () => {
    const fields = [...new FormData(form)].filter(([name]) => !name.startsWith("preview_"));
    return new URLSearchParams(fields).toString();
  };
  const before = form.dataset.guard === "dirty" ? "" : print();
  let sending = false;
  const look = () => {
    const dirty = print() !== before;
    if (button) button.disabled = !dirty;
    if (state) state.textContent = dirty ? "Not saved yet" : "";
    return dirty;
  };
  form.addEventListener("input", look);
  form.addEventListener("change", look);
  form.addEventListener("submit", (event) => {
    // A preview is shown in a frame: the page stays.
    sending = !event.submitter?.formTarget;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && look()) event.preventDefault();
  });
  window.addEventListener("pageshow", () => {
    sending = false;
    look();
  });
  look();
}

// The sentence a lifetime and an idle timeout come to; settings_page.rs of the portal says the same.
for (const line of document.querySelectorAll("[data-lifetime]")) {
  const [lifetime, enabled, idle] = ["lifetime", "enabled", "idle"].map((name) => document.getElementById(line.dataset[name]));
  // An empty field may stand for what counts for members.
  const { elseLifetime = "", elseIdle = "" } = line.dataset;
  const read = (input, otherwise) => (input.value.trim() === "" && otherwise !== "" ? Number(otherwise) : readSeconds(input));
  const idles = () => (enabled ? enabled.checked : elseIdle !== "");
  const say = () => {
    const hard = read(lifetime, elseLifetime);
    const soft = idles() ? read(idle, elseIdle) : NaN;
    let words = "";
    if (!Number.isNaN(hard)) {
      const whole = describeSeconds(hard);
      if (Number.isNaN(soft)) words = `Ends ${whole} after sign-in, even if it is used.`;
      else if (soft < hard) words = `Ends ${describeSeconds(soft)} after the last use, and at most ${whole} after sign-in.`;
      else words = `Ends ${whole} after sign-in. The idle timeout has no effect, because it is not shorter.`;
    }
    line.textContent = words;
  };
  for (const input of [lifetime, enabled, idle]) input?.addEventListener("input", say);
}

// A color is typed, or picked beside the field.
for (const pick of document.querySelectorAll("[data-color-of]")) {
  const typed = document.getElementById(pick.dataset.colorOf);
  const follow = () => {
    if (/^#[0-9a-f]{6}$/i.test(typed.value.trim())) pick.value = typed.value.trim();
  };
  pick.hidden = false;
  pick.addEventListener("input", () => {
    typed.value = pick.value;
    typed.dispatchEvent(new Event("input", { bubbles: true }));
  });
  typed.addEventListener("input", follow);
  follow();
}

// The preview of the brand is the page itself, made by the server of what is in the form. Each one comes into a new frame, so that
// it does not flicker, and the Back button does not go through them.
for (const preview of document.querySelectorAll("[data-preview]")) {
  const form = preview.closest("form");
  const row = preview.querySelector("[data-preview-button]");
  const button = row?.querySelector("button");
  const saved = preview.querySelector("iframe").getAttribute("src");
  if (row) row.hidden = true;
  let [waiting, count, coming] = [0, 0, null];
  const renew = () => {
    coming?.remove();
    const shown = preview.querySelector("iframe");
    const next = shown.cloneNode();
    count += 1;
    next.name = `branding-preview-${count}`;
    next.removeAttribute("src");
    next.hidden = true;
    shown.after(next);
    coming = next;
    next.addEventListener("load", () => {
      if (coming !== next) return;
      coming = null;
      next.hidden = false;
      shown.remove();
    });
    if (button) {
      button.formTarget = next.name;
      form.requestSubmit(button);
    } else {
      // Who may not change the settings chooses what is shown of them.
      const choices = [...new FormData(form)].filter(([name]) => name.startsWith("preview_"));
      next.src = `${saved}?${new URLSearchParams(choices)}`;
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(renew, 300);
  };
  form.addEventListener("input", soon);
  // What was refused is in the form, and not saved.
  if (form.dataset.guard === "dirty") soon();
}

// A button that copies what stands before it; the label says what it is.
if (navigator.clipboard) {
  for (const source of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${source.dataset.copy}`);
    const said = document.createElement("span");
    said.className = "unseen";
    said.setAttribute("role", "status");
    let back = 0;
    button.addEventListener("click", async () => {
      let isCopied = true;
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        isCopied = false;
        getSelection()?.selectAllChildren(source);
      }
      said.textContent = isCopied ? "Copied" : "Press Ctrl+C to copy";
      button.textContent = said.textContent;
      // The name has to begin with what is written on it.
      button.setAttribute("aria-label", `${said.textContent}: ${source.dataset.copy}`);
      clearTimeout(back);
      back = setTimeout(() => {
        button.textContent = "Copy";
        button.setAttribute("aria-label", `Copy ${source.dataset.copy}`);
        said.textContent = "";
      }, 2000);
    });
    source.after(button, said);
  }
}

// The choice of colors, kept in this browser; appearance.js applies it before the page is painted.
for (const group of document.querySelectorAll("[data-appearance]")) {
  const root = document.documentElement;
  const buttons = [...group.querySelectorAll("button")];
  const show = () => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.value === root.dataset.colorScheme));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      root.dataset.colorScheme = button.value;
      try {
        localStorage.setItem("vestibule-appearance", button.value);
      } catch {
        // Without storage the choice holds for this page.
      }
      show();
    });
  }
  show();
  group.hidden = false;
}
