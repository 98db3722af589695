// What script adds to the shop. Every page works without it: each part below only shortens a way that exists as a link or a form.
// No state of prices, stock or totals lives here; the server's page is always what is shown.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const toast = $("#toast");

/** Says one line, visibly and to a screen reader. */
function say(text) {
  if (!toast || !text) return;
  toast.textContent = "";
  // A live region is read when its content changes in a later task.
  setTimeout(() => { toast.textContent = text; }, 50);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.textContent = ""; }, 7000);
}

// ---- quantity steppers ------------------------------------------------------------------------------------------------

function paintStepper(stepper) {
  const input = $("input", stepper);
  for (const button of $$("button", stepper)) {
    const next = Number(input.value) + Number(button.dataset.step);
    const over = (input.max !== "" && next > Number(input.max)) || next < Number(input.min);
    button.toggleAttribute("data-over", over);
    if (over) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-stepper] button");
  if (!button) return;
  const stepper = button.closest("[data-stepper]");
  const input = $("input", stepper);
  if (button.hasAttribute("data-over")) {
    if (Number(button.dataset.step) > 0) say(toast?.dataset.limit);
    return;
  }
  if (Number(button.dataset.step) > 0) input.stepUp();
  else input.stepDown();
  paintStepper(stepper);
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// ---- forms that send themselves: quantity in the bag, sorting, country ----------------------------------------------

let waiting;
document.addEventListener("change", (event) => {
  const stepper = event.target.closest("[data-stepper]");
  if (stepper) paintStepper(stepper);
  const form = event.target.closest("form[data-auto]");
  if (form) {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (form.isConnected && form.checkValidity()) form.requestSubmit(); }, stepper ? 350 : 0);
  }
  const country = event.target.closest("[data-country]");
  if (country) {
    sessionStorage.setItem("focus", event.target.id);
    country.closest("form").requestSubmit($("button", country));
  }
});

// ---- variants: the last choice wins --------------------------------------------------------------------------------

// The form's hidden fields follow the press at once, so what is added is what was chosen last, even while the page still loads it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-option]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const chosen = link.classList.contains("opt--other")
    ? new URL(link.href).searchParams
    : new URLSearchParams([[link.dataset.option, link.dataset.value]]);
  for (const [option, value] of chosen) {
    const field = $(`#buy input[name="option.${CSS.escape(option)}"]`);
    if (field) field.value = value;
    for (const other of $$(`a[data-option="${CSS.escape(option)}"]`)) {
      if (other.dataset.value === value) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  }
}, true);

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (!ctx.sourceElement.matches("a[data-option]")) return;
  // Choices made since the page was drawn count too.
  const url = new URL(ctx.request.action, location.href);
  for (const link of $$("a[data-option][aria-current]")) url.searchParams.set(link.dataset.option, link.dataset.value);
  ctx.request.action = url.pathname + url.search;
  for (const region of $$("#product [data-live]")) region.setAttribute("aria-busy", "true");
});

// ---- bag drawer ----------------------------------------------------------------------------------------------------

const drawer = $("#bag-drawer");
let opener;

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  refresh();
  const refused = $("#product [data-focus]");
  if (ctx.response?.status >= 400 && refused) { refused.focus(); return; }
  if (drawer && ctx.sourceElement.matches("[data-opens]") && $("#bag", drawer) && !drawer.open) {
    opener = ctx.sourceElement.matches("form") ? $("button[type=submit]", ctx.sourceElement) : ctx.sourceElement;
    drawer.showModal();
    $("h2", drawer)?.focus();
  }
  if (document.activeElement === document.body || document.activeElement === null || document.activeElement === drawer) {
    // What had the focus was replaced: its successor takes it, or the nearest thing that says where one is.
    const again = (focused?.id && document.getElementById(focused.id)) || (drawer?.open ? $("h2", drawer) : $("#main"));
    again?.focus({ preventScroll: true });
  }
  $(".count")?.classList.add("count--new");
  const bag = $("#bag");
  if (bag && ctx.target?.closest?.("#bag, #drawer-body")) {
    // What a look at the bag would tell, for those who cannot look: what happened, and the new total.
    const words = [...$$(".notice", bag), ...$$(".sums__total", bag)].map((part) => part.innerText.replace(/\s+/g, " ").trim());
    setTimeout(() => { $("#live").textContent = words.join(" "); }, 100);
  }
});
drawer?.addEventListener("close", () => { if (opener?.isConnected) opener.focus(); });
// Pressing beside the drawer closes it where the browser does not know closedby yet.
drawer?.addEventListener("click", (event) => { if (event.target === drawer && !("closedBy" in drawer)) drawer.close(); });

// Which control had the focus before a part of the page was replaced.
let focused;
document.addEventListener("htmx:before:swap", () => { focused = document.activeElement; });

// ---- busy and broken -----------------------------------------------------------------------------------------------

const submitters = new WeakMap();
const idle = new WeakMap();

function busy(form, on) {
  const button = form.matches("form") ? submitters.get(form) ?? $("button[type=submit]", form) : null;
  if (!button || on === idle.has(button)) return;
  if (on) {
    idle.set(button, [...button.childNodes]);
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-busy");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  } else {
    button.replaceChildren(...idle.get(button));
    idle.delete(button);
    button.removeAttribute("aria-disabled");
    button.classList.remove("is-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.submitter) submitters.set(form, event.submitter);
  if (form.method === "dialog" || form.method === "get") return;
  if (!navigator.onLine) {
    event.preventDefault();
    event.stopImmediatePropagation();
    say(toast?.dataset.offline);
    return;
  }
  // A second press while the first is on its way does nothing; the server would answer both alike anyway.
  if (event.submitter?.getAttribute("aria-disabled") === "true") { event.preventDefault(); event.stopImmediatePropagation(); return; }
  // Later, because a changed button is no longer part of what is sent.
  setTimeout(() => busy(form, true));
  // Someone may stop the loading by hand, of which no event tells.
  setTimeout(() => busy(form, false), 15000);
}, true);

document.addEventListener("htmx:finally:request", (event) => {
  busy(event.detail.ctx.sourceElement, false);
  for (const region of $$("[aria-busy]")) region.removeAttribute("aria-busy");
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name === "AbortError") return;
  say(navigator.onLine ? toast?.dataset.failed : toast?.dataset.offline);
});
document.addEventListener("htmx:before:swap", (event) => {
  // An answer that is neither the page asked for nor a refused form (a 500, a sign-in page) is shown whole, by going there.
  const { ctx } = event.detail;
  if (ctx.response?.status >= 500 || ctx.response?.status === 403 || ctx.response?.status === 429) {
    event.preventDefault();
    say(toast?.dataset.failed);
  }
});
// Back from the page that was being sent to: the browser shows the old page as it was, busy button and all.
addEventListener("pageshow", (event) => { if (event.persisted) for (const form of $$("form")) busy(form, false); });

// ---- gallery, menu, summary ----------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const thumb = event.target.closest(".gallery__thumbs a");
  if (!thumb) return;
  const slide = $(thumb.hash);
  if (!slide) return;
  event.preventDefault();
  const strip = slide.parentElement;
  strip.scrollTo({ left: slide.offsetLeft - strip.offsetLeft, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = $("[data-menu][open]");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
});

const seen = new WeakSet();
function refresh() {
  $$("[data-stepper]").forEach(paintStepper);
  for (const gallery of $$("[data-gallery]")) {
    if (seen.has(gallery)) continue;
    seen.add(gallery);
    const thumbs = $$(".gallery__thumbs a", gallery);
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) {
        for (const thumb of thumbs) {
          if (thumb.hash === `#${entry.target.id}`) thumb.setAttribute("aria-current", "true");
          else thumb.removeAttribute("aria-current");
        }
      }
    }, { root: $(".gallery__strip", gallery), threshold: 0.6 });
    $$(".gallery__strip > li", gallery).forEach((slide) => watch.observe(slide));
  }
  const bar = $("[data-buybar]");
  const form = $("#buy");
  if (bar && form && !seen.has(form)) {
    seen.add(form);
    // The margin makes "below the screen" count as in view: only what was scrolled past brings the bar.
    new IntersectionObserver(([entry]) => {
      const current = $("[data-buybar]");
      if (current) current.hidden = entry.isIntersecting;
    }, { rootMargin: "0px 0px 100000px" }).observe(form);
  }
}

// Beside the form, on a wide screen, the checkout's summary is open; above it, on a phone, its one line shows the total.
const summary = $("[data-summary]");
if (summary && matchMedia("(min-width: 60rem)").matches) summary.open = true;

refresh();
// A page that came back with errors takes the focus to them; one that was sent for another country goes on where it was.
const before = document.getElementById(sessionStorage.getItem("focus") ?? "");
sessionStorage.removeItem("focus");
($("[data-focus]") ?? before)?.focus();
