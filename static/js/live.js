// Live pages: one Server-Sent Events stream a browser and address, shared by its tabs.
// The element with data-stream gets a DOM event for each event of the stream, "news" for any of them, and "resync"
// when the page may have missed something; fragments then re-read themselves. Signals may double, never stay away.
(() => {
  "use strict";
  const KINDS = ["priority_session_request", "new_request", "request_accepted", "request_cancelled", "request_expired",
    "request_withdrawn", "request_offered", "request_declined", "request_broadcast", "request_started",
    "request_completed", "request_delivered", "request_extended", "request_prolonged", "request_assigned",
    "request_unattended", "message_sent", "typing", "reset"];
  const FOR_ALL = new Set(["new_request", "request_accepted", "request_cancelled", "request_expired", "request_prolonged"]);

  function live(element) {
    const address = element.dataset.stream;
    const silence = Number(element.dataset.heartbeat || 15) * 2200; // ms: two pings did not come
    const channel = new BroadcastChannel(`stream ${address}`);
    let after = Number(element.dataset.after || 0);
    let heard = Date.now();
    let attempt = 0;
    let read = Date.now();
    let source, retry, release, soon;

    const fire = (name, detail = {}) => element.dispatchEvent(new CustomEvent(name, { detail }));
    function resync() {
      read = Date.now();
      fire("resync");
    }
    // Every board hears the same news: they read themselves anew one after the other, over as long as the server needs
    // for all of them (data-spread, ms; other pages have none and are alone with their news).
    // A page that hears of everybody's (data-calm, ms) reads itself no more often than that, however much happens.
    const calm = Number(element.dataset.calm ?? 0);
    const spread = () => Math.max(calm, Number(element.dataset.spread ?? 0));
    function inTurn(step) {
      if (!spread()) return step();
      soon ??= setTimeout(() => { soon = undefined; step(); }, calm || Math.random() * spread());
    }

    // Returns whether that is new.
    function show(state) {
      if (element.dataset.connection === state) return false;
      element.dataset.connection = state;
      const banner = document.getElementById("connection");
      if (banner) banner.hidden = state === "open";
      for (const text of banner?.querySelectorAll("[data-when]") ?? []) text.hidden = text.dataset.when !== state;
      return true;
    }

    // What the leader reads from the stream, and what its followers hear of it.
    function take({ state = "open", opened, kind, id, data, pause }) {
      heard = Date.now();
      if (pause !== undefined && element.dataset.spread) element.dataset.spread = pause;
      if ((show(state) || opened) && state === "open") inTurn(resync);
      if (kind === "typing") fire(kind, data); // no event: it has no id of its own
      if (!kind || (kind !== "reset" && id <= after)) return;
      after = id;
      fire(kind, data);
      const news = () => fire("news", { kind, data });
      if (calm || FOR_ALL.has(kind)) inTurn(news);
      else news();
      if (kind === "reset") resync();
    }
    function tell(message) {
      channel.postMessage(message);
      take(message);
    }
    channel.onmessage = ({ data }) => {
      if (!data.hello) take(data);
      else if (source?.readyState === EventSource.OPEN) channel.postMessage({});
    };

    function open() {
      clearTimeout(retry);
      source?.close();
      heard = Date.now();
      const url = new URL(address, location.href);
      url.searchParams.set("after", after);
      const stream = source = new EventSource(url);
      stream.onopen = () => { attempt = 0; tell({ opened: true }); };
      stream.onerror = () => {
        if (stream !== source) return;
        tell({ state: "lost" });
        if (stream.readyState === EventSource.CLOSED) reopen(); // else the browser tries again by itself
      };
      stream.addEventListener("ping", ({ data }) => tell({ pause: JSON.parse(data).spread }));
      for (const kind of KINDS) {
        stream.addEventListener(kind, (event) => tell({ kind, id: Number(event.lastEventId), data: JSON.parse(event.data) }));
      }
    }

    // The browser gives up for ever on any answer but 200: ask why, then try again, or say that it is no use. No answer
    // at all: ask again until one comes, for each question lets go of a connection that died without a word.
    async function reopen() {
      source.close();
      tell({ state: "lost" });
      const signal = AbortSignal.timeout(silence / 4);
      const status = await fetch(address, { method: "HEAD", headers: { Accept: "application/json" }, cache: "no-store", signal })
        .then((response) => response.status, () => 0);
      if (!release) return;
      if (status === 401 || status === 403) {
        show("signed-out"); // only here: the next tab asks for itself, its person may have signed in again
        channel.close();
        release();
      } else {
        clearTimeout(retry);
        retry = setTimeout(status ? open : reopen, Math.min(500 * 2 ** attempt++, 15000) * (0.5 + Math.random() / 2));
      }
    }

    // One tab leads. When it closes the lock falls to the next; one that sleeps loses it to a tab that is looked at.
    function lead(steal = false) {
      if (!navigator.locks) { release = () => {}; return open(); } // plain HTTP: a stream a tab
      const held = () => new Promise((resolve) => { release = resolve; open(); });
      return navigator.locks.request(`stream ${address}`, { steal }, held).then(() => false, () => true).then((stolen) => {
        source?.close();
        clearTimeout(retry);
        source = release = undefined;
        if (stolen) lead();
      });
    }

    function check() {
      // A board in any case each half minute, unless there are so many that it would be felt.
      const rest = element.dataset.connection === "open" ? 20 * spread() : 0;
      if (element.dataset.spread && Date.now() - read > Math.max(30000, rest)) resync();
      if (element.dataset.connection === "signed-out" || Date.now() - heard < silence) return;
      if (release) reopen();
      else if (document.visibilityState === "visible") { show("lost"); heard = Date.now(); lead(true); }
    }
    function back() {
      if (document.visibilityState !== "visible" || element.dataset.connection === "signed-out") return;
      if (release && element.dataset.connection === "lost") open();
      else check();
      resync();
    }

    setInterval(check, Math.min(silence / 3, 5000));
    document.addEventListener("visibilitychange", back);
    addEventListener("online", back);
    addEventListener("pageshow", (event) => event.persisted && back());
    channel.postMessage({ hello: true });
    lead();
  }

  // A fragment asked for over such a connection must not hold up the next question for a minute.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method === "GET") ctx.request.timeout ??= "10s";
  });

  document.querySelectorAll("[data-stream]").forEach(live);
})();
