// What script adds to lists with an order: items are dragged, or moved with the buttons beside them. Without it, the number in each
// item says its place.
//
// A list has data-reorder (the id of its form, or nothing inside one) and an aria-label, its items data-item. Buttons with data-move
// go up or down, fields with data-position follow. Who puts a new list on the page sends it the event "arranged".

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

const itemsOf = (list) => $$("[data-item]", list);
const listOf = (target) => target.closest?.("[data-reorder]");

/** Items can be taken hold of; the first cannot go up, the last not down. */
function ready(list) {
  const items = itemsOf(list);
  items.forEach((item, index) => {
    item.draggable = true;
    const [up, down] = [$("[data-move='-1']", item), $("[data-move='1']", item)];
    if (up) up.disabled = index === 0;
    if (down) down.disabled = index === items.length - 1;
  });
}

function moved(list, item) {
  const items = itemsOf(list);
  const form = list.closest("form") ?? document.getElementById(list.dataset.reorder);
  items.forEach((each, index) => { const field = $("[data-position]", each); if (field) field.value = String(index + 1); });
  ready(list);
  say(fill(texts.moved, { place: items.indexOf(item) + 1, n: items.length }));
  if (!form) return;
  form.dataset.reordered = list.getAttribute("aria-label") ?? "";
  document.dispatchEvent(new CustomEvent("reordered"));
}

for (const list of $$("[data-reorder]")) ready(list);
document.addEventListener("arranged", (event) => ready(event.target));

let dragged;
document.addEventListener("dragstart", (event) => {
  // Text in a field is selected by dragging, not moved.
  if (!listOf(event.target)) return;
  if (event.target.closest("input, textarea")) { event.preventDefault(); return; }
  dragged = event.target.closest("[data-item]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  dragged.classList.add("is-dragged");
});
/** The item under the pointer, in the list the dragged one is from. */
const over = (event) => {
  const item = dragged && event.target.closest?.("[data-item]");
  return item && listOf(item) === listOf(dragged) ? item : undefined;
};
document.addEventListener("dragover", (event) => {
  const item = over(event);
  if (!item) return;
  event.preventDefault();
  for (const other of $$(".is-target")) if (other !== item) other.classList.remove("is-target");
  if (item !== dragged) item.classList.add("is-target");
});
document.addEventListener("drop", (event) => {
  const item = over(event);
  if (!item || item === dragged) return;
  event.preventDefault();
  const items = itemsOf(listOf(item));
  if (items.indexOf(item) > items.indexOf(dragged)) item.after(dragged);
  else item.before(dragged);
  moved(listOf(item), dragged);
});
document.addEventListener("dragend", () => {
  for (const item of $$(".is-target, .is-dragged")) item.classList.remove("is-target", "is-dragged");
  dragged = undefined;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-move]");
  const item = button?.closest("[data-item]");
  const list = item && listOf(item);
  if (!list) return;
  event.preventDefault();
  const items = itemsOf(list);
  const other = items[items.indexOf(item) + Number(button.dataset.move)];
  if (!other) return;
  if (Number(button.dataset.move) > 0) other.after(item);
  else other.before(item);
  moved(list, item);
  (button.disabled ? $("button[data-move]:not(:disabled)", item) : button)?.focus();
});
