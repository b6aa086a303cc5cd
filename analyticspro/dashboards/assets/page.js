// The browser's half of a page: controls, waiting, tooltips. Who answers is behind `model`: a kernel
// (dashboards/live.py) or the page server (declared.js), which has put the page here already.
const HEARD_WITHIN = 6000;

function render({ model, el }) {
  const here = el.querySelector(".ap-live");
  const root = here || document.createElement("div");
  if (!here) root.className = "ap ap-live";
  if (!here) root.innerHTML = `<div class="ap-page"><div class="ap-busy" role="presentation"></div>
    <p class="ap-sr" role="status" aria-live="polite"></p>
    <div class="ap-lost" role="alert" hidden><span>This page has lost its connection to the server. What it shows may be out of date.</span>
      <button type="button" class="ap-button" data-reload-page>Reload</button></div>
    <header class="ap-head" data-part="head"></header>
    <div class="ap-top"><div class="ap-heading" data-part="heading"></div><div data-part="controls"></div></div>
    <div class="ap-body" data-part="body"></div><footer class="ap-foot" data-part="foot"></footer></div>`;
  if (!here) el.appendChild(root);
  const at = (selector) => root.querySelector(selector);
  const shown = {};
  let seq = 0, drawnWidth = null, waiting = null, isStep = true;

  const width = () => Math.round(root.clientWidth);

  // One figure alone: what is open in it stays so, and focus and scroll stay where they are.
  function replace(name, html) {
    const [row, place] = name.split("-");
    const old = at("[data-part=body]").querySelectorAll(":scope > .ap-strip, :scope > .ap-row")[row]?.children[place];
    if (!old) return;
    const all = (element, what) => [...element.querySelectorAll(what)];
    const opened = all(old, "details").map((one) => one.open);
    const scrolled = all(old, ".ap-scroll").map((one) => [one.scrollLeft, one.scrollTop]);
    const focused = old.contains(document.activeElement) ? all(old, "*").filter((one) => one.localName === document.activeElement.localName).indexOf(document.activeElement) : -1;
    const kind = focused < 0 ? "" : document.activeElement.localName;
    old.insertAdjacentHTML("afterend", html);
    const fresh = old.nextElementSibling;
    old.remove();
    all(fresh, "details").forEach((one, index) => { if (opened[index]) one.open = true; });
    all(fresh, ".ap-scroll").forEach((one, index) => { if (scrolled[index]) [one.scrollLeft, one.scrollTop] = scrolled[index]; });
    if (kind) all(fresh, kind)[focused]?.focus({ preventScroll: true });
  }

  // Replace only the parts that changed: a control keeps its focus, an open list its place.
  function put(drawn) {
    const focused = document.activeElement;
    const control = root.contains(focused) ? focused.getAttribute("data-control") || focused.getAttribute("aria-label") : null;
    const inBody = at("[data-part=body]").contains(focused);
    for (const [name, html] of Object.entries(drawn.parts)) {
      const mark = drawn.marks?.[name] ?? html;
      if (shown[name] === mark) continue;
      const part = at(`[data-part=${name}]`);
      const open = new Set([...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
      part.innerHTML = html;
      for (const one of part.querySelectorAll("summary")) if (open.has(one.textContent)) one.parentNode.open = true;
      shown[name] = mark;
    }
    for (const [name, html] of Object.entries(drawn.pieces ?? {})) replace(name, html);
    if (drawn.pieces) Object.assign(shown, drawn.marks);
    // What changes by itself is not read out, unless it is all another.
    if (!drawn.isRefresh || root.dataset.state !== drawn.state) at("[role=status]").textContent = drawn.said;
    root.dataset.state = drawn.state;
    if (control && !root.contains(document.activeElement)) {
      const again = at(`[data-control="${CSS.escape(control)}"]`) || at(`[aria-label="${CSS.escape(control)}"]:not(:disabled)`);
      (again || at("[data-control]") || root).focus();
    } else if (inBody && !root.contains(document.activeElement)) {
      (at(".ap-state h2") || at("[data-control]"))?.focus();
    }
    if (!current?.isConnected) hideTip();
  }

  // Each choice of the reader is a step that the browser's Back undoes.
  function address(drawn, isStep) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(drawn.address))
      value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    if (url.href !== location.href) history[isStep ? "pushState" : "replaceState"](null, "", url);
  }

  function busy(on) {
    root.setAttribute("aria-busy", String(on));
    clearTimeout(waiting);
    waiting = null;
  }

  function chosen() {
    const values = {};
    for (const select of root.querySelectorAll("[data-control]")) values[select.dataset.control] = select.value;
    return values;
  }

  function ask(values) {
    seq += 1;
    busy(true);
    drawnWidth = width();
    // A kernel at work answers "heard" at once; one that is gone never does.
    waiting = setTimeout(lost, HEARD_WITHIN);
    try { model.send({ type: "draw", seq, width: drawnWidth, ...values }); } catch { lost(); }
  }

  function lost() {
    busy(false);
    at(".ap-lost").hidden = false;
    at("[role=status]").textContent = "This page has lost its connection.";
  }

  function reload() {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(chosen()))
      value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    location.assign(url);
    if (url.href === location.href) location.reload();
  }

  model.on("msg:custom", (message) => {
    if (message?.type !== "heard" || message.seq !== seq) return;
    clearTimeout(waiting);
    waiting = null;
    at(".ap-lost").hidden = true;
  });
  function update() {
    const drawn = model.get("drawn");
    if (drawn.seq !== seq) return; // an older wish; a newer one is on its way
    put(drawn);
    busy(false);
    address(drawn, isStep && !drawn.isRefresh);
    isStep = true;
  }
  addEventListener("popstate", () => {
    if (!root.isConnected) return;
    const wanted = new URL(location.href).searchParams;
    isStep = false;
    ask(Object.fromEntries(Object.keys(chosen()).map((name) => [name, wanted.get(name) || ""])));
  });
  model.on("change:drawn", update);
  model.on("comm:close", lost);

  root.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-plain]")) event.preventDefault();
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-control]")) ask(chosen());
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !root.contains(button)) return;
    if (button.matches("[data-reload-page]")) reload();
    else if (button.matches("[data-retry]")) ask(chosen());
    else if (button.dataset.period) {
      const values = { ...chosen(), [button.name]: button.dataset.period };
      if ("clear" in button.dataset) for (const name of Object.keys(values)) if (name !== button.name) values[name] = "";
      ask(values);
    }
  });

  // Tooltips: the words are the marks' own labels, so eye and screen reader get the same.
  const tip = document.createElement("div");
  tip.className = "ap-tip";
  tip.hidden = true;
  root.appendChild(tip);
  let current = null;

  function marksOf(svg) {
    return [...svg.querySelectorAll("[aria-label][role=graphics-symbol]")].filter((mark) =>
      !/axis|legend|title/.test(mark.getAttribute("aria-roledescription")));
  }

  function hideTip() {
    tip.hidden = true;
    if (!current) return;
    current.removeAttribute("data-on");
    root.querySelectorAll(".ap-cross").forEach((line) => line.remove());
    current = null;
  }

  function showTip(mark) {
    if (mark === current) return;
    hideTip();
    current = mark;
    const label = mark.getAttribute("aria-label");
    const cut = label.indexOf(": ");
    const lines = label.slice(cut + 2).split("; ");
    tip.replaceChildren(text("strong", lines[0]), text("span", label.slice(0, cut)), ...lines.slice(1).map((line) => text("span", line)));
    tip.hidden = false;
    let box = mark.getBoundingClientRect();
    if (mark.tagName === "line") {
      const cross = mark.cloneNode();
      for (const name of ["opacity", "aria-label", "role", "stroke", "stroke-width"]) cross.removeAttribute(name);
      cross.setAttribute("class", "ap-cross");
      cross.setAttribute("aria-hidden", "true");
      mark.parentNode.insertBefore(cross, mark.parentNode.firstChild);
    } else mark.setAttribute("data-on", "");
    const x = mark.tagName === "line" ? box.left + box.width / 2 : box.right;
    const size = tip.getBoundingClientRect();
    const left = x + 12 + size.width > innerWidth - 8 ? x - 12 - size.width : x + 12;
    const top = mark.tagName === "line" ? box.top + 6 : box.top + box.height / 2 - size.height / 2;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  }

  function text(tag, words) {
    const node = document.createElement(tag);
    node.textContent = words;
    return node;
  }

  root.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.("svg [aria-label][role=graphics-symbol]");
    mark && root.contains(mark) && marksOf(mark.ownerSVGElement).includes(mark) ? showTip(mark) : hideTip();
  });
  root.addEventListener("pointerleave", hideTip);
  addEventListener("scroll", hideTip, { passive: true });
  root.addEventListener("focusout", hideTip);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      hideTip();
      root.querySelectorAll(".ap-meaning[open]").forEach((open) => { open.open = false; });
    }
    if (event.target.tagName !== "svg") return;
    const marks = marksOf(event.target);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!marks.length || !(step || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    const now = marks.indexOf(current);
    const next = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1
      : now < 0 ? (step > 0 ? 0 : marks.length - 1) : Math.min(marks.length - 1, Math.max(0, now + step));
    showTip(marks[next]);
    at("[role=status]").textContent = marks[next].getAttribute("aria-label");
  });
  document.addEventListener("click", (event) => {
    for (const open of root.querySelectorAll(".ap-meaning[open]")) if (!open.contains(event.target)) open.open = false;
  });

  // Charts are drawn at the width they are shown at: a window made wider asks for new ones.
  let resized = null;
  new ResizeObserver(() => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      const now = width();
      if (!now || root.getAttribute("aria-busy") === "true") return;
      const fits = drawnWidth === null ? (now >= 1240 || (now >= 350 && now <= 420)) : Math.min(drawnWidth, 1280) === Math.min(now, 1280);
      if (!fits) ask(chosen());
    }, 180);
  }).observe(root);

  const first = model.get("drawn");
  seq = first.seq;
  if (here) Object.assign(shown, first.marks), drawnWidth = model.width || null;
  else put(first);
  busy(false);
  address(first, false);
  dispatchEvent(new Event("analyticspro:ready"));
}

export default { render };
