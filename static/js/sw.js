// The service worker: notifications of offers, and an honest page without a connection, all that it ever keeps.
addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open("offline").then((cache) => cache.add("/offline")));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { mode, method } = event.request;
  if (mode === "navigate" && method === "GET") event.respondWith(fetch(event.request).catch(() => caches.match("/offline")));
});

// Of an offer { id, url, title, body, until }, of a job without `until`, or without `body` that it is over
const find = async (is) => (await clients.matchAll({ type: "window" })).find((page) => is(new URL(page.url).pathname, page));
async function hear({ id, url, title, body, until, isSilent }, isPush) {
  const isSeen = await find((path, page) => /^\/mechanic\/(dashboard|requests)/.test(path) && page.visibilityState === "visible");
  const show = (more) => registration.showNotification(title, { tag: id, icon: "/static/icon-192.png", data: url, ...more });
  if (body) {
    if (isPush && until) fetch(`${url}/delivered`, { method: "POST" }).catch(() => {});
    if (isSeen && !isSilent) return; // it rings there
    const time = until && new Date(until).toLocaleTimeString([], { timeStyle: "short" });
    await show({ body: time ? `Until ${time} · ${body}` : body, requireInteraction: true });
  } else {
    if (isPush && !isSeen) await show({ silent: true }); // who shows nothing loses the right to push
    for (const shown of await registration.getNotifications({ tag: id })) shown.close();
  }
}
addEventListener("push", (event) => event.waitUntil(hear(event.data.json(), true)));
addEventListener("message", (event) => event.waitUntil(hear(event.data)));
addEventListener("notificationclick", (event) => {
  const { notification } = event;
  const url = notification.data;
  notification.close();
  // A new page, never one that is open with something half typed
  event.waitUntil(find((path) => path === url).then((page) => page?.focus() ?? clients.openWindow(url)));
});
