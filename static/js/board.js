// What moves on a page between two answers of the server: clocks, the count in the title, short notes about what left.
// Cards are [data-card] with data-request-id; the rest of the page is the server's.
(() => {
  "use strict";
  const GONE = {
    request_accepted: "Taken by another mechanic.",
    request_cancelled: "Cancelled by the customer.",
    request_expired: "Nobody took it in time.",
    request_withdrawn: "No longer offered to you.",
  };
  const stream = document.getElementById("live");
  const title = document.title.replace(/^\(\d+\) /, "");
  const resync = () => stream?.dispatchEvent(new CustomEvent("resync"));

  // Clocks run on the server's time: how far this device is off is measured when a fragment arrives.
  const offsets = new WeakMap();
  const lapsed = new Set();
  function offset(clock) {
    if (offsets.get(clock)?.now !== clock.dataset.now) {
      offsets.set(clock, { now: clock.dataset.now, ms: Date.parse(clock.dataset.now) - Date.now() });
    }
    return offsets.get(clock).ms;
  }
  function tick() {
    for (const clock of document.querySelectorAll(".countdown")) {
      const left = Math.max(0, Math.ceil((Date.parse(clock.dataset.expires) - Date.now() - offset(clock)) / 1000));
      clock.classList.toggle("is-last-minute", left < 60);
      clock.querySelector("time").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      clock.querySelector("progress").value = left;
      if (left === 0 && !lapsed.has(clock.dataset.expires)) {
        lapsed.add(clock.dataset.expires); // the clock ends a window, whoever announces it: look once
        resync();
      }
    }
  }

  // Cards that came and went; what is gone stays in its place, greyed, for five seconds
  const reasons = new Map();
  const ghosts = new Set();
  const places = new Map(); // card or ghost → its list, and where in it
  let finger, focused, held, top, order;
  let guarded = 0;
  const list = () => [...document.querySelectorAll("[data-card]")];
  const ids = () => list().map((card) => card.id).join();
  const name = (card) => card.querySelector("h2, h3")?.textContent.trim();
  const still = (id) => document.querySelector(`[data-request-id="${CSS.escape(id)}"]`);
  function note(text) {
    const line = document.createElement("p");
    line.className = "note";
    line.textContent = text;
    document.getElementById("notes").append(line);
    setTimeout(() => line.remove(), 6000);
  }

  // The card under a finger, or with the focus, stays where it is.
  function hold() {
    held = finger ?? document.activeElement.closest("[data-card]");
    top = held?.getBoundingClientRect().top;
  }
  const moved = () => held?.isConnected ? held.getBoundingClientRect().top - top : 0;
  function steady() {
    scrollBy({ top: moved(), behavior: "instant" });
    guarded = Infinity;
    requestAnimationFrame((shown) => { guarded = shown + 300; });
  }

  const place = (card) => places.set(card, [card.parentElement, [...card.parentElement.children].indexOf(card)]);
  function put(ghost) {
    const [rows, at] = places.get(ghost);
    rows.parentElement.hidden = false;
    rows.insertBefore(ghost, rows.children[at]);
  }
  function grey(card, why) {
    card.id = `gone-${card.id}`;
    card.inert = true;
    card.classList.add("is-gone");
    delete card.dataset.card;
    delete card.dataset.requestId;
    card.querySelector(".countdown")?.replaceWith(why);
    ghosts.add(card);
    setTimeout(drop, 5000, card);
  }
  function drop(ghost, tries = 30) {
    const section = ghost.closest("section");
    hold();
    place(ghost);
    ghost.remove();
    section.hidden = section.id === "board-offers" && !section.querySelector("li");
    steady();
    if (!tries || Math.abs(moved()) < 2) return ghosts.delete(ghost);
    put(ghost); // the page cannot scroll so far: leave an empty place, for a while
    ghost.classList.replace("is-gone", "is-space");
    steady();
    setTimeout(drop, 1000, ghost, tries - 1);
  }

  function look() {
    const cards = list();
    for (const card of cards) {
      if (!card.classList.toggle("is-new", !order.includes(card.id))) continue;
      if (card.matches(".card--priority")) note(`${name(card)} asks for you first.`); // it may be out of sight
    }
    const isLost = focused >= 0 && document.activeElement === document.body;
    const next = isLost && cards[Math.min(focused, cards.length - 1)];
    for (const card of places.keys()) {
      const id = card.dataset.requestId;
      if (id && !still(id)) {
        const why = reasons.get(id) ?? "No longer open.";
        const then = next ? ` Next: ${name(next)}.` : ""; // rjsmin knows no template in a template
        note(`${name(card)}: ${why}${then}`);
        if (keys) grey(card, why); // a card's own page tells it
      }
      if (ghosts.has(card) && !card.isConnected) put(card);
    }
    if (isLost) (next ?? document.getElementById("main")).focus();
    if (ids() !== order) steady();
    const now = document.querySelector("[data-title]")?.dataset.title ?? title;
    const count = cards.length || Number(document.querySelector("[data-count]")?.dataset.count ?? 0);
    document.title = count ? `(${count}) ${now}` : now;
    for (const box of document.querySelectorAll("[data-keys]")) box.checked = on();
  }

  for (const [kind, sentence] of Object.entries(GONE)) {
    stream?.addEventListener(kind, ({ detail }) => {
      reasons.set(detail.request_id, sentence);
      still(detail.request_id)?.classList.add("is-gone");
    });
  }
  stream?.addEventListener("request_assigned", () => note("The owner gave you a job: it is on top."));
  document.addEventListener("htmx:before:swap", () => {
    hold();
    order = ids();
    focused = list().findIndex((card) => card.contains(document.activeElement));
    places.clear();
    for (const card of [...list(), ...ghosts]) place(card);
  });
  document.addEventListener("htmx:after:swap", () => { tick(); look(); });
  // An answer leaves the board, its sound and its filter as they are; a refusal is read on a page of its own.
  document.addEventListener("htmx:after:request", ({ detail: { ctx: { sourceElement: form, response } } }) => {
    if (form.matches('form[data-hx-swap="none"]')) response.status < 400 ? resync() : form.submit();
  });
  addEventListener("pointerdown", ({ target }) => { finger = target.closest("[data-card]"); });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { finger = undefined; });
  // A press meant for what stood there a moment ago answers nothing.
  addEventListener("click", (event) => {
    const at = (what) => event.target.closest(what);
    if (at("[data-keys-help]")) keys.showModal();
    if (!at("[data-answers]") || (performance.now() > guarded && !at(".is-gone"))) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // Keys, unless they were switched off (WCAG 2.1.4)
  const keys = document.getElementById("keys");
  const on = () => localStorage.getItem("keys") !== "off";
  addEventListener("change", ({ target }) => {
    if (target.matches("[data-keys]")) localStorage.setItem("keys", target.checked ? "on" : "off");
  });
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (!keys || !on() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (target.closest("input, select, textarea, dialog")) return;
    const card = target.closest("[data-card]");
    const cards = list();
    const go = (step) => cards[Math.max(0, Math.min(cards.indexOf(card) + step, cards.length - 1))]?.focus();
    const press = (what) => card?.querySelector(`[data-answers] ${what}`)?.click();
    if (key === "?") keys.showModal();
    if (key === "j") go(1);
    if (key === "k") go(-1);
    if (key === "a") press('[action$="/accept"] button');
    if (key === "d") press("summary");
  });

  order = ids();
  look();
  tick();
  setInterval(tick, 500);
})();
