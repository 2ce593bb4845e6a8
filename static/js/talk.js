// The talk of the two. What is written stands there at once, "sending" until the server has it. What did not arrive
// stays in this browser under its key: however often it is sent, it is said once.
const find = (selector = "") => document.querySelector(`.talk${selector}`);
const all = (selector) => [...document.querySelectorAll(`.talk__line${selector}`)];
const sentAs = (key) => key && find(` [data-key="${key}"]`);
const form = () => find("__say");
const last = () => Number(all("[data-number]").at(-1)?.dataset.number ?? 0);
const make = (tag, more) => Object.assign(document.createElement(tag), more);
const on = (name, step, from = document) => from?.addEventListener(name, step);
const newKey = () => `${Date.now()}${Math.random()}`;
const stream = document.getElementById("live");
const { title } = document;
const { talk, read: mark } = find()?.dataset ?? {};
const place = `talk ${talk} `;
let sending, reading, quiet, told = 0, unseen = 0, read = Number(mark);

async function post(url, fields) {
  const body = new FormData();
  body.set("csrf_token", form().csrf_token.value);
  for (const name in fields) body.set(name, fields[name]);
  const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer.ok) throw { ...await answer.json(), isFinal: [409, 413, 422].includes(answer.status) };
}
const whisper = (url, fields) => post(url, fields).catch(() => {});
const forget = (key) => delete localStorage[place + key];

function send(url, key, content, fields) {
  const state = make("small");
  const line = make("li", { className: "talk__line talk__line--mine" });
  line.dataset.key = key;
  line.append(content, state);
  find(" ol").append(line);
  async function attempt() {
    try {
      if (fields.photo?.size > 10 * 2 ** 20) throw { error: "It has more than 10 MB.", isFinal: true };
      await post(url, { ...fields, key });
      forget(key);
      state.textContent = "Sent";
      look();
    } catch ({ error = "", isFinal }) {
      state.textContent = `Not sent. ${error} `;
      const [name, textContent, onclick] = isFinal ? ["remove", "Remove", remove] : ["again", "Try again", again];
      state.append(make("button", { className: "button button--secondary", name, textContent, onclick }));
    }
  }
  function remove() {
    forget(key);
    line.remove();
    form()?.body.focus();
  }
  function again() {
    state.textContent = "Sending …";
    sending = Promise.resolve(sending).then(attempt); // one after the other, in their order
  }
  again();
}
const write = (key, body) => send(form().action, key, make("p", { className: "talk__words", textContent: body }), { body });
const retry = () => all(" [name=again]").forEach((button) => button.click());

function add(line) {
  const { id, textContent, dataset: { key } } = line;
  if (document.getElementById(id)) return;
  const sent = sentAs(key);
  if (sent) return forget(key) && sent.replaceWith(line);
  find(" ol").insertBefore(line, all(":not([data-number])")[0]);
  find("__said").textContent = textContent;
  find("__typing").hidden = true;
  if (document.hidden) unseen++;
}
async function look() {
  while (reading) await reading;
  if (!find() || find("__later")) return;
  reading = fetch(`${find().dataset.lines}?after=${last()}`, { headers: { "HX-Request": 1 } })
    .then((answer) => answer.ok ? answer.text() : "", () => "");
  const { content } = make("template", { innerHTML: await reading });
  reading = 0;
  [...content.children].forEach(add);
  seen();
}
function count() {
  document.title = unseen ? `(${unseen}) ${title}` : title;
}
function seen() {
  if (!document.hidden) unseen = 0;
  count();
  if (document.hidden || !form() || last() <= read) return;
  read = last();
  whisper(form().dataset.read, { number: read });
}

on("input", ({ target }) => {
  if (target.name !== "body") return;
  const left = 2000 - target.value.length;
  localStorage[place] = target.value;
  find("__left").textContent = left < 200 ? `${left} left` : "";
  if (left === 2000 || Date.now() - told < 3000) return;
  told = Date.now();
  whisper(form().dataset.typing);
});
on("keydown", (event) => {
  if (event.target.name !== "body" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (!matchMedia("(pointer: fine)").matches) return;
  event.preventDefault();
  form().requestSubmit();
});
on("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  const { body } = form(), key = newKey(), words = body.value.trim();
  localStorage[place] = body.value = "";
  body.focus();
  if (!words) return;
  localStorage[place + key] = words;
  write(key, words);
});
on("change", ({ target }) => {
  if (target.name !== "photo") return;
  for (const photo of target.files) {
    const preview = make("img", { alt: photo.name, width: 160 });
    const reader = new FileReader();
    reader.onload = () => { preview.src = reader.result; };
    reader.readAsDataURL(photo);
    send(target.form.action, newKey(), preview, { photo });
  }
  target.form.reset();
});
on("typing", ({ detail }) => {
  if (detail.request_id !== find()?.dataset.requestId) return;
  find("__typing").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { find("__typing").hidden = true; }, 5000);
}, stream);
on("message_sent", look, stream);
on("resync", () => { look(); retry(); }, stream);
on("online", retry, window);
on("visibilitychange", seen);
on("htmx:after:swap", count);
setInterval(look, 30000);

if (form()) {
  seen();
  form().body.value ||= localStorage[place] ?? "";
  for (const name in localStorage) {
    const [, key] = name.split(place);
    if (key) sentAs(key) ? forget(key) : write(key, localStorage[name]);
  }
}
