// Which samples are shown.
const SHOWN = {
  all: () => true, failed: (s) => s.failed, refused: (s) => s.refused,
  differs: (s) => s.differs, flagged: (s) => s.flagged, wrong: isWrong,
};
const probe = () => data.probes[Number(by("probe").value) || 0];

// A test of one sample, and what is wrong with the expression where it is none.
function search() {
  const wanted = by("query").value;
  if (!wanted) return { matches: () => true, problem: "" };
  if (!by("regex").checked) {
    const lower = visible(wanted).toLowerCase();
    return { matches: (s) => s.lower.includes(lower), problem: "" };
  }
  try {
    const expression = new RegExp(wanted, "im");
    return { matches: (s) => expression.test(s.searchable), problem: "" };
  } catch (error) {
    return { matches: () => true, problem: `The search is left out: ${error.message}.` };
  }
}

function selected() {
  const { matches, problem } = search();
  const field = by("field").value, value = by("value").value;
  const isShown = SHOWN[by("show").value] || SHOWN.all;
  const isOfGroup = (s) => entries(s).some((m) => has(m.record, field) && plain(m.record[field]) === value);
  by("problem").textContent = visible(problem);
  return probe().samples.filter((s) => isShown(s) && (!field || !value || isOfGroup(s)) && matches(s));
}

function chooseField() {
  const field = by("field").value;
  const values = probe().fields.get(field) || [];
  by("value").replaceChildren(option("", "any"), ...values.map((v) => option(v, v.slice(0, 60))));
  by("value").disabled = !field;
}

function chooseProbe() {
  const { fields, samples } = probe();
  by("field").replaceChildren(option("", "any column"), ...[...fields.keys()].map((f) => option(f, f.slice(0, 60))));
  by("field").value = fields.has("group") ? "group" : "";
  for (const choice of by("show").options) {
    const n = samples.filter(SHOWN[choice.value]).length;
    choice.textContent = `${choice.dataset.name} (${n.toLocaleString("en")})`;
    choice.disabled = n === 0 && choice.value !== "all";
  }
  if (by("show").selectedOptions[0]?.disabled) by("show").value = "all";
  const isSeen = samples.some((s) => mediaOf(s).length);
  by("view-choice").hidden = !isSeen;
  if (!isSeen) by("view").value = "list";
  chooseField();
}

function clearFilters() {
  by("show").value = "all";
  by("query").value = "";
  by("value").value = "";
}

// How many are shown of how many, loudly where it is not all.
function count(found, pages) {
  const all = probe().samples.length, { n } = probe();
  const number = (value) => value.toLocaleString("en");
  const isFiltered = found.length !== all;
  const part = n > all ? ` (of ${number(n)} in the run)` : "";
  by("count").textContent = `${isFiltered ? "Filtered: " : ""}${number(found.length)} of ${number(all)} samples${part}, page ${state.page + 1} of ${pages}`;
  by("count").classList.toggle("filtered", isFiltered);
  by("clear").hidden = !isFiltered;
}
