// What was typed into form[data-draft] survives a reload: kept in this tab until the page that follows the booking,
// [data-draft-done] with the same key, is reached. Hidden fields are the server's and are left alone.
(() => {
  "use strict";
  const fields = (form) => [...form.elements].filter((field) => field.name && !["hidden", "submit", "button"].includes(field.type));
  const isChosen = (field) => field.type !== "radio" || field.checked;
  const key = (name) => `draft ${name}`;

  function keep(form) {
    const typed = fields(form).filter(isChosen).map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
    sessionStorage.setItem(key(form.dataset.draft), JSON.stringify({ from: location.search, typed: Object.fromEntries(typed) }));
  }
  function restore(form) {
    const draft = JSON.parse(sessionStorage.getItem(key(form.dataset.draft)) ?? "null");
    if (!draft) return;
    for (const field of fields(form)) {
      if (!(field.name in draft.typed)) continue;
      // A box ticked on the page before belongs to that address, what was typed does not.
      if (field.type === "radio") field.checked ||= field.value === draft.typed[field.name];
      else if (field.type !== "checkbox") field.value = draft.typed[field.name];
      else if (draft.from === location.search) field.checked = draft.typed[field.name];
    }
  }

  for (const form of document.querySelectorAll("form[data-draft]")) {
    restore(form);
    form.addEventListener("input", () => keep(form));
  }
  for (const done of document.querySelectorAll("[data-draft-done]")) sessionStorage.removeItem(key(done.dataset.draftDone));
})();
