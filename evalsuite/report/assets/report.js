"use strict";
// Theme: the system's, unless the reader chooses.
const themeButton = document.getElementById("theme");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
});

const PAGE = 50;
const by = (id) => document.getElementById(id);
const state = { page: 0 };
let data = null;

// All text goes in as text: what a model wrote is never markup.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function unpack() {
  const packed = Uint8Array.from(atob(by("data").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

function probe() {
  return data.probes[Number(by("probe").value) || 0];
}

function searchable(sample) {
  return JSON.stringify(sample).toLowerCase();
}

function differs(sample) {
  const answers = Object.values(sample.models).map((m) => String(m.record.predicted ?? m.record.hypothesis ?? m.record.correct));
  return new Set(answers).size > 1;
}

function wrong(sample) {
  return Object.values(sample.models).some((m) => typeof m.record.correct !== "undefined" && Number(m.record.correct) < 1);
}

function groupsOf(samples) {
  const groups = new Set();
  for (const s of samples) for (const m of Object.values(s.models)) if (m.record.group) groups.add(String(m.record.group));
  return [...groups].sort();
}

function selected() {
  const show = by("show").value, group = by("group").value, query = by("query").value.toLowerCase();
  return probe().samples.filter((s) => {
    if (show === "failed" && !Object.values(s.models).some((m) => m.status === "failed")) return false;
    if (show === "differ" && !differs(s)) return false;
    if (show === "wrong" && !wrong(s)) return false;
    if (group && !Object.values(s.models).some((m) => String(m.record.group) === group)) return false;
    return !query || searchable(s).includes(query);
  });
}

function heat(record) {
  const line = element("p", undefined, "text");
  const words = JSON.parse(record.word_scores);
  const top = Math.max(...words.map((w) => Math.abs(w[1])), 1e-9);
  for (const [word, score] of words) {
    const span = element("span", word, "word");
    span.title = String(score);
    const share = Math.round((100 * Math.abs(score)) / top) / 2;
    span.style.setProperty("background-color", `color-mix(in srgb, var(${score >= 0 ? "--alarm" : "--series"}) ${share}%, transparent)`);
    line.append(span, " ");
  }
  return line;
}

function overlay(rows) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${rows[0].length} ${rows.length}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const top = Math.max(...rows.flat().map(Math.abs), 1e-9);
  rows.forEach((row, y) => row.forEach((value, x) => {
    const cell = document.createElementNS(svg.namespaceURI, "rect");
    cell.setAttribute("x", x); cell.setAttribute("y", y);
    cell.setAttribute("width", 1); cell.setAttribute("height", 1);
    cell.setAttribute("fill", value >= 0 ? "#d55e00" : "#0072b2");
    cell.setAttribute("fill-opacity", ((0.6 * Math.abs(value)) / top).toFixed(3));
    svg.append(cell);
  }));
  return svg;
}

function picture(uri, record) {
  const frame = element("span", undefined, "picture");
  const image = element("img", undefined, "pixelated");
  image.src = uri; image.alt = "input image";
  frame.append(image);
  if (record.map) frame.append(overlay(JSON.parse(record.map)));
  return frame;
}

function parts(exchange, record) {
  const box = element("div");
  for (const part of exchange.parts) {
    const uri = data.media[part.image || part.audio];
    if (part.text) box.append(element("p", part.text, "text"));
    else if (part.image && uri) box.append(picture(uri, record));
    else if (part.audio && uri) {
      const player = element("audio");
      player.controls = true; player.src = uri; player.preload = "none";
      box.append(player);
    } else box.append(element("p", part.unreadable || (part.image ? "image " : "audio ") + String(part.image || part.audio).slice(0, 12), "muted"));
  }
  return box;
}

function modelColumn(name, entry) {
  const column = element("div");
  column.append(element("h4", name));
  if (entry.status === "failed") column.append(element("p", entry.reason, "warning"));
  if (entry.record.word_scores) column.append(heat(entry.record));
  entry.exchange.forEach((exchange, index) => {
    if (index === 0) column.append(parts(exchange, entry.record));
    const detail = Object.entries(exchange.detail || {}).map(([k, v]) => `${k}: ${JSON.stringify(v)}`).join(", ");
    column.append(element("p", `${exchange.asked} ${detail} → ${JSON.stringify(exchange.answer)}`, "text muted"));
  });
  const facts = Object.entries(entry.record).filter(([k]) => k !== "word_scores" && k !== "map");
  column.append(element("p", facts.map(([k, v]) => `${k}: ${v}`).join("\n"), "text"));
  return column;
}

function row(sample) {
  const made = element("details", undefined, "sample");
  const head = element("summary");
  head.append(element("strong", sample.id));
  for (const [name, entry] of Object.entries(sample.models)) {
    const r = entry.record;
    const text = entry.status === "failed" ? "failed" : r.predicted ?? r.hypothesis ?? (typeof r.correct === "undefined" ? "" : `correct ${r.correct}`);
    head.append(element("span", `${name}: ${text}`, entry.status === "failed" ? "warning" : "muted"));
  }
  made.append(head);
  made.addEventListener("toggle", () => {
    if (!made.open || made.querySelector(".body")) return;
    const body = element("div", undefined, "body");
    for (const [name, entry] of Object.entries(sample.models)) body.append(modelColumn(name, entry));
    made.append(body);
    history.replaceState(null, "", `#probe=${by("probe").value}&id=${encodeURIComponent(sample.id)}`);
  });
  made.dataset.id = sample.id;
  return made;
}

function draw() {
  const found = selected();
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const target = by("rows");
  target.replaceChildren();
  const shown = found.slice(state.page * PAGE, (state.page + 1) * PAGE);
  let place = target;
  if (probe().sensitive) {
    place = element("details");
    place.append(element("summary", "These samples hold texts that a privacy probe treats as secret. Show them."));
    target.append(place);
  }
  shown.forEach((sample) => place.append(row(sample)));
  by("count").textContent = `${found.length} of ${probe().samples.length} samples, page ${state.page + 1} of ${pages}`;
  by("previous").disabled = state.page === 0;
  by("next").disabled = state.page >= pages - 1;
}

function chooseProbe() {
  state.page = 0;
  by("group").replaceChildren(option("", "all"), ...groupsOf(probe().samples).map((g) => option(g, g)));
  draw();
}

function openLinked() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (!wanted.has("probe")) return;
  by("probe").value = wanted.get("probe");
  chooseProbe();
  const index = probe().samples.findIndex((s) => s.id === wanted.get("id"));
  if (index < 0) return;
  state.page = Math.floor(index / PAGE);
  draw();
  const linked = [...document.querySelectorAll(".sample")].find((d) => d.dataset.id === wanted.get("id"));
  if (linked) { linked.open = true; linked.scrollIntoView(); }
}

unpack().then((unpacked) => {
  data = unpacked;
  if (!data.probes.length) return;
  by("explorer").hidden = false;
  by("probe").append(...data.probes.map((p, i) => option(String(i), p.label)));
  for (const id of ["show", "group", "query"]) by(id).addEventListener("input", () => { state.page = 0; draw(); });
  by("probe").addEventListener("input", chooseProbe);
  by("filters").addEventListener("submit", (event) => event.preventDefault());
  by("previous").addEventListener("click", () => { state.page -= 1; draw(); });
  by("next").addEventListener("click", () => { state.page += 1; draw(); });
  chooseProbe();
  openLinked();
});
