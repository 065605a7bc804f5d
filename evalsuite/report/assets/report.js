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
const MAX_VALUES = 200;
const by = (id) => document.getElementById(id);
const state = { page: 0, open: "", secretsShown: false };
let data = null;

// Control characters, and those that turn the direction of the text after them, written out.
function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// All text goes in as text: what a model wrote is never markup.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = visible(text);
  if (className) made.className = className;
  return made;
}

async function unzip(base64) {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Probes and media stand in the page; the samples are those of the download link.
async function unpack() {
  const found = JSON.parse(await unzip(by("data").textContent.trim()));
  const lines = await unzip(by("file-samples").getAttribute("href").split(",")[1]);
  const probes = new Map(found.probes.map((p) => [p.label, { ...p, samples: [] }]));
  for (const line of lines.split("\n")) {
    if (!line) continue;
    const sample = JSON.parse(line);
    probes.get(sample.probe).samples.push({ ...sample, searchable: visible(line).toLowerCase() });
  }
  return { media: found.media, probes: [...probes.values()] };
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

const probe = () => data.probes[Number(by("probe").value) || 0];
const entries = (sample) => Object.values(sample.models);
const isPicture = (name) => ["word_scores", "map", "map_hz", "word_alignment"].includes(name);

function wrong(sample) {
  return entries(sample).some((m) => typeof m.record.correct !== "undefined" && Number(m.record.correct) < 1);
}

function fieldsOf(samples) {
  const names = new Set();
  for (const s of samples) for (const m of entries(s)) for (const name of Object.keys(m.record)) if (!isPicture(name)) names.add(name);
  return [...names];
}

function valuesOf(samples, field) {
  const values = new Set();
  for (const s of samples) for (const m of entries(s)) if (field in m.record) values.add(String(m.record[field]));
  return [...values].sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).slice(0, MAX_VALUES);
}

function selected() {
  const show = by("show").value, field = by("field").value, value = by("value").value;
  const query = by("query").value.toLowerCase();
  return probe().samples.filter((s) => {
    if (show === "failed" && !s.failed) return false;
    if (show === "differs" && !s.differs) return false;
    if (show === "wrong" && !wrong(s)) return false;
    if (field && value && !entries(s).some((m) => field in m.record && String(m.record[field]) === value)) return false;
    return !query || s.searchable.includes(query);
  });
}

function heat(record) {
  const line = element("p", undefined, "text");
  const words = JSON.parse(record.word_scores);
  const top = Math.max(...words.map((w) => Math.abs(w[1])), 1e-9);
  for (const [word, score] of words) {
    const span = element("span", word, score >= 0 ? "word" : "word against");
    span.title = `${score >= 0 ? "for" : "against"} the answer: ${score}`;
    const share = Math.round((100 * Math.abs(score)) / top) / 2;
    span.style.setProperty("background-color", `color-mix(in srgb, var(${score >= 0 ? "--alarm" : "--series"}) ${share}%, transparent)`);
    line.append(span, " ");
  }
  return line;
}

// Errors differ in colour and in form, and are told in words to those who hear the page.
function told(name, words, how) {
  const made = element(name);
  made.append(element("span", how, "visually-hidden"), visible(words));
  return made;
}

function compared(record) {
  const line = element("p", undefined, "text compared");
  for (const [kind, reference, transcript] of JSON.parse(record.word_alignment)) {
    const missing = () => told("del", reference, "not heard: "), extra = () => told("ins", transcript, "not said: ");
    if (kind === "D") line.append(missing());
    else if (kind === "I") line.append(extra());
    else if (kind === "S") {
      const swap = element("span", undefined, "swap");
      swap.append(missing(), " ", extra());
      line.append(swap);
    } else line.append(kind === "=" ? visible(reference) : "…");
    line.append(" ");
  }
  return line;
}

// Cells over a picture. For a clip: how many columns lie in the part that is shown, and the upper
// and lower edges of the rows as shares of the height; for a picture all columns and equal rows.
function overlay(rows, columns = rows[0].length, edges = rows.concat([0]).map((_, y) => y / rows.length)) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${columns} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "importance of each cell for the answer");
  const top = Math.max(...rows.flat().map(Math.abs), 1e-9);
  rows.forEach((row, y) => row.forEach((value, x) => {
    const cell = document.createElementNS(svg.namespaceURI, "rect");
    cell.setAttribute("x", x); cell.setAttribute("y", edges[y]);
    cell.setAttribute("width", 1); cell.setAttribute("height", edges[y + 1] - edges[y]);
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

const mel = (hertz) => Math.log10(1 + hertz / 700);

// The edges of a map's rows on the spectrogram's axis, as shares of its height from the top: given in
// hertz, highest first, else rows of equal height.
function bandEdges(record, topHz) {
  if (!record.map_hz) return undefined;
  return JSON.parse(record.map_hz).map((hertz) => Math.min(1, Math.max(0, 1 - mel(hertz) / mel(topHz))));
}

// The line of what is heard now; a click on the spectrogram goes there, as the player's slider does.
function playhead(player, plot, seconds) {
  const line = element("span", undefined, "playhead");
  line.hidden = true;
  const follow = () => {
    line.hidden = player.paused && player.currentTime === 0;
    line.style.setProperty("left", `${Math.min(100, (100 * player.currentTime) / seconds)}%`);
    if (!player.paused && !player.ended) requestAnimationFrame(follow);
  };
  for (const name of ["play", "seeked", "timeupdate", "ended"]) player.addEventListener(name, follow);
  plot.addEventListener("click", (event) => {
    const box = plot.getBoundingClientRect();
    player.currentTime = ((event.clientX - box.left) / box.width) * seconds;
  });
  plot.append(line);
}

const inKilohertz = (hertz) => `${Number((hertz / 1000).toPrecision(4))} kHz`;

// A player over the clip's spectrogram. A map of one row lies below it, one of many rows on it, both
// along the clip's own time, of which the page may have the first seconds only.
function clip(sound, record) {
  const box = element("figure", undefined, "clip");
  const player = element("audio");
  player.controls = true; player.src = sound.mp3; player.preload = "none";
  const plot = element("div", undefined, "spectrogram");
  const image = element("img");
  image.src = sound.spectrogram;
  image.alt = `mel spectrogram, 0 to ${sound.seconds.toFixed(1)} s, 0 to ${inKilohertz(sound.top_hz)}`;
  plot.append(image);
  box.append(player, plot);
  if (record.map) {
    const rows = JSON.parse(record.map);
    const columns = (rows[0].length * sound.seconds) / sound.whole_s;
    const cells = overlay(rows, columns, bandEdges(record, sound.top_hz));
    if (rows.length > 1) { plot.classList.add("mapped"); plot.append(cells); }
    else { const strip = element("div", undefined, "strip"); strip.append(cells); box.append(strip); }
  }
  playhead(player, plot, sound.seconds);
  const cut = sound.seconds < sound.whole_s;
  const told = [
    cut ? `first ${sound.seconds.toFixed(1)} of ${sound.whole_s.toFixed(1)} s` : `${sound.seconds.toFixed(1)} s`,
    `0 to ${inKilohertz(sound.top_hz)}, mel-spaced`,
  ];
  if (sound.quieter_db) told.push(`played ${sound.quieter_db} dB softer, as it exceeds full scale`);
  box.append(element("figcaption", told.join(" · ")));
  return box;
}

function parts(exchange, record) {
  const box = element("div");
  for (const part of exchange.parts) {
    const uri = data.media[part.image || part.audio];
    if (part.text !== undefined) { if (part.text) box.append(element("p", part.text, "text")); }
    else if (part.image && uri) box.append(picture(uri, record));
    else if (part.audio && uri) box.append(clip(uri, record));
    else box.append(element("p", part.unreadable || `${part.image ? "image" : "audio"} ${String(part.image || part.audio).slice(0, 12)}, not in this page`, "muted"));
  }
  return box;
}

const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function facts(pairs, className) {
  const list = element("dl", undefined, className);
  for (const [name, value] of pairs) list.append(element("dt", name), element("dd", plain(value)));
  return list;
}

function modelColumn(name, entry) {
  const column = element("div");
  column.append(element("h3", name));
  if (entry.status === "failed") column.append(element("p", entry.reason, "warning"));
  if (entry.record.word_scores) column.append(heat(entry.record));
  if (entry.record.word_alignment) column.append(element("p", "Reference against transcript", "asked"), compared(entry.record), by("compared-key").content.cloneNode(true));
  entry.exchange.forEach((exchange, index) => {
    if (exchange.more) return column.append(element("p", `and ${exchange.more} more requests`, "muted"));
    if (index === 0) column.append(parts(exchange, entry.record));
    column.append(element("p", exchange.asked, "asked"));
    const said = Object.entries(exchange.answer).map(([k, v]) => [`→ ${k}`, v]);
    column.append(facts([...Object.entries(exchange.detail || {}), ...said], "record"));
  });
  const kept = Object.entries(entry.record).filter(([k]) => !isPicture(k));
  if (kept.length) column.append(element("p", "Record", "asked"), facts(kept, "record"));
  return column;
}

function answerOf(entry, headline) {
  if (entry.status === "failed") return "failed";
  const value = entry.record[headline];
  const tick = typeof entry.record.correct === "undefined" || headline === "correct" ? "" : Number(entry.record.correct) >= 1 ? " ✓" : " ✗";
  return typeof value === "undefined" ? "" : plain(value) + tick;
}

// The first words of what was asked, where it was asked in words.
function subject(sample) {
  const exchange = entries(sample).flatMap((m) => m.exchange).find((e) => e.parts);
  if (!exchange) return "";
  const detail = exchange.detail || {};
  const texts = [...exchange.parts.map((part) => part.text || ""), detail.text || "", detail.continuation || ""];
  const text = texts.join("").trim();
  return text.length > 90 ? `${text.slice(0, 90)} …` : text;
}

function row(sample) {
  const made = element("details", undefined, "sample");
  const head = element("summary");
  head.append(element("strong", sample.id));
  const asked = subject(sample);
  if (asked) head.append(element("bdi", asked, "subject"));
  for (const [name, entry] of Object.entries(sample.models)) {
    const answer = element("span", undefined, entry.status === "failed" ? "warning" : "answer");
    answer.append(element("span", `${name} `, "muted"), element("bdi", answerOf(entry, probe().headline)));
    head.append(answer);
  }
  made.append(head);
  made.addEventListener("toggle", () => {
    if (!made.open) return;
    state.open = sample.id;
    remember();
    if (made.querySelector(".body")) return;
    const body = element("div", undefined, "body");
    for (const [name, entry] of Object.entries(sample.models)) body.append(modelColumn(name, entry));
    made.append(body);
  });
  made.dataset.id = sample.id;
  return made;
}

// Secret and offensive texts stay folded away until the reader asks for them, once for the whole visit.
function frame(target) {
  if (!probe().sensitive) return target;
  const folded = element("details");
  folded.open = state.secretsShown;
  folded.append(element("summary", "These samples hold texts that are secret or may offend. Show them."));
  folded.addEventListener("toggle", (event) => { if (event.target === folded) state.secretsShown = folded.open; });
  target.append(folded);
  return folded;
}

function draw() {
  const found = selected();
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  state.page = Math.max(0, Math.min(state.page, pages - 1));
  const rows = by("rows");
  rows.replaceChildren();
  const place = frame(rows);
  found.slice(state.page * PAGE, (state.page + 1) * PAGE).forEach((sample) => place.append(row(sample)));
  const all = probe().samples.length;
  by("count").textContent = `${found.length === all ? "" : "filtered: "}${found.length} of ${all} samples, page ${state.page + 1} of ${pages}`;
  by("previous").disabled = state.page === 0;
  by("next").disabled = state.page >= pages - 1;
}

function remember() {
  const link = new URLSearchParams({ probe: probe().label });
  for (const id of ["show", "field", "value", "query"]) if (by(id).value && by(id).value !== "all") link.set(id, by(id).value);
  if (state.page) link.set("page", state.page + 1);
  if (state.open) link.set("id", state.open);
  history.replaceState(null, "", `#${link}`);
}

function turn(step) {
  state.page += step;
  state.open = "";
  draw();
  remember();
}

function chooseField() {
  const field = by("field").value;
  by("value").replaceChildren(option("", "any"), ...(field ? valuesOf(probe().samples, field) : []).map((v) => option(v, v.slice(0, 60))));
  by("value").disabled = !field;
}

function chooseProbe() {
  const fields = fieldsOf(probe().samples);
  by("field").replaceChildren(option("", "any column"), ...fields.map((f) => option(f, f)));
  by("field").value = fields.includes("group") ? "group" : "";
  for (const choice of by("show").options) if (choice.value === "wrong") choice.hidden = !fields.includes("correct");
  if (by("show").value === "wrong" && !fields.includes("correct")) by("show").value = "all";
  chooseField();
}

function openLinked() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const index = data.probes.findIndex((p) => p.label === wanted.get("probe"));
  if (index < 0) return;
  by("probe").value = String(index);
  chooseProbe();
  by("show").value = wanted.get("show") || "all";
  if (wanted.has("field")) { by("field").value = wanted.get("field"); chooseField(); }
  by("value").value = wanted.get("value") || "";
  by("query").value = wanted.get("query") || "";
  const at = selected().findIndex((s) => s.id === wanted.get("id"));
  state.page = at < 0 ? Number(wanted.get("page") || 1) - 1 : Math.floor(at / PAGE);
  draw();
  const linked = [...document.querySelectorAll(".sample")].find((d) => d.dataset.id === wanted.get("id"));
  if (linked) linked.open = true;
  (linked || by("samples")).scrollIntoView();
}

function step(direction) {
  const heads = [...document.querySelectorAll(".sample > summary")];
  const at = heads.indexOf(document.activeElement.closest(".sample")?.querySelector("summary"));
  const next = heads[Math.max(0, Math.min(heads.length - 1, at + direction))];
  if (next) next.focus();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("form, audio")) return;
  const action = {
    j: () => step(1), k: () => step(-1),
    ArrowRight: () => by("next").click(), ArrowLeft: () => by("previous").click(),
  }[event.key];
  if (action) { event.preventDefault(); action(); }
}

function listen() {
  const redraw = () => { state.page = 0; state.open = ""; draw(); remember(); };
  for (const id of ["show", "value", "query"]) by(id).addEventListener("input", redraw);
  by("field").addEventListener("input", () => { chooseField(); redraw(); });
  by("probe").addEventListener("input", () => { chooseProbe(); redraw(); });
  by("filters").addEventListener("submit", (event) => event.preventDefault());
  by("previous").addEventListener("click", () => turn(-1));
  by("next").addEventListener("click", () => turn(1));
  by("explorer").addEventListener("keydown", press);
  addEventListener("hashchange", openLinked);
}

unpack().then((unpacked) => {
  data = unpacked;
  by("static").hidden = data.probes.length > 0;
  if (!data.probes.length) return;
  by("explorer").hidden = false;
  by("probe").append(...data.probes.map((p, i) => option(String(i), p.label)));
  listen();
  chooseProbe();
  draw();
  openLinked();
}).catch((error) => {
  by("broken").hidden = false;
  by("broken").textContent = `This browser could not unpack the samples (${error.message}); they are under Downloads.`;
});
