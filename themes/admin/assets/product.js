// What script adds to the pictures of a product: they can be dropped and pasted, and are sent at once with all that is typed, so that
// nothing of it is lost. Without it, the file field and its button do the same.

const zone = document.querySelector("[data-files]");
const input = zone?.querySelector("input[type=file]");
const button = zone?.querySelector("[data-send-files]");
const problem = zone?.querySelector("[data-files-error]");
const texts = document.querySelector("#texts")?.dataset ?? {};
const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const LIMIT_MB = 20;

/** Names what cannot be used before a byte of it is sent, and sends the rest. */
function take(files) {
  const good = new DataTransfer();
  const bad = [];
  for (const file of files) {
    if (!input.accept.split(",").includes(file.type)) bad.push(fill(texts.wrongType, { name: file.name }));
    else if (file.size > LIMIT_MB * 1_000_000) bad.push(fill(texts.tooBig, { name: file.name, limit: LIMIT_MB }));
    else good.items.add(file);
  }
  problem.textContent = bad.join(" ");
  problem.hidden = bad.length === 0;
  input.files = good.files;
  // What could not be used stays to be read; the rest waits for the button then.
  if (good.files.length > 0 && bad.length === 0) input.form.requestSubmit(button);
}

if (input && button && problem) {
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  input.addEventListener("change", () => take([...input.files]));
  document.addEventListener("dragenter", (event) => { if (hasFiles(event)) { depth += 1; zone.classList.add("is-over"); } });
  document.addEventListener("dragleave", (event) => { if (hasFiles(event)) { depth -= 1; if (depth <= 0) { depth = 0; zone.classList.remove("is-over"); } } });
  document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("is-over");
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    take(files);
  });
}
