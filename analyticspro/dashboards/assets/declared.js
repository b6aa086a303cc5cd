// A page that the page server drew: what a reader chooses is fetched from it, part by part.
import page from "./page.js";

const main = document.querySelector(".ap-live");
const told = JSON.parse(document.getElementById("told").textContent);
const heard = {};
let drawn = { ...told, parts: {}, seq: 0 };
let mark = told.mark;
let newest = 0;
let missed = null; // what was chosen while nobody answered
const AGAIN_WITHIN = 3000;

// The server draws charts for the width that it is told by this cookie: one drawing, of the very size.
function remember() {
  const width = Math.round(main.clientWidth);
  document.cookie = `analyticspro-width=${width}; path=/; max-age=31536000; samesite=lax`;
}

async function fetched(values, headers = {}) {
  const url = new URL(location.href);
  url.hash = url.search = "";
  for (const [name, value] of Object.entries(values)) if (value !== "") url.searchParams.set(name, value);
  return fetch(url, { headers: { Accept: "application/json", ...headers }, cache: "no-store" });
}

const model = {
  width: told.width,
  get: () => drawn,
  on: (name, say) => { heard[name] = say; },
  async send(wish) {
    const { seq, width, type, ...values } = wish;
    newest = seq;
    missed = null;
    heard["msg:custom"]({ type: "heard", seq });
    remember();
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
    }
  },
};

// New data without a reload: asked for while somebody looks, and told as nothing if nothing is new.
async function refresh() {
  if (document.hidden || main.getAttribute("aria-busy") === "true") return;
  if (missed) return model.send(missed);
  const seq = newest;
  const lost = main.querySelector(".ap-lost");
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
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

remember();
page.render({ model, el: document.body });
setInterval(refresh, 1000 * told.refresh);
addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
