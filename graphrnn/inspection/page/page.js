"use strict";
// Every text from the graph is set by textContent: a variable named like an element is text.
const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const state = { view: "graph", step: 0, panes: [], picked: null, theme: "" };

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function shape(tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// --- one graph in one pane -------------------------------------------------------------------

class Pane {
  constructor(stage, onStage) {
    this.stage = stage;
    this.opened = new Set();
    this.view = { x: 0, y: 0, scale: 1 };
    this.select = element("select", { "aria-label": "stage" });
    for (const entry of DATA.stages) this.select.append(element("option", { value: entry.name, text: entry.name }));
    this.select.value = stage.name;
    this.select.addEventListener("change", () => {
      this.stage = DATA.stages.find((entry) => entry.name === this.select.value);
      this.opened.clear();
      this.draw();
      this.fit();
      onStage();
    });
    this.note = element("span", { class: "quiet" });
    this.bar = element("div", { class: "bar" }, this.select, this.button("+", "zoom in", () => this.zoom(1.25)),
      this.button("−", "zoom out", () => this.zoom(0.8)), this.button("fit", "fit", () => this.fit()), this.note);
    this.svg = shape("svg", { class: "graph", role: "group", "aria-label": `graph, ${stage.name}` });
    this.world = shape("g");
    this.svg.append(this.markers(), this.world);
    this.root = element("div", { class: "pane" }, this.bar, this.svg);
    this.listen();
    this.draw();
  }

  button(text, title, act) { return element("button", { text, title, onclick: act }); }

  markers() {
    const defs = shape("defs");
    const tip = shape("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" });
    tip.append(shape("path", { d: "M0,0 L8,4 L0,8 z", fill: "currentColor", "fill-opacity": 0.55 }));
    defs.append(tip);
    return defs;
  }

  layout() {
    const all = this.stage.layouts;
    const key = [...this.opened].sort((a, b) => a - b).join(",");
    return all[key] || all[""];
  }

  draw() {
    const layout = this.layout();
    this.size = layout;
    this.world.replaceChildren();
    this.groups = new Map();
    this.paths = [];
    for (const [id, [x, y, width, height]] of Object.entries(layout.clusters)) {
      this.world.append(shape("rect", { class: "cluster", x, y, width, height, rx: 10, "data-loop": id }));
    }
    for (const [from, to, d] of layout.arrows) {
      const path = shape("path", { class: "arrow", d, "marker-end": "url(#tip)" });
      this.paths.push([from, to, path]);
      this.world.append(path);
    }
    for (const box of this.stage.boxes) {
      const frame = layout.boxes[box.id];
      if (frame) this.world.append(this.group(box, frame));
    }
    const folded = this.stage.folded ? ", steps folded" : "";
    this.note.textContent = `${this.stage.count} nodes${folded}`;
    this.mark();
    this.move();
  }

  group(box, [x, y, width, height]) {
    const loop = this.stage.loops.includes(box.id);
    const kind = box.state ? box.state : loop ? "loop" : "";
    const group = shape("g", { class: `box ${kind}`, tabindex: 0, role: "button", transform: `translate(${x},${y})`,
      "data-id": box.id, "aria-label": `${box.name}: ${box.text}, ${box.type}` });
    const rect = shape("rect", { width, height, rx: 6 });
    if (!box.state) rect.style.fill = `var(--${box.kind})`;
    group.append(rect);
    box.labels.forEach((text, row) => {
      if (text) group.append(shape("text", { x: width / 2, y: height / 2 + (row ? 10 : box.labels[1] ? -2 : 4),
        "text-anchor": "middle", class: row ? "small" : "" }, text));
    });
    group.append(shape("title", {}, `${box.name} = ${box.text}`));
    group.addEventListener("click", (event) => { event.stopPropagation(); this.choose(box, loop); });
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(box, loop); }
    });
    this.groups.set(box.id, group);
    return group;
  }

  choose(box, loop) {
    const again = state.picked && state.picked.pane === this && state.picked.id === box.id;
    pick(this, box.id);
    if (loop && (again || !this.opened.has(box.id))) this.toggle(box.id);
  }

  toggle(id) {
    const was = new Set(this.opened);
    if (this.opened.has(id)) this.opened.delete(id); else this.opened.add(id);
    const key = () => [...this.opened].sort((a, b) => a - b).join(",");
    if (!(key() in this.stage.layouts)) this.opened = was.has(id) ? new Set() : new Set([id]);
    this.draw();
    this.fit();
    const group = this.groups.get(id);
    if (group) group.focus({ preventScroll: true });
  }

  mark() {
    const picked = state.picked && state.picked.pane === this ? state.picked.id : null;
    const linked = state.picked && state.picked.pane !== this ? linkedTo(state.picked, this) : new Set();
    const query = byId("search").value.trim().toLowerCase();
    let matches = 0;
    for (const box of this.stage.boxes) {
      const group = this.groups.get(box.id);
      if (!group) continue;
      const hit = query !== "" && `${box.name} ${box.word} ${box.type} ${box.kind}`.toLowerCase().includes(query);
      matches += hit ? 1 : 0;
      group.classList.toggle("picked", box.id === picked);
      group.classList.toggle("linked", linked.has(box.id));
      group.classList.toggle("found", hit);
      group.classList.toggle("dim", query !== "" && !hit);
    }
    for (const [from, to, path] of this.paths) path.classList.toggle("near", from === picked || to === picked);
    return matches;
  }

  listen() {
    let held = null;
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".box")) return;
      held = { x: event.clientX, y: event.clientY };
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!held) return;
      this.view.x += event.clientX - held.x;
      this.view.y += event.clientY - held.y;
      held = { x: event.clientX, y: event.clientY };
      this.move();
    });
    this.svg.addEventListener("pointerup", () => { held = null; });
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const bounds = this.svg.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 400), event.clientX - bounds.left, event.clientY - bounds.top);
    }, { passive: false });
  }

  zoom(by, x, y) {
    const bounds = this.svg.getBoundingClientRect();
    const [cx, cy] = [x ?? bounds.width / 2, y ?? bounds.height / 2];
    const scale = Math.min(6, Math.max(0.02, this.view.scale * by));
    const real = scale / this.view.scale;
    this.view.x = cx - (cx - this.view.x) * real;
    this.view.y = cy - (cy - this.view.y) * real;
    this.view.scale = scale;
    this.move();
  }

  pan(dx, dy) { this.view.x += dx; this.view.y += dy; this.move(); }

  fit() {
    const bounds = this.svg.getBoundingClientRect();
    const { width, height } = this.size;
    if (!bounds.width || !width) return;
    // A long graph is shown from its top at a size that can be read.
    const whole = Math.min(bounds.width / (width + 30), bounds.height / (height + 30));
    const scale = Math.min(1.3, Math.max(whole, Math.min(0.45, bounds.width / (width + 30))));
    const top = scale * height > bounds.height ? 12 : (bounds.height - scale * height) / 2;
    this.view = { x: (bounds.width - scale * width) / 2, y: top, scale };
    this.move();
  }

  center(id) {
    const box = this.size.boxes[id];
    if (!box) return;
    const bounds = this.svg.getBoundingClientRect();
    if (this.view.scale < 0.5) this.view.scale = 0.8;
    this.view.x = bounds.width / 2 - (box[0] + box[2] / 2) * this.view.scale;
    this.view.y = bounds.height / 2 - (box[1] + box[3] / 2) * this.view.scale;
    this.move();
  }

  move() {
    const { x, y, scale } = this.view;
    this.world.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
  }
}

// --- selection -------------------------------------------------------------------------------

function linkedTo(picked, other) {
  const from = picked.pane.stage, to = other.stage;
  const linked = new Set();
  if (from === to) return new Set([picked.id]);
  for (const [after, befores] of Object.entries(to.origins || {})) {
    if (from.name === DATA.written && befores.includes(picked.id)) linked.add(Number(after));
  }
  for (const before of (from.origins || {})[picked.id] || []) {
    if (to.name === DATA.written) linked.add(before);
  }
  return linked;
}

function pick(pane, id) {
  state.picked = id === null ? null : { pane, id };
  for (const other of state.panes) other.mark();
  if (id === null) { details(null); return; }
  const linked = state.panes.filter((other) => other !== pane).map((other) => [other, [...linkedTo(state.picked, other)]]);
  for (const [other, ids] of linked) if (ids.length) other.center(ids[0]);
  details(pane.stage.boxes.find((box) => box.id === id), pane.stage);
}

function details(box, stage) {
  const panel = byId("details");
  if (!box) { panel.replaceChildren(element("p", { class: "hint", text: "Click a node, or reach it with Tab." })); return; }
  const facts = element("dl");
  const addFact = (name, value) => {
    if (value) facts.append(element("dt", { text: name }), element("dd", { text: value }));
  };
  addFact("is", `${box.word}${box.kind === "value" ? "" : `, ${box.kind}`}`);
  addFact("type", box.type);
  addFact("stage", stage.name);
  if (box.count > 1) addFact("stands for", `${box.count} alike`);
  for (const [name, value] of Object.entries(box.facts || {})) addFact(name, value);
  panel.replaceChildren(element("h2", { text: box.name }), element("pre", { text: box.text }), facts);
  if (box.origin) panel.append(element("h3", { text: "made by" }), element("pre", { text: box.origin }));
  const code = (stage.code || {})[box.id];
  if (code) panel.append(element("h3", { text: code[0] }), element("pre", { class: "code", text: code[1] }));
}

// --- views -----------------------------------------------------------------------------------

function stageNamed(name) { return DATA.stages.find((stage) => stage.name === name) || DATA.stages[0]; }

function graphPanes(names) {
  state.panes = names.map((name) => new Pane(stageNamed(name), () => pick(null, null)));
  byId("panes").replaceChildren(...state.panes.map((pane) => pane.root));
  for (const pane of state.panes) pane.fit();
}

function historyView() {
  const steps = DATA.history;
  if (!steps.length) { showText("No step of rewriting to show."); return; }
  const pane = new Pane(historyStage(steps[state.step]), () => {});
  pane.select.remove();
  const back = element("button", { text: "←", title: "step before", onclick: () => goTo(state.step - 1) });
  const next = element("button", { text: "→", title: "step after", onclick: () => goTo(state.step + 1) });
  const slider = element("input", { type: "range", min: 0, max: steps.length - 1, value: state.step,
    "aria-label": "step of the history", oninput: (event) => goTo(Number(event.target.value)) });
  const rewrite = element("strong", { id: "rewrite" });
  const where = element("span", { class: "quiet", id: "where" });
  pane.bar.prepend(back, slider, next, rewrite, where);
  state.panes = [pane];
  state.history = { pane, slider, rewrite, where };
  byId("panes").replaceChildren(pane.root);
  goTo(state.step);
}

function historyStage(step) {
  return { name: "history", boxes: step.boxes, loops: [], layouts: { "": step.layout }, count: step.boxes.length, code: {} };
}

function goTo(number) {
  const steps = DATA.history;
  state.step = Math.min(steps.length - 1, Math.max(0, number));
  const step = steps[state.step];
  const { pane, slider, rewrite, where } = state.history;
  state.picked = null;
  pane.stage = historyStage(step);
  pane.draw();
  pane.fit();
  slider.value = state.step;
  rewrite.textContent = step.rewrite;
  where.textContent = `step ${state.step + 1} of ${steps.length}, ${step.graph}, ${step.edits} edits, ${step.ms} ms`;
  const panel = byId("details");
  panel.replaceChildren(element("h2", { text: step.rewrite }),
    element("p", { class: "hint", text: "red: gone after this step; green: new; yellow: reads something else now" }));
  const lines = element("pre");
  for (const [sign, text] of step.lines) {
    lines.append(element("div", { class: sign === "-" ? "removed-line" : sign === "+" ? "added-line" : "", text: `${sign} ${text}` }));
  }
  panel.append(lines);
}

function showText(text) {
  state.panes = [];
  byId("panes").replaceChildren(element("div", { class: "pane" }, element("div", { class: "scroll" }, element("pre", { text }))));
}

function listingView() {
  const select = element("select", { "aria-label": "stage" });
  for (const name of Object.keys(DATA.listings)) select.append(element("option", { value: name, text: name }));
  const pre = element("pre");
  const show = () => { pre.textContent = DATA.listings[select.value]; };
  select.addEventListener("change", show);
  show();
  state.panes = [];
  byId("panes").replaceChildren(element("div", { class: "pane" }, element("div", { class: "bar" }, select), element("div", { class: "scroll" }, pre)));
}

function costView() {
  const table = element("table");
  table.append(element("tr", {}, ...["node", "word", "operations", "bytes", "time", "share", "bound by"].map((text) => element("th", { text }))));
  for (const row of DATA.costs) {
    const bar = element("span", { class: "meter" });
    bar.style.width = `${Math.round(row.share * 120)}px`;
    table.append(element("tr", {}, element("td", { text: row.name }), element("td", { text: row.word }),
      ...["operations", "bytes", "time"].map((name) => element("td", { class: "number", text: row[name] || "" })),
      element("td", {}, bar, ` ${(100 * row.share).toFixed(1)} %`), element("td", { text: row.bound || "" })));
  }
  const times = element("table");
  times.append(element("tr", {}, element("th", { text: "phase" }), element("th", { text: "rewrite" }), element("th", { text: "ms" }), element("th", { text: "tried" })));
  for (const [phase, rewrite, ms, calls] of DATA.timing.rewrites) {
    times.append(element("tr", {}, element("td", { text: phase }), element("td", { text: rewrite }),
      element("td", { class: "number", text: ms }), element("td", { class: "number", text: calls })));
  }
  state.panes = [];
  byId("panes").replaceChildren(element("div", { class: "pane" }, element("div", { class: "scroll" },
    element("h2", { text: DATA.summary }), table, element("h3", { text: "memory along the schedule" }),
    memoryPlot(), element("h3", { text: `time of rewriting: ${DATA.timing.total}` }), times)));
}

function memoryPlot() {
  const [width, height] = [760, 130];
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": DATA.memory.text });
  const most = Math.max(1, ...DATA.memory.live);
  DATA.memory.live.forEach((live, k) => {
    const w = width / DATA.memory.live.length, h = (height - 20) * live / most;
    const bar = shape("rect", { x: k * w, y: height - h, width: Math.max(0.5, w - 0.5), height: h, fill: "var(--pick)" });
    bar.append(shape("title", {}, `${DATA.memory.names[k]}: ${live.toLocaleString("en")} bytes`));
    svg.append(bar);
  });
  svg.append(shape("text", { x: 4, y: 13, "font-size": 12, fill: "currentColor" }, DATA.memory.text));
  return svg;
}

function show(view) {
  state.view = view;
  state.picked = null;
  details(null);
  for (const button of byId("views").children) button.setAttribute("aria-pressed", button.dataset.view === view);
  if (view === "graph") graphPanes([DATA.first]);
  if (view === "compare") graphPanes([DATA.written, "rewritten"]);
  if (view === "history") historyView();
  if (view === "listing") listingView();
  if (view === "cost") costView();
  search();
}

function search(next = false) {
  const matches = state.panes.reduce((sum, pane) => sum + pane.mark(), 0);
  const query = byId("search").value.trim();
  byId("found").textContent = query ? `${matches} found` : "";
  if (!next || !matches) return;
  const pane = state.panes.find((candidate) => candidate.world.querySelector(".found"));
  const ids = [...pane.groups].filter(([, group]) => group.classList.contains("found")).map(([id]) => id);
  const at = state.picked && state.picked.pane === pane ? ids.indexOf(state.picked.id) : -1;
  const id = ids[(at + 1) % ids.length];
  pick(pane, id);
  pane.center(id);
}

function theme(name) {
  state.theme = name;
  document.documentElement.dataset.theme = name;
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input[type=search], select");
  if (event.key === "Escape") { byId("search").value = ""; pick(null, null); search(); event.target.blur(); return; }
  if (typing) return;
  const views = ["graph", "compare", "history", "listing", "cost"];
  if (event.key === "/") { event.preventDefault(); byId("search").focus(); return; }
  if (/^[1-5]$/.test(event.key)) { show(views[event.key - 1]); return; }
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step && state.view === "history") { event.preventDefault(); goTo(state.step + step); return; }
  const pane = state.panes.find((candidate) => candidate.root.contains(document.activeElement)) || state.panes[0];
  if (!pane) return;
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  if (moves[event.key]) { event.preventDefault(); pane.pan(...moves[event.key]); }
  if (event.key === "+" || event.key === "=") pane.zoom(1.25);
  if (event.key === "-") pane.zoom(0.8);
  if (event.key === "0") pane.fit();
}

function start() {
  document.title = DATA.title;
  byId("title").textContent = DATA.title;
  byId("views").addEventListener("click", (event) => { if (event.target.dataset.view) show(event.target.dataset.view); });
  byId("search").addEventListener("input", () => search());
  byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") search(true); });
  byId("theme").addEventListener("click", () => theme(state.theme === "dark" ? "light" : "dark"));
  byId("help").addEventListener("click", () => byId("keys").showModal());
  document.addEventListener("keydown", keys);
  window.addEventListener("resize", () => state.panes.forEach((pane) => pane.fit()));
  theme(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const footer = byId("footer");
  for (const kind of ["product", "elementwise", "reduce", "index", "shape", "loop", "random", "other", "value"]) {
    const key = element("span", { class: "key" });
    key.style.background = `var(--${kind})`;
    footer.append(element("span", {}, key, kind));
  }
  footer.append(element("span", { text: DATA.summary }));
  show("graph");
}

start();
