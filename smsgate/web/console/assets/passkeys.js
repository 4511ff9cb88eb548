// Passkeys: lets the browser make one, or sign in by one, and sends its answer with the form.
"use strict";

const SENTENCES = {
  InvalidStateError: "This device has a passkey for you already. Use it, or add one on another device.",
  NotAllowedError: "No passkey was used: it was cancelled or timed out. Try again.",
  SecurityError: "The browser allows no passkeys at this address.",
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const problem = form.querySelector("[data-problem]"), origin = form.dataset.origin;
  const say = (sentence) => { problem.textContent = sentence; problem.hidden = !sentence; };
  if (location.origin !== origin) {
    say(`Passkeys work at ${origin} only: open the console there.`);
    continue;
  }
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    say("This browser does not support passkeys here: it is too old, or the address is not https.");
    continue;
  }
  say("");
  const fields = form.querySelector("[data-fields]");
  fields.hidden = false;
  if ("focus" in form.dataset && !document.querySelector("[aria-invalid]")) fields.querySelector("button").focus();
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;  // the browser has answered
    event.preventDefault();
    say("");
    const button = event.submitter ?? fields.querySelector("button");
    button.disabled = true;
    try {
      const options = JSON.parse(form.dataset.passkey);
      const credential = options.user
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
    } catch (error) {
      say(SENTENCES[error.name] ?? `The passkey did not work: ${error.message}`);
    }
    button.disabled = false;
    button.focus();
    if (form.elements.credential.value) form.requestSubmit(button);
  });
}
// A page that comes back from the browser's cache has an answer that was used.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.querySelectorAll("form[data-passkey]")) form.elements.credential.value = "";
});
