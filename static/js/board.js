// What moves on a page between two answers of the server: clocks, the count in the title, short notes about what left,
// and the sound of an offer. Cards are [data-card] with data-request-id; the rest of the page is the server's.
(() => {
  "use strict";
  const GONE = {
    request_accepted: "Taken by another mechanic.",
    request_cancelled: "Cancelled by the customer.",
    request_expired: "Nobody took it in time.",
    request_withdrawn: "No longer offered to you.",
  };
  const stream = document.getElementById("live");
  const title = document.title;

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
        stream?.dispatchEvent(new CustomEvent("resync"));
      }
    }
  }

  // Cards that came and went since the last look
  const reasons = new Map();
  let cards = new Map();
  let focused;
  const list = () => [...document.querySelectorAll("[data-card]")];
  const name = (card) => card.querySelector("h2, h3")?.textContent.trim();
  const read = () => new Map(list().map((card) => [card.dataset.requestId, name(card)]));
  function note(text) {
    const line = document.createElement("p");
    line.className = "note";
    line.textContent = text;
    document.getElementById("notes").append(line);
    setTimeout(() => line.remove(), 6000);
  }
  function look() {
    const before = cards;
    cards = read();
    for (const card of list()) card.classList.toggle("is-new", !before.has(card.dataset.requestId));
    for (const [id, who] of before) {
      if (document.querySelector(`[data-request-id="${CSS.escape(id)}"]`)) continue;
      note([who, reasons.get(id) ?? "No longer open."].filter(Boolean).join(": "));
    }
    if (focused >= 0 && document.activeElement === document.body) {
      const next = list()[Math.min(focused, list().length - 1)] ?? document.getElementById("main");
      next.tabIndex = -1;
      next.focus();
    }
    const now = document.querySelector("[data-title]")?.dataset.title ?? title;
    document.title = cards.size ? `(${cards.size}) ${now}` : now;
  }

  // One press on "Start shift" unlocks sound, asks for notifications and keeps the screen awake.
  let audio;
  const onShift = () => document.querySelector("[data-on-shift]");
  const soundHint = () => {
    for (const button of document.querySelectorAll("[data-unlock]")) button.hidden = !onShift() || audio?.state === "running";
  };
  const wake = () => navigator.wakeLock?.request("screen").catch(() => {});
  function unlock() {
    audio ??= new AudioContext();
    audio.resume().then(soundHint, soundHint);
    wake();
    if (globalThis.Notification?.permission === "default") Notification.requestPermission();
  }
  function beep() {
    if (audio?.state !== "running") return;
    for (const [delay, pitch] of [[0, 880], [0.2, 1175], [0.6, 880], [0.8, 1175]]) {
      const tone = new OscillatorNode(audio, { frequency: pitch });
      const volume = new GainNode(audio, { gain: 0.4 });
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + delay);
      tone.stop(audio.currentTime + delay + 0.16);
    }
  }
  function announce({ detail }) {
    beep();
    if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
    try {
      new Notification("Book Again", { body: detail.message, tag: detail.request?.id });
    } catch { /* Android shows these from a service worker only; sound and title remain */ }
  }

  stream?.addEventListener("priority_session_request", announce);
  for (const [kind, sentence] of Object.entries(GONE)) {
    stream?.addEventListener(kind, ({ detail }) => {
      reasons.set(detail.request_id, sentence);
      document.querySelector(`[data-card][data-request-id="${CSS.escape(detail.request_id)}"]`)?.classList.add("is-gone");
    });
  }
  document.addEventListener("submit", (event) => event.target.matches("[data-start-shift]") && unlock(), true);
  document.addEventListener("click", (event) => event.target.closest("[data-unlock]") && unlock());
  document.addEventListener("visibilitychange", () => { if (!document.hidden && audio && onShift()) wake(); });
  document.addEventListener("htmx:before:swap", () => {
    focused = list().findIndex((card) => card.contains(document.activeElement));
  });
  document.addEventListener("htmx:after:swap", () => { tick(); look(); soundHint(); });

  cards = read();
  look();
  tick();
  soundHint();
  setInterval(tick, 500);
})();
