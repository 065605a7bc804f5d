// One sample: a line in the list, and opened the question once with all answers side by side.
const hasMap = (sample) => entries(sample).some((entry) => entry.record.map);

function medium(content, record) {
  return typeof content === "string" ? picture(content, record) : clip(content, record);
}

function part(given, isDrawnBelow) {
  const name = given.image || given.audio;
  if (given.text !== undefined) return given.text ? element("p", given.text, "text") : "";
  if (name && data.media.has(name)) return isDrawnBelow ? "" : medium(data.media.get(name));
  return element("p", given.unreadable || `${given.image ? "image" : "audio"} ${String(name).slice(0, 12)}, not in this page`, "muted");
}

// Whether a question is not listed: explanations ask hundreds about changed inputs, and what is about
// nothing but pictures or clips that are not here tells nothing.
const isExplained = (sample) => entries(sample).some((entry) => entry.record.curve);

function isUnseen(sample, index) {
  const { parts, detail } = sample.questions[index];
  const names = parts.map((given) => given.image || given.audio);
  const isElsewhere = names.length > 0 && names.every((name) => name && !data.media.has(name)) && !Object.keys(detail).length;
  return index > 0 && (isExplained(sample) || isElsewhere);
}

const numbered = (sample, index) => (sample.questions.length > 1 && !isExplained(sample) ? `${index + 1}. ` : "");

// Where models have maps of a picture or clip, it stands with each of them instead.
function questions(sample) {
  const box = element("div", undefined, "questions");
  sample.questions.forEach((question, index) => {
    if (isUnseen(sample, index)) return;
    const shown = question.parts.map((given) => part(given, hasMap(sample))).filter(Boolean);
    const detail = Object.entries(question.detail);
    if (!shown.length && !detail.length && question.parts.length) return;
    box.append(element("p", numbered(sample, index) + question.asked, "asked"), ...shown, facts(detail, "record"));
  });
  const target = targetOf(sample);
  if (target !== undefined) box.append(element("p", "Target", "asked"), element("p", target, "text"));
  return box.childNodes.length ? box : "";
}

function answers(sample, entry) {
  const box = element("div");
  let unlisted = entry.more;
  for (const { question, answer } of entry.exchange) {
    if (isUnseen(sample, question)) unlisted += 1;
    else box.append(element("p", `Answer ${numbered(sample, question)}`.trim(), "asked"), facts(Object.entries(answer), "record"));
  }
  if (unlisted) box.append(element("p", `and ${unlisted} more requests`, "muted"));
  return box;
}

// A map or shaded words, with the curves that say whether they are true beside them.
function explanation(sample, record) {
  const shown = record.map ? mediaOf(sample).map((content) => medium(content, record)) : [];
  if (record.word_scores) shown.push(heat(record));
  const curves = curveFigures(record);
  if (!curves.length) return shown;
  const box = element("div", undefined, "explained");
  const side = element("div");
  side.append(...curves);
  box.append(...shown, side);
  return [box];
}

// The drawn columns of each explainer, or of what else is explained; the first one's bear no name.
function explainers(record) {
  const found = new Map([[record.explainer || "", {}]]);
  for (const name of Object.keys(record).filter(isPicture)) {
    const [column, by = record.explainer || ""] = name.split(OF);
    if (!found.has(by)) found.set(by, {});
    found.get(by)[column] = record[name];
  }
  return [...found];
}

function explanations(sample, record) {
  const all = explainers(record);
  return all.flatMap(([by, own]) => {
    const made = explanation(sample, own);
    const head = record.explainer ? `explained by ${by.replaceAll("_", " ")}` : `explanation of ${by}`;
    return made.length && by ? [element("p", head, "asked"), ...made] : made;
  });
}

// The columns of a record; of a long one the first, and the others behind a line.
const MAX_FACTS = 14;
function recordOf(kept) {
  if (kept.length <= MAX_FACTS + 2) return [facts(kept, "record")];
  const folded = element("details", undefined, "folded");
  const rest = kept.slice(MAX_FACTS);
  folded.append(element("summary", `${rest.length} more columns`), facts(rest, "record"));
  return [facts(kept.slice(0, MAX_FACTS), "record"), folded];
}

function modelColumn(sample, name, entry) {
  const column = element("div");
  column.append(element("h3", name));
  if (entry.status === "failed") column.append(element("p", entry.reason, "warning"));
  column.append(...explanations(sample, entry.record));
  if (entry.record.word_alignment) column.append(element("p", "Reference against transcript", "asked"), compared(entry.record), by("compared-key").content.cloneNode(true));
  column.append(answers(sample, entry));
  const kept = readable(entry.record);
  if (kept.length) column.append(element("p", "Record", "asked"), ...recordOf(kept));
  const seconds = probe().models[name];
  if (seconds) column.append(element("p", `${seconds} s a sample, the mean of its job`, "muted"));
  return column;
}

function body(sample) {
  const made = element("div", undefined, "body");
  const columns = element("div", undefined, "models");
  for (const [name, entry] of Object.entries(sample.models)) columns.append(modelColumn(sample, name, entry));
  const link = element("a", "Link to this sample");
  link.href = linkOf({ ...choices(), page: "", id: sample.id });
  const foot = element("p", undefined, "muted");
  foot.append(link);
  made.append(questions(sample), columns, foot);
  return made;
}

function row(sample) {
  const made = element("details", undefined, "sample");
  const head = element("summary");
  head.append(element("strong", sample.id));
  const asked = subject(sample);
  if (asked) head.append(element("bdi", asked, "subject"));
  head.append(...said(sample));
  made.append(head);
  made.addEventListener("toggle", () => {
    if (made.open && !made.querySelector(".body")) made.append(body(sample));
    if (made.open) state.open = sample.id;
    else if (state.open === sample.id) state.open = "";
    remember();
  });
  made.dataset.id = sample.id;
  return made;
}

// What each model said in one line; where models differ, those that say other than the first are
// marked.
function said(sample) {
  const [first] = entries(sample);
  const isOther = (entry) => sample.differs && answerOf(entry, probe().headline) !== answerOf(first, probe().headline);
  return Object.entries(sample.models).map(([name, entry]) => {
    const answer = element("span", undefined, entry.status === "failed" ? "warning" : "answer");
    const shown = answerOf(entry, probe().headline);
    answer.append(element("span", `${name} `, "muted"));
    if (isOther(entry)) answer.append(told("b", "≠ ", "unlike the first: "));
    answer.append(element("bdi", shown.slice(0, 300)));
    return answer;
  });
}
