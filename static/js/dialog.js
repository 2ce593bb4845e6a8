// Links with hx-get and hx-target="#dialog" open what the server answers as a dialog; [data-close] closes it.
// Without JavaScript, and whenever the answer does not come, the link is followed as a link.
(() => {
  "use strict";
  const dialog = document.getElementById("dialog");
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    if (detail.ctx.target !== dialog || dialog.open) return;
    const heading = dialog.querySelector("h1, h2");
    if (heading) dialog.setAttribute("aria-label", heading.textContent.trim());
    dialog.showModal();
  });
  for (const failure of ["htmx:response:error", "htmx:error"]) {
    document.addEventListener(failure, ({ detail }) => {
      if (detail.ctx?.target === dialog && detail.ctx.sourceElement.href) location.assign(detail.ctx.sourceElement.href);
    });
  }
  dialog.addEventListener("click", (event) => event.target.closest("[data-close]") && dialog.close());
})();
