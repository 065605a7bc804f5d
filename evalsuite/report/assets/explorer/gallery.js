// Pictures and clips as a grid, none hidden behind another.
function card(sample) {
  const made = element("div", undefined, "card");
  const words = element("div", undefined, "caption");
  const target = targetOf(sample);
  if (target !== undefined) words.append(element("p", `Target: ${target}`));
  for (const answer of said(sample)) {
    const line = element("p");
    line.append(answer);
    words.append(line);
  }
  made.append(...mediaOf(sample).map((content) => medium(content)), words, button(sample.id, () => openSample(sample.id), "plain"));
  made.dataset.id = sample.id;
  return made;
}

function gallery(samples) {
  const grid = element("div", undefined, "gallery");
  const seen = samples.filter((s) => mediaOf(s).length);
  grid.append(...seen.map(card));
  const absent = samples.length - seen.length;
  if (!absent) return [grid];
  return [grid, element("p", `${absent.toLocaleString("en")} more samples here, whose picture or clip is not in this page, are in the list.`, "muted")];
}
