// A mechanic's shift: sound until an offer is seen, notifications, the count on the icon, a screen that is awake.
(() => {
  "use strict";
  const panel = document.querySelector("[data-sound]");
  const onShift = () => document.querySelector("[data-on-shift]");
  const kept = localStorage;

  let audio;
  const volume = () => kept.volume ?? 0.6;
  function beep() {
    if (audio?.state !== "running" || kept.muted) return;
    for (const delay of [0, 0.2, 0.6, 0.8]) {
      const tone = new OscillatorNode(audio, { frequency: 990 });
      tone.connect(new GainNode(audio, { gain: volume() })).connect(audio.destination);
      tone.start(audio.currentTime + delay);
      tone.stop(audio.currentTime + delay + 0.16);
    }
  }
  function unlock() {
    audio ??= new AudioContext();
    audio.onstatechange = render;
    return audio.resume();
  }
  let awake;
  const wake = async () => {
    if (onShift() && awake?.released !== false) awake = await navigator.wakeLock?.request("screen").catch(() => {});
  };

  // An offer rings until it is seen: a touch or a key on a board, in any tab, or a return to it
  const unseen = new Set();
  let again;
  function hush(ids = unseen) {
    for (const id of ids) unseen.delete(id);
    if (!unseen.size) again = clearInterval(again);
  }
  for (const sign of ["pointerdown", "keydown", "focus"]) {
    addEventListener(sign, () => {
      if (unseen.size) kept.seen = Date.now();
      hush();
    });
  }
  addEventListener("storage", ({ key }) => {
    if (key === "seen") hush();
    render();
  });

  // Notifications, by the service worker: Android shows no others.
  const service = navigator.serviceWorker?.register("/sw.js").then(() => navigator.serviceWorker.ready, () => {});
  const may = () => globalThis.Notification?.permission ?? "none";
  const tell = (message) => may() === "granted" && service?.then((worker) => worker?.active.postMessage(message));
  const post = (path, body) => fetch(`/mechanic/push${path}`, {
    method: "POST",
    headers: { "X-CSRFToken": document.body.dataset.csrf, Accept: "application/json" },
    body: new URLSearchParams(body),
  });
  let isReached; // by a push service, when no page is open
  async function listen() {
    if (may() === "granted" && panel?.dataset.key && !kept.deaf) {
      const { pushManager } = await service;
      const subscribe = () => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: panel.dataset.key });
      const { endpoint, keys } = (await subscribe().catch(async () => { // it may know an older key of ours
        await (await pushManager.getSubscription())?.unsubscribe();
        return subscribe();
      })).toJSON();
      isReached = (await post("", { endpoint, ...keys })).ok;
    }
  }
  const presses = {
    async ask() {
      kept.deaf = "";
      await globalThis.Notification?.requestPermission();
      await listen().catch(() => {}); // without it they come while a board is open
      render();
    },
    deafen() {
      kept.deaf = 1;
      isReached = false;
      post("/end").then(render);
    },
    test: () => unlock().then(beep),
  };
  document.getElementById("live")?.addEventListener("news", ({ detail: { kind, data } }) => {
    const { id, vehicle, plan_name: plan } = data.request ?? { id: data.request_id };
    if (kind === "priority_session_request") {
      unseen.add(id);
      beep();
      again ??= setInterval(beep, 30000);
      const body = [vehicle, plan].filter(Boolean).join(" · ");
      tell({ id, url: `/mechanic/requests/${id}`, title: data.message, body, until: data.expires_at, isSilent: audio?.state !== "running" });
    } else if (kind === "request_assigned") {
      beep();
    } else if (/new|accepted|cancelled|expired|withdrawn/.test(kind)) {
      hush([id]);
      tell({ id });
    }
  });

  // The count on the icon, of the tab and of the installed app
  const icon = document.querySelector("link[rel=icon]");
  const plain = icon.href;
  function count() {
    const number = document.querySelectorAll("[data-card]:not(.is-gone)").length;
    navigator.setAppBadge?.(number).catch(() => {});
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" rx="2" fill="brown"/><text x="4.5" y="7" font-size="7" text-anchor="middle" fill="#fff">${number}</text></svg>`;
    icon.href = number ? `data:image/svg+xml,${encodeURIComponent(picture)}` : plain;
  }

  function render() {
    if (!panel) return;
    const sound = kept.muted ? "muted" : onShift() && audio?.state !== "running" && "off";
    const states = [sound, isReached ? "reached" : may()];
    for (const line of panel.querySelectorAll("[data-if]")) line.hidden = !states.includes(line.dataset.if);
    panel.querySelector("[name=volume]").value = volume();
    panel.querySelector("[name=muted]").checked = kept.muted;
  }
  function look() {
    count();
    wake();
    render();
  }
  panel?.addEventListener("change", ({ target: { name, checked, value } }) => {
    kept[name] = name === "volume" ? value : checked ? 1 : "";
    render();
    beep();
  });
  document.addEventListener("click", ({ target }) => {
    if (onShift() || target.closest("[data-sound]")) unlock();
    presses[target.closest("[data-press]")?.dataset.press]?.();
  });
  document.addEventListener("submit", ({ target }) => target.matches("[data-start-shift]") && presses.ask(unlock()), true);
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("htmx:after:swap", look);

  look();
  listen().then(render, () => {});
})();
