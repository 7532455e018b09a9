/* What the pages do by themselves: menu, pop-ups, copying, choosing rows, asking before an act.
   Everything is found by data attributes and heard on the document, so that parts swapped in later work as well,
   and every page still works without this file. */
"use strict";

document.documentElement.classList.add("scripted");

/* --- menu on a phone ----------------------------------------------------------------------- */
const menuButton = document.querySelector("[data-menu]");
const side = document.getElementById("side");

function showMenu(isOpen) {
  side.classList.toggle("open", isOpen);
  /* It covers the page, which is out of reach meanwhile: else the focus would wander on behind it. */
  for (const covered of document.querySelectorAll(".skip, .topbar, #main")) covered.inert = isOpen;
  menuButton.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) {
    side.querySelector("[data-menu-close]").focus();
  } else {
    menuButton.focus();
  }
}

if (menuButton && side) {
  menuButton.addEventListener("click", (event) => {
    event.preventDefault();
    showMenu(!side.classList.contains("open"));
  });
  menuButton.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      menuButton.click();
    }
  });
  side.querySelector("[data-menu-close]").addEventListener("click", (event) => {
    event.preventDefault();
    showMenu(false);
  });
  /* On a wider window it stands beside the page and covers nothing. */
  matchMedia("(max-width: 800px)").addEventListener("change", () => {
    if (side.classList.contains("open")) showMenu(false);
  });
}

/* --- pop-ups close by Escape and by a click elsewhere ----------------------------------------- */
function openPopups() {
  return document.querySelectorAll("details[data-popup][open]");
}

document.addEventListener("click", (event) => {
  for (const popup of openPopups()) {
    if (!popup.contains(event.target)) popup.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const popups = openPopups();
  for (const popup of popups) {
    popup.open = false;
    popup.querySelector("summary").focus();
  }
  if (!popups.length && side?.classList.contains("open")) showMenu(false);
});

/* --- tabs wider than a phone: Chromium leaves the focus half out of sight ------------------------- */
document.addEventListener("focusin", (event) => {
  event.target.closest(".tabs a")?.scrollIntoView({ block: "nearest", inline: "nearest" });
});

/* --- copy -------------------------------------------------------------------------------------- */
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const word = button.querySelector("[aria-live]") ?? button;
  button.dataset.word ??= word.textContent;
  await copyText(button.dataset.copy);
  word.textContent = button.dataset.copied ?? button.dataset.word;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (word.textContent = button.dataset.word), 2000);
});

/* The clipboard's own interface exists only over https and on localhost. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/* --- choosing rows ------------------------------------------------------------------------------ */
function rowsOf(form) {
  return [...form.querySelectorAll("[data-choose-row]:not(:disabled)")];
}

function chosenCount(form) {
  const all = form.querySelector("[data-choose-all]");
  if (all?.checked) return Number(all.dataset.total);
  return rowsOf(form).filter((row) => row.checked).length;
}

function tellChosen(form) {
  const count = chosenCount(form);
  const rows = rowsOf(form);
  const chosenHere = rows.filter((row) => row.checked).length;
  const page = form.querySelector("[data-choose-page]");
  if (page) {
    page.checked = rows.length > 0 && chosenHere === rows.length;
    page.indeterminate = chosenHere > 0 && chosenHere < rows.length;
  }
  const bar = form.querySelector("[data-choose-bar]");
  if (!bar) return;
  bar.hidden = count === 0;
  bar.querySelector("[data-choose-said]").hidden = false;
  bar.querySelector("[data-choose-count]").textContent = count.toLocaleString(document.documentElement.lang);
}

function chooseRows(form, isChosen) {
  for (const row of rowsOf(form)) row.checked = isChosen;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-choose]");
  if (!form) return;
  const all = form.querySelector("[data-choose-all]");
  if (event.target.matches("[data-choose-page], [data-choose-all]")) chooseRows(form, event.target.checked);
  if (all && event.target.matches("[data-choose-row], [data-choose-page]") && !event.target.checked) all.checked = false;
  tellChosen(form);
});

/* Enter in a box would press whichever act stands first in the form: boxes are ticked by the space bar. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-choose] input[type=checkbox]")) event.preventDefault();
});

function tellAllChosen() {
  document.querySelectorAll("[data-choose]").forEach(tellChosen);
}

tellAllChosen();
document.addEventListener("htmx:afterSettle", tellAllChosen);

/* A field kept over a swap (hx-preserve) keeps its mark too: hold it against the error that came, or did not. */
document.addEventListener("htmx:afterSettle", () => {
  for (const field of document.querySelectorAll("[hx-preserve][id]")) {
    if (document.getElementById(`${field.id}_error`)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
});

/* A form that came back with errors: go to the first of them, which may stand far below what is seen. */
function goToFirstError(part) {
  const field = part.querySelector('main [aria-invalid="true"], form [aria-invalid="true"]');
  if (!field || part.querySelector("[autofocus]")) return;
  const chosen = field.type === "radio" && field.form.querySelector(`[name="${field.name}"]:checked`);
  (chosen || field).focus({ preventScroll: true });
  field.scrollIntoView({ block: "center" });
}

goToFirstError(document);
document.addEventListener("htmx:afterSettle", (event) => goToFirstError(event.target));

window.addEventListener("pageshow", tellAllChosen); /* the browser brings ticks back after "Back" */

/* --- asking before an act ------------------------------------------------------------------------- */
const dialog = document.getElementById("confirm");
let confirmed = null;

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-confirm]");
    if (!button || button === confirmed || !dialog?.showModal) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(button);
  },
  true,
);

function ask(button) {
  dialog.querySelector("[data-confirm-question]").textContent = button.dataset.confirm;
  const yes = dialog.querySelector("[data-confirm-yes]");
  yes.textContent = button.dataset.confirmYes ?? button.textContent.trim();
  yes.classList.toggle("btn-bad", button.classList.contains("btn-bad"));
  yes.classList.toggle("btn-primary", !button.classList.contains("btn-bad"));
  dialog.returnValue = "cancel";
  dialog.addEventListener("close", () => act(button), { once: true });
  dialog.showModal();
}

function act(button) {
  if (dialog.returnValue !== "yes") return;
  confirmed = button;
  button.click();
  confirmed = null;
}
