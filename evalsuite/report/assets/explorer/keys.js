// Keys work while the focus is in the explorer, so that they disturb no one who types or listens
// elsewhere (WCAG 2.1.4).
const rows = () => [...by("rows").querySelectorAll(".sample, .card")];
const headOf = (made) => made.querySelector("summary, button.plain");

// To the sample before or after; beyond the page's end to the next page. One that is open is
// closed and the next one opened, to read on.
function step(direction) {
  const found = rows();
  const here = document.activeElement.closest(".sample, .card");
  const at = here ? found.indexOf(here) : direction > 0 ? -1 : found.length;
  const isOpen = Boolean(here && here.open);
  let next = found[at + direction];
  if (!next && turn(direction)) next = rows().at(direction > 0 ? 0 : -1);
  if (!next) return;
  if (isOpen) { here.open = false; next.open = true; }
  headOf(next).focus();
  if (isOpen) next.scrollIntoView();
}

function toggle() {
  const here = document.activeElement.closest(".sample, .card");
  if (here && here.matches("details")) here.open = !here.open;
  else if (here) headOf(here).click();
}

function changeView() {
  if (by("view-choice").hidden) return;
  by("view").value = by("view").value === "list" ? "gallery" : "list";
  by("view").dispatchEvent(new Event("input"));
}

const KEYS = {
  j: () => step(1), k: () => step(-1), o: toggle, g: changeView,
  ArrowRight: () => turn(1), ArrowLeft: () => turn(-1), "/": () => by("query").focus(),
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === by("query")) return by("rows").focus();
  if (event.target.closest("input, select, audio")) return;
  const action = KEYS[event.key];
  if (action) { event.preventDefault(); action(); }
}
