// What script adds to the pictures of a product: they can be dropped anywhere on the page and pasted, are seen at once, and are sent
// one after the other while the rest of the page is edited. Each that arrives becomes a tile of the form, saved with it; each that
// cannot be used is named with the reason. Without script, the file field and its button send them with all that is typed.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = $("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));
const make = (name, values = {}) => Object.assign(document.createElement(name), values);

const zone = $("[data-files]");
const input = zone && $("input[type=file]", zone);
const button = zone && $("[data-send-files]", zone);
const LIMIT_MB = 20;

if (input && button) {
  const form = input.form;
  const waiting = [];
  let underway = false;
  let kept = 0;

  const list = make("ul", { className: "uploads" });
  const refused = make("ul", { className: "uploads__refused" });
  const status = make("p", { className: "small" });
  refused.setAttribute("role", "alert");
  status.setAttribute("role", "status");
  zone.append(list, status, refused);
  // A chosen file is sent at once.
  button.hidden = true;

  const refuse = (text) => refused.append(make("li", { className: "field__error", textContent: text }));

  /** What can be known of a file before a byte of it is sent. */
  function problemOf(file) {
    if (!input.accept.split(",").includes(file.type)) return fill(texts.wrongType, { name: file.name });
    if (file.size > LIMIT_MB * 1_000_000) return fill(texts.tooBig, { name: file.name, limit: LIMIT_MB });
    return "";
  }

  /** The picture as it is on this device, its name, and how much of it is sent. */
  function show(file) {
    const item = make("li");
    const thumb = make("span", { className: "thumb" });
    const progress = make("progress", { className: "progress", max: 1, value: 0 });
    progress.setAttribute("aria-label", file.name);
    item.append(thumb, make("span", { className: "uploads__name", textContent: file.name, title: file.name }), progress);
    list.append(item);
    const reader = new FileReader();
    reader.addEventListener("load", () => thumb.append(make("img", { src: reader.result, alt: "" })));
    reader.readAsDataURL(file);
    return { file, item, progress };
  }

  function take(files) {
    refused.replaceChildren();
    for (const file of files) {
      const problem = problemOf(file);
      if (problem) refuse(problem);
      else waiting.push(show(file));
    }
    input.value = "";
    next();
  }

  function next() {
    if (underway) return;
    const one = waiting.shift();
    if (!one) {
      status.textContent = "";
      if (kept > 0) say(fill(texts.picturesAdded, { n: kept }));
      kept = 0;
      return;
    }
    underway = true;
    send(one);
  }

  function send({ file, item, progress }) {
    const body = new FormData(form);
    body.delete(input.name);
    body.append(input.name, file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", button.formAction);
    request.setRequestHeader("x-csrf-token", $("input[name=csrf]", form)?.value ?? "");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      progress.value = event.loaded / event.total;
      status.textContent = fill(texts.uploading, { name: file.name, percent: Math.round(progress.value * 100) });
    });
    const done = (problem) => {
      item.remove();
      if (problem) refuse(problem);
      underway = false;
      next();
    };
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const why = $$("[data-refused] li", page).map((line) => line.textContent.trim()).join(" ");
      const tiles = $("#pictures .tiles", page);
      if (why) { done(why); return; }
      // Signed out meanwhile, or the shop has a problem: its page says which.
      if (!tiles || !page.getElementById(form.id)) { done(fill(texts.notSent, { name: file.name, reason: $("main h1", page)?.textContent.trim() || texts.failed })); return; }
      kept += 1;
      put(document.adoptNode(tiles));
      done();
    });
    request.addEventListener("error", () => done(fill(texts.notSent, { name: file.name, reason: navigator.onLine ? texts.failed : texts.offline })));
    request.send(body);
  }

  const idOf = (tile) => $("input[name$='.id']", tile)?.value;
  const fieldsOf = (tile) => $$("input:not([type=hidden])", tile);

  /** Shows the tiles as the shop has them now, with what was typed into them since. */
  function put(tiles) {
    const old = $("#pictures .tiles");
    if (old) {
      const typed = new Map($$("[data-item]", old).map((tile) => [idOf(tile), fieldsOf(tile)]));
      for (const tile of $$("[data-item]", tiles)) {
        const before = typed.get(idOf(tile));
        if (before) fieldsOf(tile).forEach((field, at) => { field.value = before[at].value; field.checked = before[at].checked; });
      }
      old.replaceWith(tiles);
    } else zone.before(tiles);
    tiles.dispatchEvent(new CustomEvent("arranged", { bubbles: true }));
    form.dataset.reordered = $("#pictures-title")?.textContent ?? "";
    document.dispatchEvent(new CustomEvent("reordered"));
  }

  // Saved now, the pictures that are still on their way would be missing.
  const busy = () => underway || waiting.length > 0;
  form.addEventListener("submit", (event) => {
    if (!busy()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say(texts.picturesWait);
  }, { capture: true });
  addEventListener("beforeunload", (event) => { if (busy()) event.preventDefault(); });

  input.addEventListener("change", () => take([...input.files]));
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const mark = (by) => { depth = by === 0 ? 0 : Math.max(depth + by, 0); zone.classList.toggle("is-over", depth > 0); };
  document.addEventListener("dragenter", (event) => { if (hasFiles(event)) mark(1); });
  document.addEventListener("dragleave", (event) => { if (hasFiles(event)) mark(-1); });
  document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(0);
    take([...event.dataTransfer.files]);
    zone.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    take(files);
  });
}
