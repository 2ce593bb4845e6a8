// Tells the server once that an offer is on this screen; its customer then reads since when.
(() => {
  "use strict";
  const told = new Set();
  function tell() {
    if (document.visibilityState !== "visible") return;
    for (const { dataset: { requestId: id } } of document.querySelectorAll(".card--priority[data-card]")) {
      if (told.has(id)) continue;
      const again = () => told.delete(id); // with the next look at the board
      told.add(id);
      fetch(`/mechanic/requests/${id}/delivered`, { method: "POST", keepalive: true }).then(({ ok }) => ok || again(), again);
    }
  }
  document.addEventListener("htmx:after:swap", tell);
  document.addEventListener("visibilitychange", tell);
  tell();
})();
