const PAGE = 50;
const state = { page: 0, open: "", secretsShown: false };

// Secret and offensive texts stay folded away until the reader asks for them, once for the whole visit.
function frame(target) {
  if (!probe().sensitive) return target;
  const folded = element("details", undefined, "secret");
  folded.open = state.secretsShown;
  folded.append(element("summary", "These samples hold texts that are secret or may offend. Show them."));
  folded.addEventListener("toggle", (event) => { if (event.target === folded) state.secretsShown = folded.open; });
  target.append(folded);
  return folded;
}

function draw(found = selected()) {
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  state.page = Math.max(0, Math.min(Math.floor(state.page) || 0, pages - 1));
  by("rows").replaceChildren();
  const here = found.slice(state.page * PAGE, (state.page + 1) * PAGE);
  frame(by("rows")).append(...(by("view").value === "gallery" ? gallery(here) : here.map(row)));
  count(found, pages);
  by("previous").disabled = state.page === 0;
  by("next").disabled = state.page >= pages - 1;
}

// To the next or the previous page, where there is one.
function turn(direction) {
  const before = state.page;
  state.page += direction;
  state.open = "";
  draw();
  remember();
  return state.page !== before;
}

function redraw() {
  state.page = 0;
  state.open = "";
  draw();
  remember();
}

function listen() {
  for (const id of ["show", "value", "query", "regex", "view"]) by(id).addEventListener("input", redraw);
  by("field").addEventListener("input", () => { chooseField(); redraw(); });
  by("probe").addEventListener("input", () => { chooseProbe(); redraw(); });
  by("filters").addEventListener("submit", (event) => event.preventDefault());
  by("clear").addEventListener("click", () => { clearFilters(); redraw(); by("query").focus(); });
  by("previous").addEventListener("click", () => turn(-1));
  by("next").addEventListener("click", () => turn(1));
  by("explorer").addEventListener("keydown", press);
  addEventListener("hashchange", openLinked);
}

by("unpacking").hidden = false;
unpack().then((unpacked) => {
  data = unpacked;
  by("unpacking").hidden = true;
  by("static").hidden = data.probes.length > 0;
  if (!data.probes.length) return;
  by("explorer").hidden = false;
  by("probe").append(...data.probes.map((p, i) => option(String(i), p.label)));
  listen();
  chooseProbe();
  draw();
  openLinked();
}).catch((error) => {
  by("unpacking").hidden = true;
  by("broken").hidden = false;
  by("broken").textContent = `This browser could not unpack the samples (${error.message}); they are under Downloads.`;
});
