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

// "= 30 days" below a number of seconds; control.rs of the portal says the same.
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

for (const line of document.querySelectorAll("[data-seconds]")) {
  const input = document.getElementById(line.dataset.seconds);
  const say = () => {
    const seconds = readNumber(input);
    line.textContent = Number.isNaN(seconds) ? "" : describeSeconds(seconds);
  };
  input.addEventListener("input", say);
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
  const print = () => new URLSearchParams(new FormData(form)).toString();
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
  form.addEventListener("submit", () => {
    sending = true;
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
  const read = (input, otherwise) => (input.value.trim() === "" && otherwise !== "" ? Number(otherwise) : readNumber(input));
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

// The preview of the brand follows what is typed; the server makes the colors, as it does for the pages.
for (const preview of document.querySelectorAll("[data-preview]")) {
  const sheet = preview.querySelector("link");
  const accent = document.getElementById("accent");
  const name = document.getElementById("name");
  let waiting = 0;
  accent?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      sheet.href = `${preview.dataset.preview}?accent=${encodeURIComponent(accent.value.trim())}`;
    }, 200);
  });
  name?.addEventListener("input", () => {
    for (const words of preview.querySelectorAll("[data-preview-name]")) words.textContent = name.value || "Your project";
  });
}
