// The state of the page: waiting, shown, failed, gone. Sent with the first bytes.
const analyticspro = (() => {
  const root = document.documentElement;
  const at = (id) => document.getElementById(id);
  let state = "waiting";
  let kernel = null;
  let watch = null;

  function say(words) {
    const line = at("progress");
    if (state === "waiting" && line.textContent !== words) line.textContent = words;
  }

  function show() {
    if (state !== "waiting") return;
    state = "shown";
    root.classList.add("shown");
    at("content").setAttribute("aria-busy", "false");
    at("said").textContent = "The page is ready.";
    at("waiting").remove();
    setInterval(check, 30000);
  }

  function fail(title, message) {
    state = "failed";
    at("said").textContent = "";
    root.classList.add("failed");
    at("failed-title").textContent = title;
    at("failed-message").textContent = message;
    at("failed").hidden = false;
    at("failed-title").focus();
  }

  // The kernel of a page ends when its computer has slept or the server was restarted.
  async function check() {
    if (state !== "shown" || document.hidden || !kernel) return;
    try {
      const answer = await fetch(`/api/kernels/${kernel}`);
      if (answer.status === 404 || answer.status === 401) gone();
    } catch { gone(); }
  }

  function gone() {
    if (document.querySelector(".ap-lost:not([hidden])")) return; // the page says so itself
    state = "gone";
    at("gone").hidden = false;
    at("said").textContent = "This page has lost its connection. Load it again.";
  }

  // A page is ready when something of it has been drawn, or it says so itself.
  function drawn() {
    for (const output of document.querySelectorAll("#content .jp-OutputArea-output"))
      if (output.childElementCount && output.offsetHeight > 0) return true;
    return false;
  }

  function started(id) {
    kernel = id;
    say("Reading the data");
    watch = new MutationObserver(() => drawn() && (watch.disconnect(), show()));
    watch.observe(at("content"), { childList: true, subtree: true });
  }

  // `outputs`: how many things the notebook shows.
  function done(outputs) {
    say("Drawing");
    if (!outputs) fail("There is nothing on this page", "Its notebook displays nothing.");
  }

  // The document ended without an answer to how it went: the server was stopped meanwhile.
  addEventListener("load", () => {
    if (state === "waiting" && !at("finished"))
      fail("This page was interrupted", "The server stopped while making it. Load the page again.");
  });
  setTimeout(() => { if (state === "waiting") at("slow").hidden = false; }, 30000);
  addEventListener("analyticspro:ready", show);
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  addEventListener("visibilitychange", check);
  addEventListener("click", (event) => event.target.closest("[data-reload]") && location.reload());
  return { say, show, fail, started, done };
})();
