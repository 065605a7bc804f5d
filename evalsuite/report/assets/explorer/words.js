// Words with what they counted for, and transcripts beside what was said. Those that count for a tenth
// of the most important one or more bear a sign, as colours alone tell nothing to some readers.
const SIGNED = 0.1;
function heat(record) {
  const box = element("div", undefined, "heat");
  const line = element("p", undefined, "text");
  const words = JSON.parse(record.word_scores);
  const top = Math.max(...words.map((w) => Math.abs(w[1])), 1e-9);
  for (const [word, score] of words) {
    const span = element("span", undefined, score >= 0 ? "word" : "word against");
    if (Math.abs(score) >= SIGNED * top) span.append(element("sup", score >= 0 ? "+" : "\u2212"));
    span.append(visible(word));
    span.title = `${score >= 0 ? "for" : "against"} the answer: ${score}`;
    const share = Math.round((100 * Math.abs(score)) / top) / 2;
    span.style.setProperty("background-color", `color-mix(in srgb, var(${score >= 0 ? "--alarm" : "--series"}) ${share}%, transparent)`);
    line.append(span, " ");
  }
  box.append(element("p", "What each word counted for", "asked"), line, wordScores(words));
  return box;
}

function wordScores(words) {
  const folded = element("details");
  folded.append(element("summary", "As numbers; + counts for the answer, \u2212 and dots against it"));
  folded.append(facts(words, "record"));
  return folded;
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
