/* Sync webshop products: from all that match back to the rows of this page, and the new list when a refresh or Create
   product is over. */
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-choose-shown]");
  if (!button) return;
  const form = button.closest("[data-choose]");
  form.querySelector("[data-choose-all]").checked = false;
  form.querySelector("[data-choose-row]").dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector("[data-choose-bar] [type=submit]").focus(); /* the button itself is gone now */
});

/* Whoever has begun to choose or to search, or goes through the page by keyboard, keeps it; the link in the note shows the
   new list. A new page would begin again at its top. */
function isBusy() {
  const search = document.querySelector(".filters [name=q]");
  return (
    document.querySelector("[data-choose-row]:checked, a:focus, summary:focus, :is(button, input, select):focus") !== null ||
    (search && search.value !== search.defaultValue)
  );
}

document.addEventListener("refreshed", () => {
  if (!isBusy()) window.location.reload();
});

/* The page that follows shows what came of it; no need to swap it into the one that is left. */
let isLeaving = false;

document.addEventListener("created", (event) => {
  if (isBusy()) return;
  isLeaving = true;
  window.location.replace(event.detail.address);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isLeaving) event.detail.shouldSwap = false;
});
