// What script adds to forms: the save bar, a word before unsaved work is lost, buttons that take one press, grids of fields.
//
// A form with data-save is edited at leisure: its changes gather in the save bar until they are saved or discarded.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

// ---- save bar ------------------------------------------------------------------------------------------------------

const forms = $$("form[data-save]");
let bar;
let sending = false;

const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !["hidden", "submit", "button", "reset"].includes(field.type) && !field.closest("[data-not-saved]"));

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.tagName === "SELECT") {
    // A select without a chosen option starts with its first one.
    const options = [...field.options];
    const start = options.some((option) => option.defaultSelected);
    return options.some((option, index) => option.selected !== (start || field.multiple ? option.defaultSelected : index === 0));
  }
  return field.value.replace(/\r\n/g, "\n") !== field.defaultValue.replace(/\r\n/g, "\n");
}

/** What the merchant calls this field: its group's name for a radio button, its row and column in a grid. */
function nameOf(field) {
  const group = field.type === "radio" ? field.closest("fieldset")?.querySelector("legend") : null;
  const label = group ?? field.labels?.[0]?.querySelector(".check__label") ?? field.labels?.[0];
  return (label?.textContent ?? field.getAttribute("aria-label") ?? field.name).replace(/\s+/g, " ").trim();
}

/** Whether a form came back refused: what was typed is in its fields and nowhere else. */
const wasRefused = (form) => form.hasAttribute("data-unsaved") || Boolean($("[data-focus].errors") && (form.contains($("[data-focus].errors")) || forms.length === 1));

function changesOf(form) {
  const changed = fieldsOf(form).filter((field) => { const is = isChanged(field); field.classList.toggle("is-changed", is && Boolean(field.closest(".matrix"))); return is; });
  const names = [...new Set(changed.map(nameOf))];
  if (form.dataset.reordered) names.unshift(form.dataset.reordered);
  return names;
}

function makeBar() {
  const element = document.createElement("section");
  element.className = "savebar";
  element.hidden = true;
  element.setAttribute("aria-label", texts.unsaved);
  const words = document.createElement("p");
  words.className = "savebar__words";
  words.setAttribute("role", "status");
  const discard = Object.assign(document.createElement("button"), { type: "button", className: "btn btn--small btn--bare", textContent: texts.discard });
  const save = Object.assign(document.createElement("button"), { type: "button", className: "btn btn--small btn--action", textContent: texts.save });
  element.append(words, discard, save);
  discard.addEventListener("click", () => discardAll());
  save.addEventListener("click", () => saveNow());
  $("main").prepend(element);
  return { element, words, save };
}

const dirty = () => forms.filter((form) => changesOf(form).length > 0 || wasRefused(form));

function paintBar() {
  if (!bar) return;
  const now = dirty();
  bar.element.hidden = now.length === 0;
  if (now.length === 0) return;
  const names = now.flatMap(changesOf);
  const few = names.slice(0, 4).join(", ");
  const strong = document.createElement("strong");
  strong.textContent = texts.unsaved;
  const rest = names.length > 4 ? fill(texts.more, { names: few, n: names.length - 4 }) : few;
  const line = names.length > 0 ? fill(texts.changed, { names: rest }) : "";
  if (bar.words.textContent !== strong.textContent + line) bar.words.replaceChildren(strong, line);
}

function saveNow() {
  const form = dirty()[0];
  if (!form) return;
  form.requestSubmit($("[data-save-button], button[type=submit]:not([formaction]), button:not([type])", form) ?? undefined);
}

function discardAll() {
  if (dirty().some(wasRefused) || dirty().some((form) => form.dataset.reordered)) { sending = true; location.assign(location.pathname + location.search); return; }
  for (const form of dirty()) form.reset();
  // The fields have their old values after the event.
  setTimeout(() => { paintBar(); for (const form of forms) form.dispatchEvent(new Event("discarded")); });
  $("main")?.focus({ preventScroll: true });
}

if (forms.length > 0) {
  bar = makeBar();
  document.documentElement.classList.add("has-savebar");
  for (const event of ["input", "change"]) document.addEventListener(event, (happened) => { if (happened.target.form?.hasAttribute("data-save")) paintBar(); });
  document.addEventListener("reordered", paintBar);
  paintBar();
  addEventListener("pageshow", paintBar);
  addEventListener("beforeunload", (event) => { if (!sending && dirty().length > 0) event.preventDefault(); });
}
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s" || forms.length === 0) return;
  event.preventDefault();
  if (!$("dialog[open]")) saveNow();
});

// ---- one press is enough --------------------------------------------------------------------------------------------

const idle = new Map();

function busy(button, on) {
  if (!button || on === idle.has(button)) return;
  if (on) {
    idle.set(button, true);
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-busy");
  } else {
    idle.delete(button);
    button.removeAttribute("aria-disabled");
    button.classList.remove("is-busy");
  }
}

const underway = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog" || form.method === "get" || event.defaultPrevented) return;
  if (!navigator.onLine) { event.preventDefault(); say(texts.offline); return; }
  if (underway.has(form)) { event.preventDefault(); return; }
  underway.add(form);
  if (form.hasAttribute("data-save")) sending = true;
  const button = event.submitter ?? $("button[type=submit], button:not([type])", form);
  busy(button, true);
  if (bar && form.hasAttribute("data-save")) busy(bar.save, true);
  // An answer that is a file leaves the page where it is; someone may also stop the loading by hand. No event tells.
  setTimeout(() => rest(form, button), form.hasAttribute("data-download") ? 1500 : 15_000);
});
function rest(form, button) {
  underway.delete(form);
  sending = false;
  busy(button, false);
  busy(bar?.save, false);
}
// Back from the page that was being sent to: the browser shows the old page as it was, busy button and all.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of $$("form")) underway.delete(form);
  for (const button of [...idle.keys()]) busy(button, false);
  sending = false;
});

// Choosing in a select that is a filter sends it.
document.addEventListener("change", (event) => { if (event.target.matches("form[data-auto] select")) event.target.form.requestSubmit(); });

// ---- a long list of boxes: what is typed above it leaves those that have it in their name ----------------------------

for (const find of $$("input[data-narrows]")) {
  const group = document.getElementById(find.dataset.narrows);
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const narrow = () => {
    const wanted = plain(find.value.trim());
    for (const row of $$("label.check", group)) row.hidden = !plain(row.textContent).includes(wanted);
  };
  find.addEventListener("input", narrow);
  // Enter looks; it does not save the form the list belongs to.
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  addEventListener("pageshow", narrow);
}

// ---- grids of fields: arrows between rows, the same value down a column ----------------------------------------------

const cellsOf = (row) => $$("input.control, select.control", row);
function neighbour(field, by) {
  const row = field.closest("tr");
  const at = cellsOf(row).indexOf(field);
  let other = row;
  do other = by > 0 ? other.nextElementSibling : other.previousElementSibling; while (other && cellsOf(other).length === 0);
  return other ? cellsOf(other)[at] : undefined;
}
function put(field, value) {
  if (!field || field.readOnly || field.disabled) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".matrix input.control");
  if (!field || event.altKey || event.shiftKey) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
    event.preventDefault();
    for (let next = neighbour(field, 1); next; next = neighbour(next, 1)) put(next, field.value);
  } else if (!event.ctrlKey && !event.metaKey && (event.key === "ArrowDown" || event.key === "ArrowUp" || event.key === "Enter")) {
    const next = neighbour(field, event.key === "ArrowUp" ? -1 : 1);
    if (event.key === "Enter" && !next) return;
    event.preventDefault();
    next?.focus();
    next?.select?.();
  }
});
// A column copied from a spreadsheet lands in the rows below, a row in the cells beside.
document.addEventListener("paste", (event) => {
  const field = event.target.closest?.(".matrix input.control");
  const text = event.clipboardData?.getData("text/plain").replace(/\r/g, "").replace(/\n$/, "") ?? "";
  if (!field || !/[\n\t]/.test(text)) return;
  event.preventDefault();
  let first = field;
  for (const line of text.split("\n")) {
    if (!first) break;
    const cells = cellsOf(first.closest("tr"));
    line.split("\t").forEach((value, index) => put(cells[cells.indexOf(first) + index], value.trim()));
    first = neighbour(first, 1);
  }
});
