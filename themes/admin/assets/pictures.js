// What script adds to pictures: dropping and pasting them, seeing them at once, a word before a file is sent in vain, and order by
// dragging. Without it, a file field and the buttons of each tile do the same.
//
// A form with data-drop holds one file field. data-max-mb names its limit. Tiles are reordered inside data-reorder: each item has
// data-item and, for the form that saves the order, a hidden field with its id.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

// ---- dropping and sending -------------------------------------------------------------------------------------------

const PREVIEW_BYTES = 12 * 1024 * 1024;
const forms = $$("form[data-drop]");

for (const form of forms) {
  const input = $("input[type=file]", form);
  const zone = $(".dropzone", form) ?? form;
  if (!input) continue;
  const limit = Number(form.dataset.maxMb ?? 25);
  const accepts = (input.accept || "image/jpeg,image/png,image/webp").split(",").map((type) => type.trim());

  const list = Object.assign(document.createElement("ul"), { className: "uploads", hidden: true });
  const problems = document.createElement("div");
  problems.setAttribute("role", "alert");
  const progress = Object.assign(document.createElement("progress"), { className: "progress", max: 1, value: 0, hidden: true });
  progress.setAttribute("aria-label", texts.working);
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  zone.append(list, progress, status, problems);

  const fits = (file) => accepts.some((type) => (type.startsWith(".") ? file.name.toLowerCase().endsWith(type) : type.endsWith("/*") ? file.type.startsWith(type.slice(0, -1)) : file.type === type));

  function refuse(lines) {
    problems.replaceChildren(...lines.map((text) => Object.assign(document.createElement("p"), { className: "field__error", textContent: text })));
  }

  function preview(file) {
    const item = document.createElement("li");
    const thumb = Object.assign(document.createElement("span"), { className: "thumb" });
    item.append(thumb, file.name);
    list.append(item);
    if (file.size > PREVIEW_BYTES) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => thumb.append(Object.assign(document.createElement("img"), { src: reader.result, alt: "" })));
    reader.readAsDataURL(file);
  }

  /** Sends what fits and names what does not, before a byte is sent. */
  function take(files) {
    const good = [];
    const bad = [];
    for (const file of files) {
      if (!fits(file)) bad.push(fill(texts.wrongType, { name: file.name }));
      else if (file.size > limit * 1024 * 1024) bad.push(fill(texts.tooBig, { name: file.name, limit }));
      else good.push(file);
    }
    refuse(bad);
    if (good.length > 0) send(good);
  }

  function send(files) {
    if (!navigator.onLine) { say(texts.offline); return; }
    list.replaceChildren();
    files.forEach(preview);
    list.hidden = progress.hidden = false;
    input.disabled = true;
    zone.setAttribute("data-sending", "");
    const body = new FormData();
    // The server checks the first field before it reads a picture.
    const csrf = $("input[name=csrf]", form)?.value ?? "";
    body.append("csrf", csrf);
    for (const field of $$("input[type=hidden]:not([name=csrf])", form)) body.append(field.name, field.value);
    for (const file of files) body.append(input.name, file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("x-csrf-token", csrf);
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      progress.value = event.loaded / event.total;
      status.textContent = fill(texts.uploading, { n: files.length, percent: Math.round(progress.value * 100) });
    });
    request.addEventListener("load", () => {
      // Sent to the page itself and back (303): it has the pictures and says how many. A refusal is a page that says why.
      if (request.status < 300 && request.responseURL) { location.assign(request.responseURL); return; }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const why = $$(".errors li, .field__error span", page).map((line) => line.textContent.trim());
      again([...new Set(why)].slice(0, 10).concat(why.length === 0 ? [$("main p", page)?.textContent.trim() || texts.failed] : []));
    });
    request.addEventListener("error", () => again([navigator.onLine ? texts.failed : texts.offline]));
    request.send(body);
  }

  function again(lines) {
    refuse(lines);
    status.textContent = "";
    list.hidden = progress.hidden = true;
    input.disabled = false;
    input.value = "";
    zone.removeAttribute("data-sending");
  }

  input.addEventListener("change", () => { if (input.files.length > 0) take([...input.files]); });
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  // The page's edge takes pictures too, where it has one place for them.
  const target = forms.length === 1 ? document : zone;
  target.addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth += 1; zone.classList.add("is-over"); } });
  target.addEventListener("dragleave", (event) => { if (hasFiles(event)) { depth -= 1; if (depth <= 0) { depth = 0; zone.classList.remove("is-over"); } } });
  target.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  target.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("is-over");
    if (!zone.hasAttribute("data-sending")) take([...event.dataTransfer.files]);
  });
  if (forms.length === 1) document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || zone.hasAttribute("data-sending")) return;
    event.preventDefault();
    take(files);
  });
}

// ---- order ----------------------------------------------------------------------------------------------------------

function moved(list, item) {
  const items = $$("[data-item]", list);
  const form = list.closest("form") ?? document.getElementById(list.dataset.reorder);
  say(fill(texts.moved, { place: items.indexOf(item) + 1, n: items.length }));
  paintEnds(list);
  if (!form) return;
  items.forEach((each, index) => { const field = $("input[data-position]", each); if (field) field.value = String(index + 1); });
  if (form.hasAttribute("data-save")) {
    form.dataset.reordered = list.getAttribute("aria-label") ?? "";
    document.dispatchEvent(new CustomEvent("reordered"));
  } else if (form.hasAttribute("data-send-order")) form.requestSubmit();
}

function paintEnds(list) {
  const items = $$("[data-item]", list);
  items.forEach((item, index) => {
    const [up, down] = [$("[data-move='-1']", item), $("[data-move='1']", item)];
    if (up) up.disabled = index === 0;
    if (down) down.disabled = index === items.length - 1;
  });
}

for (const list of $$("[data-reorder]")) {
  let dragged;
  for (const item of $$("[data-item]", list)) item.draggable = true;
  paintEnds(list);
  list.addEventListener("dragstart", (event) => {
    // Text in a field is selected by dragging, not moved.
    if (event.target.closest?.("input, textarea")) { event.preventDefault(); return; }
    dragged = event.target.closest("[data-item]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    dragged.classList.add("is-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-item]");
    if (!dragged || !over) return;
    event.preventDefault();
    for (const item of $$(".is-target", list)) if (item !== over) item.classList.remove("is-target");
    if (over !== dragged) over.classList.add("is-target");
  });
  list.addEventListener("drop", (event) => {
    const over = event.target.closest("[data-item]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const items = $$("[data-item]", list);
    if (items.indexOf(over) > items.indexOf(dragged)) over.after(dragged);
    else over.before(dragged);
    moved(list, dragged);
  });
  list.addEventListener("dragend", () => {
    for (const item of $$(".is-target, .is-dragged", list)) item.classList.remove("is-target", "is-dragged");
    dragged = undefined;
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-move]");
    const item = button?.closest("[data-item]");
    if (!item) return;
    event.preventDefault();
    const items = $$("[data-item]", list);
    const other = items[items.indexOf(item) + Number(button.dataset.move)];
    if (!other) return;
    if (Number(button.dataset.move) > 0) other.after(item);
    else other.before(item);
    moved(list, item);
    (button.disabled ? $("button[data-move]:not(:disabled)", item) : button)?.focus();
  });
}
