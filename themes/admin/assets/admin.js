// What script adds to every page of the back office: toasts that go, light or dark, the palette, keys, selecting rows.
// Every page works without it; nothing the server knows is kept here.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** What is kept on this device, where the browser allows it. */
const kept = {
  get(name) { try { return localStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value); } catch { /* not kept, then */ } },
};

// ---- toasts --------------------------------------------------------------------------------------------------------

const SHOWN = 10_000;
const toasts = $("#toasts");

/** Lets a toast go after ten seconds, unless somebody is at it. */
function letGo(toast) {
  let timer;
  const wait = () => { clearTimeout(timer); timer = setTimeout(() => toast.remove(), SHOWN); };
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, wait);
  wait();
}

function say(text) {
  if (!toasts || !text) return;
  const toast = document.createElement("div");
  const line = document.createElement("p");
  toast.className = "toast";
  line.setAttribute("role", "status");
  toast.append(line);
  toasts.append(toast);
  while (toasts.children.length > 3) toasts.firstElementChild.remove();
  // A live region is read when its content changes in a later task.
  setTimeout(() => { line.textContent = text; }, 50);
  letGo(toast);
}
document.addEventListener("say", (event) => say(event.detail));

for (const toast of $$("[data-toast]")) {
  const line = $("[role=status]", toast);
  const words = line.textContent;
  line.textContent = "";
  setTimeout(() => { line.textContent = words; }, 50);
  letGo(toast);
}
// What was told once is not told again by a reload or a bookmark.
const here = new URL(location.href);
if (here.searchParams.has("told")) {
  here.searchParams.delete("told");
  history.replaceState(history.state, "", here);
}

// ---- light, dark, as the system ------------------------------------------------------------------------------------

const SCHEMES = ["auto", "light", "dark"];
function paintScheme() {
  const scheme = SCHEMES.includes(kept.get("scheme")) ? kept.get("scheme") : "auto";
  if (scheme === "auto") delete document.documentElement.dataset.scheme;
  else document.documentElement.dataset.scheme = scheme;
  for (const word of $$("[data-scheme-word]")) word.textContent = texts[`scheme${scheme[0].toUpperCase()}${scheme.slice(1)}`] ?? "";
  return scheme;
}
paintScheme();
addEventListener("storage", paintScheme);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-scheme-switch]")) return;
  const next = SCHEMES[(SCHEMES.indexOf(paintScheme()) + 1) % SCHEMES.length];
  kept.set("scheme", next === "auto" ? null : next);
  paintScheme();
});

// ---- menus: one at a time, Escape and a press beside them close them ------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open], details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = $("details.menu[open], details[data-menu][open]");
  if (menu) { menu.open = false; $("summary", menu)?.focus(); }
});

// ---- palette -------------------------------------------------------------------------------------------------------

const palette = $("#palette");
const find = $("#palette-q");
const results = $("#palette-results");
let chosen = -1;
let asked;

function choose(at) {
  const links = $$("a", results);
  links.forEach((link, index) => { link.classList.toggle("is-here", index === at); });
  chosen = links.length === 0 ? -1 : at;
  const link = links[chosen];
  link?.scrollIntoView({ block: "nearest" });
  $("#palette-live").textContent = link ? link.textContent.replace(/\s+/g, " ").trim() : "";
}

async function look() {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  try {
    const answer = await fetch(`/admin/jump?part=1&q=${encodeURIComponent(find.value)}`, { signal, headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    results.replaceChildren(...document.adoptNode(page.body).childNodes);
    choose(find.value.trim() === "" ? -1 : 0);
  } catch (error) {
    if (error.name !== "AbortError") $("#palette-live").textContent = results.textContent = navigator.onLine ? texts.failed : texts.offline;
  }
}

function openPalette() {
  if (!palette || palette.open) return;
  for (const dialog of $$("dialog[open]")) dialog.close();
  palette.showModal();
  find.select();
  look();
}

let typing;
find?.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(look, 120); });
palette?.addEventListener("keydown", (event) => {
  const links = $$("a", results);
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && links.length > 0) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    choose(chosen < 0 && step < 0 ? links.length - 1 : (chosen + step + links.length) % links.length);
  } else if (event.key === "Enter" && event.target === find && links[chosen]) {
    event.preventDefault();
    links[chosen].click();
  }
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-palette]");
  if (opener && palette && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); openPalette(); }
  if (event.target.closest("[data-keys]")) openKeys();
  // Pressing beside a dialog closes it where the browser does not know closedby yet.
  if (event.target.matches("dialog.dialog") && !("closedBy" in event.target)) event.target.close();
});

// ---- keys ----------------------------------------------------------------------------------------------------------

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
if (mac) for (const key of $$("[data-mod-key]")) key.textContent = key.textContent.replace("Ctrl ", "⌘ ");

const keys = $("#keys");
const keysOn = $("#keys-on");
if (keysOn) {
  keysOn.checked = kept.get("keys") !== "off";
  keysOn.addEventListener("change", () => kept.set("keys", keysOn.checked ? null : "off"));
}
function openKeys() {
  if (!keys || keys.open) return;
  for (const dialog of $$("dialog[open]")) dialog.close();
  keys.showModal();
}

const PLACES = { h: "/admin", o: "/admin/orders", p: "/admin/products", i: "/admin/inventory", c: "/admin/customers", s: "/admin/settings" };
const rows = () => $$("main .table tbody tr, main [data-rows] > li").filter((row) => $("a[href]", row) && row.checkVisibility());
const inField = (target) => target.closest("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
let went = 0;

/** The row with the focus, or the one it should go to. */
function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const to = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  const link = to && ($("th a[href], a.table__main", to) ?? $("a[href]", to));
  link?.focus();
  link?.scrollIntoView({ block: "nearest" });
}

function letter(event) {
  const key = event.key;
  if (Date.now() - went < 1500) {
    went = 0;
    const place = PLACES[key];
    // Only where the rail leads: a role has no shortcut to what it may not see.
    if (place && $(`.rail a[href="${place}"]`)) { location.assign(place); return true; }
  }
  if (key === "/") openPalette();
  else if (key === "?") openKeys();
  else if (key === "g") went = Date.now();
  else if (key === "n") $("[data-new], .head__actions a.btn--action")?.click();
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "x") {
    const tick = $("input[type=checkbox]", document.activeElement?.closest("tr, li") ?? document.createElement("i"));
    if (!tick) return false;
    tick.click();
  } else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || kept.get("keys") === "off") return;
  if (inField(event.target) || $("dialog[open]")) return;
  if (letter(event)) event.preventDefault();
});

// ---- selecting rows ------------------------------------------------------------------------------------------------

const ticksOf = (form) => $$("input[data-tick]").filter((tick) => tick.form === form);

function paintBulk(form) {
  const ticks = ticksOf(form);
  const count = ticks.filter((tick) => tick.checked).length;
  for (const bar of $$("[data-bulkbar]").filter((bar) => bar === form || form.contains(bar) || bar.dataset.bulkbar === form.id)) {
    bar.hidden = count === 0;
    const words = $("[data-count]", bar);
    if (words) words.textContent = fill(texts.selected, { n: count });
  }
  for (const all of $$("input[data-tick-all]").filter((all) => all.form === form)) {
    all.checked = count > 0 && count === ticks.length;
    all.indeterminate = count > 0 && count < ticks.length;
  }
}

let lastTick;
document.addEventListener("click", (event) => {
  const tick = event.target.closest?.("input[data-tick]");
  if (!tick) return;
  const ticks = ticksOf(tick.form);
  if (event.shiftKey && lastTick && ticks.includes(lastTick)) {
    const [from, to] = [ticks.indexOf(lastTick), ticks.indexOf(tick)].sort((a, b) => a - b);
    for (const other of ticks.slice(from, to + 1)) other.checked = tick.checked;
  }
  lastTick = tick;
});
document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("input[data-tick-all]")) for (const tick of ticksOf(target.form)) tick.checked = target.checked;
  if (target.matches("input[data-tick-all], input[data-tick]")) paintBulk(target.form);
});
/** Boxes as the browser restored them, and a box for all where the list has none. */
function readyBulk() {
  for (const form of new Set($$("input[data-tick]").map((tick) => tick.form))) {
    if (!form) continue;
    const table = ticksOf(form)[0].closest("table");
    const corner = table && $("thead th", table);
    if (corner && !$("input[data-tick-all]", table) && corner.textContent.trim() === "") {
      const all = document.createElement("input");
      Object.assign(all, { type: "checkbox", className: "tick" });
      all.dataset.tickAll = "";
      all.setAttribute("aria-label", texts.selectAll);
      if (form.id) all.setAttribute("form", form.id);
      corner.replaceChildren(all);
    }
    paintBulk(form);
  }
}
readyBulk();
addEventListener("pageshow", readyBulk);

// ---- the view that is open is seen among the others -----------------------------------------------------------------

for (const tab of $$(".tabs [aria-current]")) { const list = tab.closest(".tabs"); list.scrollLeft = tab.offsetLeft - (list.clientWidth - tab.offsetWidth) / 2; }

// ---- a table that is wider than its card is scrolled with the keys, too -----------------------------------------------

for (const wrap of $$(".table-wrap, .matrix")) if (wrap.scrollWidth > wrap.clientWidth && !wrap.querySelector("a, button, input")) wrap.tabIndex = 0;

// ---- copying, and where the focus starts ----------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(texts.copied);
  } catch { say(texts.failed); }
});
// A page that came back with errors takes the focus to them.
$("[data-focus]")?.focus();
