// The samples: unpacked once, with what filters and searches need at hand.
const MAX_VALUES = 200;
const LONGEST_SLICE_MS = 25;
const TARGETS = ["target", "reference", "label"];
let data = null;

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
  let began = performance.now();
  for (const line of lines.split("\n")) {
    if (line) {
      const sample = JSON.parse(line);
      sample.searchable = searchable(sample);
      sample.lower = sample.searchable.toLowerCase();
      probes.get(sample.probe).samples.push(sample);
    }
    if (performance.now() - began > LONGEST_SLICE_MS) {
      await new Promise((go) => setTimeout(go));
      began = performance.now();
    }
  }
  for (const probe of probes.values()) probe.fields = fieldsOf(probe.samples);
  return { media: new Map(Object.entries(found.media)), probes: [...probes.values()] };
}

const entries = (sample) => Object.values(sample.models);
const PICTURES = ["word_scores", "map", "map_hz", "word_alignment", "curve", "insertion_curve"];
// What stands behind the name of a drawn column: whose picture it is, where a record has several.
const OF = " of ";
const isPicture = (name) => PICTURES.includes(name.split(OF)[0]);
const has = (record, name) => Object.hasOwn(record, name);
const readable = (record) => Object.entries(record).filter(([name]) => !isPicture(name));

// What a search looks through: all that was asked, answered, recorded and gone wrong; no names of
// columns or models, which would find every sample.
function searchable(sample) {
  const texts = [sample.id];
  for (const question of sample.questions) {
    for (const part of question.parts) texts.push(...Object.values(part));
    texts.push(...Object.values(question.detail).map(plain));
  }
  for (const entry of entries(sample)) {
    texts.push(entry.reason, ...readable(entry.record).map(([, value]) => plain(value)));
    for (const exchange of entry.exchange) texts.push(...Object.values(exchange.answer).map(plain));
  }
  return visible([...new Set(texts)].join("\n"));
}

// Columns by which samples can be grouped, each with its values: few enough to choose from.
function fieldsOf(samples) {
  const found = new Map();
  for (const sample of samples) for (const entry of entries(sample)) for (const [name, value] of readable(entry.record)) {
    if (!found.has(name)) found.set(name, new Set());
    const values = found.get(name);
    if (values.size <= MAX_VALUES) values.add(plain(value));
  }
  const order = new Intl.Collator(undefined, { numeric: true });
  return new Map([...found].filter(([, values]) => values.size <= MAX_VALUES)
    .map(([name, values]) => [name, [...values].sort(order.compare)]));
}

const isCorrect = (entry) => Number(entry.record.correct) >= 1;
const isWrong = (sample) => entries(sample).some((m) => has(m.record, "correct") && !isCorrect(m));

// What was asked in words. Where one text was continued in several ways, it is the text alone, for
// the first way is no more asked than the others.
const textOf = (question) => question.parts.map((part) => part.text || "").join("") + (question.detail.text || "");

function subject(sample) {
  const [first, ...others] = sample.questions;
  if (!first) return "";
  const isContinued = others.some((other) => textOf(other) === textOf(first));
  const whole = (textOf(first) + (isContinued ? "" : first.detail.continuation || "")).trim();
  return whole.length > 90 ? `${whole.slice(0, 90)} …` : whole;
}

function answerOf(entry, headline) {
  if (entry.status === "failed") return "failed";
  if (!has(entry.record, headline)) return "";
  const tick = !has(entry.record, "correct") || headline === "correct" ? "" : isCorrect(entry) ? " ✓" : " ✗";
  return plain(entry.record[headline]) + tick;
}

// What would have been right, where every model's record says the same.
function targetOf(sample) {
  const known = entries(sample).map((entry) => TARGETS.filter((name) => has(entry.record, name)).map((name) => plain(entry.record[name]))[0]);
  const said = new Set(known.filter((target) => target !== undefined));
  return said.size === 1 ? [...said][0] : undefined;
}

// The pictures and clips that a sample was asked about, as far as the page has them.
function mediaOf(sample) {
  const names = sample.questions.flatMap((question) => question.parts.map((part) => part.image || part.audio));
  return [...new Set(names)].filter((name) => data.media.has(name)).map((name) => data.media.get(name));
}
