// A page that the page server drew: what a reader chooses is fetched from it, part by part.
import page from "./page.js";

const main = document.querySelector(".ap-live");
const told = JSON.parse(document.getElementById("told").textContent);
const heard = {};
let drawn = { ...told, parts: {}, seq: 0 };
let mark = told.mark;
let newest = 0;
let drawnFor = told.width; // pixels; 0 for a wide and a narrow drawing
let missed = null; // what was chosen while nobody answered
const AGAIN_WITHIN = 3000;

// The server draws charts for the width that it is told by this cookie: one drawing, of the very size.
function remember() {
  const width = Math.round(main.clientWidth);
  document.cookie = `analyticspro-width=${width}; path=/; max-age=31536000; samesite=lax`;
  return width;
}

function addressed(values) {
  const url = new URL(location.href);
  url.hash = url.search = "";
  for (const [name, value] of Object.entries(values)) if (value !== "") url.searchParams.set(name, value);
  return url;
}

async function fetched(values, headers = {}) {
  return fetch(addressed(values), { headers: { Accept: "application/json", ...headers }, cache: "no-store" });
}

const model = {
  width: told.width,
  get: () => drawn,
  on: (name, say) => { heard[name] = say; },
  async send(wish) {
    const { seq, width, type, ...values } = wish;
    newest = seq;
    missed = null;
    leave();
    heard["msg:custom"]({ type: "heard", seq });
    drawnFor = remember();
    try {
      const answer = await fetched(values);
      if (answer.status === 401 || answer.status === 403) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const message = await answer.json();
      if (seq !== newest) return;
      mark = answer.headers.get("ETag")?.replaceAll('"', "");
      drawn = { ...message, seq };
      heard["change:drawn"]();
    } catch {
      if (seq !== newest) return;
      missed = wish;
      heard["comm:close"]();
      setTimeout(refresh, AGAIN_WITHIN);
    } finally {
      if (seq === newest) follow();
    }
  },
};

// Changes come by a socket, while somebody looks. Without one the page asks for them now and then.
const CLOSED = { noRight: 4403, notLive: 4404, crowded: 4429 };
let socket = null, isLive = false, again = null, pause = 1000;

function say(on) {
  isLive = on;
  main.dataset.mode = on ? "live" : "refresh";
  const line = main.querySelector("[data-refreshes]");
  if (line) line.textContent = on ? "Live: changes show by themselves." : `Not live just now: looks for new data every ${told.refresh} seconds.`;
}

function leave() {
  clearTimeout(again);
  const one = socket;
  socket = null;
  one?.close();
}

function follow() {
  leave();
  if (document.hidden || !navigator.onLine) return;
  const url = addressed(drawn.address);
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname = url.pathname.replace("/dashboards/", "/live/");
  const one = socket = new WebSocket(url);
  one.binaryType = "arraybuffer";
  let last = Promise.resolve();
  one.onopen = () => one.send(JSON.stringify({ shows: mark, width: drawnFor }));
  one.onmessage = ({ data }) => { last = last.then(() => one === socket && take(one, data)).catch(() => one.close()); };
  one.onclose = ({ code }) => one === socket && lost(code);
}

async function take(one, data) {
  if (typeof data === "string") {
    pause = 1000;
    return say(JSON.parse(data).live);
  }
  const unzipped = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  const message = await new Response(unzipped).json();
  if (one !== socket) return;
  if (message.since && message.since !== mark) return follow(); // a step is missing
  mark = message.mark;
  drawn = { ...message, seq: newest, isRefresh: true };
  heard["change:drawn"]();
  main.querySelector(".ap-lost").hidden = true;
  say(isLive);
  one.send(JSON.stringify({ shows: mark }));
}

function lost(code) {
  socket = null;
  say(false);
  if (code === CLOSED.noRight && main.dataset.state !== "error") return location.reload();
  if (code === CLOSED.notLive) return;
  if (code !== CLOSED.noRight && code !== CLOSED.crowded) refresh();
  else pause = 60000;
  again = setTimeout(follow, pause * (0.5 + Math.random()));
  pause = Math.min(2 * pause, 30000);
}

// New data without a reload or a socket: told as nothing if nothing is new.
async function refresh() {
  if (document.hidden || main.getAttribute("aria-busy") === "true") return;
  if (missed) return model.send(missed);
  if (isLive) return;
  const seq = newest;
  const word = main.querySelector(".ap-lost");
  try {
    const answer = await fetched(drawn.address, { "If-None-Match": `"${mark}"` });
    if (answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(answer.status);
      const message = await answer.json();
      if (seq !== newest || main.getAttribute("aria-busy") === "true") return;
      mark = answer.headers.get("ETag")?.replaceAll('"', "");
      drawn = { ...message, seq, isRefresh: true };
      heard["change:drawn"]();
    }
    word.hidden = true;
    say(isLive);
  } catch {
    word.hidden = false;
  }
}

remember();
page.render({ model, el: document.body });
setInterval(refresh, 1000 * told.refresh);
follow();
// A page that nobody sees costs nothing.
addEventListener("visibilitychange", () => { document.hidden ? leave() : follow(); });
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => event.persisted && follow());
addEventListener("offline", () => { leave(); say(false); });
addEventListener("online", () => { refresh(); follow(); });
