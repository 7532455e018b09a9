/* Sync webshop products: from all that match back to the rows of this page, and the new list when a refresh is over. */
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-choose-shown]");
  if (!button) return;
  const form = button.closest("[data-choose]");
  form.querySelector("[data-choose-all]").checked = false;
  form.querySelector("[data-choose-row]").dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector("[data-choose-bar] [type=submit]").focus(); /* the button itself is gone now */
});

/* Whoever has begun to choose or to search keeps the page; the link in the note shows the new list. */
function isBusy() {
  const search = document.querySelector(".filters [name=q]");
  return document.querySelector("[data-choose-row]:checked") !== null || (search && search.value !== search.defaultValue);
}

document.addEventListener("refreshed", () => {
  if (!isBusy()) window.location.reload();
});
