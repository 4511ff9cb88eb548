// Keyboard shortcuts, local times, busy buttons. Every page works without it.
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

// Times in the zone that the operator chose, else in the browser's. Without scripts the server's are
// shown: in the chosen zone, else in UTC.
const named = document.getElementById("zone");
let zone = named?.dataset.zone || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const inZone = (date, format) => new Intl.DateTimeFormat("en", { ...format, timeZone: zone }).format(date);
try { inZone(new Date(), {}); } catch { zone = "UTC"; }  // this browser does not know it: the server's times stay
const hourCycle = Intl.DateTimeFormat(navigator.language, { hour: "numeric" }).resolvedOptions().hourCycle;
const formats = {
  year: { year: "numeric" },
  day: { month: "short", day: "numeric" },
  moment: { month: "short", day: "numeric", hour: hourCycle === "h12" ? "numeric" : "2-digit", minute: "2-digit", hourCycle },
  exact: { year: "numeric", month: "short", day: "numeric", hour: hourCycle === "h12" ? "numeric" : "2-digit", minute: "2-digit", second: "2-digit", hourCycle, timeZoneName: "short" },
};
function showLocalTimes(root) {
  if (zone === "UTC" || zone === "Etc/UTC") return;
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    time.dataset.local = "";
    const kind = "exact" in time.dataset ? "exact" : "day" in time.dataset ? "day" : "moment";
    const isThisYear = inZone(date, formats.year) === inZone(new Date(), formats.year);
    const local = inZone(date, { ...formats[kind], ...(kind === "exact" || isThisYear ? {} : formats.year) });
    time.textContent = kind === "exact" ? `${local} (${time.dataset.exact})` : local;
  }
}
if (named && !named.dataset.zone) named.textContent = `Times are in ${zone.replaceAll("_", " ")}.`;
// Days and times that are typed count in that zone, too: their fields name it, their form sends it.
function nameZone(root) {
  if (!zone.includes("/") || zone.startsWith("Etc/")) return;  // the server knows places alone
  const shown = zone.replaceAll("_", " ");
  for (const name of root.querySelectorAll("[data-zone-name]")) name.textContent = shown;
  for (const field of root.querySelectorAll("[data-zone-field]")) {
    field.removeAttribute("data-zone-field");  // parts of pages are looked at again
    if (field.localName === "option") field.before(new Option(shown, zone, true, true));
    else field.value = zone;
  }
}
showLocalTimes(document);
nameZone(document);
document.addEventListener("htmx:load", (event) => { showLocalTimes(event.target); nameZone(event.target); });

// On a phone tabs are one line that scrolls: the current one is in sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const line = tab.closest("ul"), spare = (line.clientWidth - tab.offsetWidth) / 2;
  line.scrollLeft += tab.getBoundingClientRect().left - line.getBoundingClientRect().left - spare;
}

// A form that was sent shows so, and its page comes back with the same control in focus.
document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (event.defaultPrevented || form.hasAttribute("hx-post") || form.hasAttribute("hx-get")) return;
  if (form.matches("[role=search]")) return;  // its result is another page
  // A preview is the answer to a form: the back button would ask to send that once more.
  if ("return" in form.dataset) history.replaceState(null, "", form.dataset.return);
  const place = [...document.forms].indexOf(form);
  sessionStorage.setItem("focus", JSON.stringify({ id: document.activeElement?.id, action: form.getAttribute("action"), place }));
  // Not before the browser has read the form: a disabled button would not be sent.
  setTimeout(() => {
    setSending(form, button);
    // A download leaves its page where it is.
    if ("download" in form.dataset) setTimeout(() => setSent(form), 8000);
  });
});
// While a form is sent it cannot be sent again, by none of its buttons; of downloads by the same one.
function setSending(form, button) {
  form.dataset.sending = "";
  for (const one of "download" in form.dataset ? [button] : form.elements) {
    if (one?.type === "submit" && !one.disabled) { one.dataset.held = ""; one.disabled = true; }
  }
  button?.setAttribute("aria-busy", "true");
}
function setSent(form) {
  delete form.dataset.sending;
  for (const one of form.elements) {
    if ("held" in one.dataset) { delete one.dataset.held; one.disabled = false; }
    one.removeAttribute("aria-busy");
  }
}
// What htmx sends leaves the page where it is, so its buttons stay and keep the focus.
document.addEventListener("htmx:confirm", (event) => {
  if ("sending" in event.target.dataset && event.detail.triggeringEvent?.type === "submit") event.preventDefault();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const cause = event.detail.requestConfig.triggeringEvent;
  if (cause?.type !== "submit" || cause.target !== event.target) return;
  event.target.dataset.sending = "";
  cause.submitter?.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches?.("form[data-sending]")) setSent(event.target);
});
addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[data-sending]")) setSent(form);
  const kept = JSON.parse(sessionStorage.getItem("focus") || "null");
  sessionStorage.removeItem("focus");
  if (event.persisted || !kept || document.querySelector("main [autofocus]")) return;
  const form = document.forms[kept.place];
  if (form?.getAttribute("action") !== kept.action) return;
  (form.elements.namedItem(kept.id) || form.querySelector("button:not([type=button])"))?.focus();
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
    said.className = "notice bad stale";
    said.setAttribute("role", "alert");
    said.textContent = `The console has not answered since ${new Date().toLocaleTimeString([], { timeZone: zone })}. What is shown below is out of date.`;
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

// Copies a field.
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { return; }
  document.getElementById(`${field.id}-copied`).textContent = "Copied";
});

// Shows what is in a field for a password, until it is pressed again or the form is sent.
for (const button of document.querySelectorAll("[data-show]")) button.hidden = false;
function showPassword(button, isShown) {
  document.getElementById(button.dataset.show).type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", isShown);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  if (button) showPassword(button, button.getAttribute("aria-pressed") === "false");
});
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-show]")) showPassword(button, false);
});

// The counts in the menu renew themselves while somebody looks at the page.
const badges = document.querySelectorAll("[data-badge]");
async function renewBadges() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch("/console/badges", { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const counts = await answer.json();
    for (const badge of badges) {
      const count = counts[badge.dataset.badge] || 0;
      badge.textContent = count.toLocaleString("en");
      badge.hidden = !count;
    }
  } catch { /* a page that renews itself says what it could not reach */ }
}
if (badges.length) {
  setInterval(renewBadges, 15000);
  document.addEventListener("visibilitychange", renewBadges);
  document.addEventListener("htmx:afterSwap", renewBadges);
}
