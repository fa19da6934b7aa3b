// What makes the pages more comfortable where scripts run; every page works without it.

// What is wrong has the focus: the list of several complaints, or the one field.
(document.getElementById("error-summary") ?? document.querySelector("[aria-invalid=true]"))?.focus();

// Show and hide a password.
for (const button of document.querySelectorAll(".reveal")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    input.focus();
  });
  input.form.addEventListener("submit", () => {
    // Password managers and the browser's history look at the type when the form leaves.
    input.type = "password";
    button.setAttribute("aria-pressed", "false");
  });
}

// A rough guess while typing; the server's own judgment decides.
const WEAK_RUNS = /^(.)\1+$|^(?:0?123456789?0?|abcdefgh?i?|qwert[zy]\w*|password\w*|letmein\w*|welcome\w*|iloveyou\w*)$/i;

function rate(password) {
  if (WEAK_RUNS.test(password)) return 0;
  let alphabet = 0;
  if (/[a-z]/.test(password)) alphabet += 26;
  if (/[A-Z]/.test(password)) alphabet += 26;
  if (/[0-9]/.test(password)) alphabet += 10;
  if (/[ -/:-@[-`{-~]/.test(password)) alphabet += 32;
  if (/[^ -~]/.test(password)) alphabet += 100;
  const distinct = new Set(password.toLowerCase()).size;
  // A repeated sign adds little: count the distinct ones fully and the others for a quarter.
  const length = distinct + ([...password].length - distinct) / 4;
  const bits = length * Math.log2(Math.max(alphabet, 2));
  return [28, 40, 55, 75].filter((limit) => bits >= limit).length;
}

for (const meter of document.querySelectorAll("[data-meter]")) {
  const input = document.getElementById(meter.dataset.meter);
  const words = meter.querySelector(".meter-text");
  let waiting = 0;
  input.addEventListener("input", () => {
    if (!input.value) {
      delete meter.dataset.score;
      words.textContent = "";
      return;
    }
    const score = rate(input.value);
    meter.dataset.score = String(score);
    // Spoken only after a pause, or a screen reader would read every key's verdict.
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      words.textContent = meter.getAttribute(`data-text-${score}`);
    }, 350);
  });
}

// Count down to the moment a new code can be asked for.
for (const line of document.querySelectorAll("[data-countdown]")) {
  const button = line.parentElement.querySelector("button");
  const end = performance.now() + Number(line.dataset.countdown) * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      line.hidden = true;
      button.disabled = false;
      return;
    }
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    line.textContent = line.dataset.text.replace("@", clock);
    setTimeout(tick, 250);
  };
  tick();
}

// One press, one request: a second one would only meet a spent form. The button works again when the press has led
// nowhere: the answer does not come, the browser blocked the navigation, or it opened an app beside this page.
const PATIENCE_MS = 8000;

function release(forms = document.querySelectorAll("form")) {
  for (const form of forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
}

for (const form of document.querySelectorAll("form")) {
  let patience = 0;
  form.addEventListener("submit", (event) => {
    // An answer in a frame leaves the form as it is, to be sent again.
    if (event.defaultPrevented || event.submitter?.formTarget) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
    clearTimeout(patience);
    patience = setTimeout(() => release([form]), PATIENCE_MS);
  });
}
window.addEventListener("pageshow", (event) => {
  if (event.persisted) release();
});
document.addEventListener("securitypolicyviolation", () => release());

// Paste "123 456" or "123-456": keep the digits.
for (const input of document.querySelectorAll("input.code")) {
  input.addEventListener("input", () => {
    const digits = input.value.replace(/[\s-]+/g, "");
    if (digits !== input.value) input.value = digits;
  });
}
