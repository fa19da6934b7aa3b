// Passkeys: asks the browser for a WebAuthn credential and posts it as JSON with base64url values.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const withBytes = (list) => (list ?? []).map((item) => ({ ...item, id: decode(item.id) }));

function readCreation(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return {
    ...options,
    challenge: decode(options.challenge),
    user: { ...options.user, id: decode(options.user.id) },
    excludeCredentials: withBytes(options.excludeCredentials),
  };
}

function readRequest(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: decode(options.challenge), allowCredentials: withBytes(options.allowCredentials) };
}

// Written by hand and not with toJSON(), which some password managers' credentials lack.
function print(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: encode(answer.clientDataJSON) };
  if (answer.attestationObject) {
    response.attestationObject = encode(answer.attestationObject);
    response.transports = answer.getTransports?.() ?? [];
  } else {
    response.authenticatorData = encode(answer.authenticatorData);
    response.signature = encode(answer.signature);
    response.userHandle = answer.userHandle ? encode(answer.userHandle) : null;
  }
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
}

// As for every form (vestibule.js): the button works again when the press has led nowhere.
const PATIENCE_MS = 8000;

if (!window.PublicKeyCredential) {
  for (const notice of document.querySelectorAll("[data-passkey-missing]")) notice.hidden = false;
}

for (const box of window.PublicKeyCredential ? document.querySelectorAll("[data-passkey]") : []) {
  const form = box.querySelector("form");
  const button = form.querySelector("button");
  const complaint = box.querySelector(".complaint");
  const release = () => {
    button.disabled = false;
  };
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) release();
  });
  box.hidden = false;
  form.addEventListener(
    "submit",
    async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      complaint.hidden = true;
      try {
        const parsed = JSON.parse(box.dataset.options);
        const options = parsed.publicKey ?? parsed;
        const credential =
          box.dataset.passkey === "create"
            ? await navigator.credentials.create({ publicKey: readCreation(options) })
            : await navigator.credentials.get({ publicKey: readRequest(options) });
        form.elements.credential.value = print(credential);
        form.submit();
        setTimeout(release, PATIENCE_MS);
      } catch {
        // Refused, timed out or not possible here: all the same to the person, who can try again.
        complaint.hidden = false;
        release();
        button.focus();
      }
    },
    // Before the listener that lets a form be sent only once.
    { capture: true },
  );
}
