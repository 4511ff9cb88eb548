// Keys and small manners of the pages. Nothing here is needed: every page works without it.
"use strict";

// "g" and a letter lead to a page, "/" to the search, "?" shows the keys; never while one types.
let waiting = false;
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (waiting) {
    waiting = false;
    const link = document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (event.key === "g") { waiting = true; setTimeout(() => { waiting = false; }, 1000); return; }
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
    return;
  }
  if (event.key === "?") { document.querySelector("#keys")?.showModal(); return; }
  // A page's own keys: whatever carries data-press is pressed.
  const pressed = document.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
  if (!pressed) return;
  event.preventDefault();
  // A key held down, or struck twice, must not act on what has only just appeared.
  if (event.repeat || ("calm" in pressed.dataset && performance.now() < swapped + 300)) return;
  pressed.focus();
  pressed.click();
});

let swapped = -300;
document.addEventListener("htmx:afterSwap", () => { swapped = performance.now(); });

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
});

// What was said at the top about one thing that was sent goes with the next.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb !== "get") document.getElementById("notice").replaceChildren();
});

// What renews itself says so where it could not: what it shows may be out of date.
for (const failed of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failed, (event) => {
    const live = event.target.closest("[data-live]");
    if (!live || live.querySelector(":scope > .stale")) return;
    const said = document.createElement("p");
    said.className = "said bad stale";
    said.setAttribute("role", "alert");
    said.textContent = `The console has not answered since ${new Date().toLocaleTimeString()}. What is shown below is out of date.`;
    live.prepend(said);
  });
}

// An answer that is an error is shown too, where the page has a place for it.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400) { event.detail.shouldSwap = true; event.detail.isError = false; }
});

// What was sent by a field that is written into again and again is taken out of it.
document.addEventListener("htmx:afterRequest", (event) => {
  const field = event.target.querySelector?.("[data-clear]");
  if (field && event.detail.successful) field.value = "";
});

// Setup: copies a field.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { return; }
  document.getElementById(`${field.id}-said`).textContent = "Copied.";
});
