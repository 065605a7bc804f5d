// The state of the explorer as the part of the address after #, and back.
const CHOICES = { show: "show", field: "field", value: "value", q: "query", view: "view" };
const DEFAULTS = ["", "all", "list"];
// Where a probe has groups, these are chosen until the reader chooses otherwise.
const usualField = () => (probe().fields.has("group") ? "group" : "");

function choices() {
  const made = { probe: probe().label };
  for (const [name, id] of Object.entries(CHOICES)) made[name] = by(id).value;
  if (made.field === usualField() && !made.value) made.field = "";
  if (by("regex").checked) made.regex = "1";
  if (state.page) made.page = String(state.page + 1);
  if (state.open) made.id = state.open;
  return made;
}

function linkOf(made) {
  return `#${new URLSearchParams(Object.entries(made).filter(([, value]) => value && !DEFAULTS.includes(value)))}`;
}

const remember = () => history.replaceState(null, "", linkOf(choices()));

function openLinked() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (!wanted.has("probe")) return;
  const index = data.probes.findIndex((p) => p.label === wanted.get("probe"));
  if (index < 0) { by("problem").textContent = visible(`This page has no probe ${wanted.get("probe")}.`); return; }
  by("probe").value = String(index);
  clearFilters();
  chooseProbe();
  for (const [name, id] of Object.entries(CHOICES)) {
    if (!wanted.has(name)) continue;
    by(id).value = wanted.get(name);
    if (name === "field") chooseField();
  }
  if (!by("show").value) by("show").value = "all";
  if (!by("view").value || by("view-choice").hidden) by("view").value = "list";
  by("regex").checked = wanted.get("regex") === "1";
  show(wanted.get("id"), Number(wanted.get("page") || 1) - 1);
}

// Draw the page that has a sample, opened; else the page that is asked for.
function show(id, page) {
  const found = selected();
  const at = id ? found.findIndex((s) => s.id === id) : -1;
  state.page = at < 0 ? page || 0 : Math.floor(at / PAGE);
  state.open = at < 0 ? "" : id;
  draw(found);
  if (id && at < 0) by("problem").textContent = visible(`Sample ${id} is not among these.`);
  const linked = state.open && rows().find((made) => made.dataset.id === id);
  if (linked && linked.matches("details")) linked.open = true;
  (linked || by("samples")).scrollIntoView();
  if (linked) linked.querySelector("summary, button").focus({ preventScroll: true });
}

function openSample(id) {
  by("view").value = "list";
  show(id, state.page);
  remember();
}
