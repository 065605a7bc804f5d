// Of a page that `evalsuite view --serve` serves: it asks how the run goes, and shows the newer page.
const LIVE_EVERY_MS = 2000, LIVE_KEPT = "evalsuite-live";
const liveBar = document.getElementById("live"), liveState = document.getElementById("live-state");
const livePause = document.getElementById("live-pause");
let livePaused = false, liveIsOver = false;

// What a reader opened stays open in the newer page; search and place are in the address already.
const foldName = (fold) => `${fold.closest("[id]")?.id} ${fold.querySelector("summary")?.textContent}`;
const staticFolds = () => [...document.querySelectorAll("main details")];

function showNewer() {
  const opened = staticFolds().filter((fold) => fold.open).map(foldName);
  sessionStorage.setItem(LIVE_KEPT, JSON.stringify({ opened, theme: document.documentElement.dataset.theme }));
  location.reload();
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(LIVE_KEPT) || "null");
  sessionStorage.removeItem(LIVE_KEPT);
  if (!kept) return;
  if (kept.theme) document.documentElement.dataset.theme = kept.theme;
  for (const fold of staticFolds()) if (kept.opened.includes(foldName(fold))) fold.open = true;
}

// Nothing is taken away under the hands of someone who types or marks text.
function isBusy() {
  const at = document.activeElement;
  return document.hidden || !getSelection().isCollapsed || Boolean(at && at.matches("input, select"));
}

function tell(text, kind = "") {
  if (liveState.textContent !== text) liveState.textContent = text;
  liveBar.dataset.kind = kind;
}

async function look() {
  try {
    const told = await (await fetch("/state.json", { cache: "no-store" })).json();
    liveIsOver = told.over;
    const isNewer = told.page !== document.documentElement.dataset.live;
    if (isNewer && !livePaused && !isBusy()) return showNewer();
    tell(isNewer && livePaused ? `${told.text} Paused: there is a newer page.` : told.text, told.over ? "over" : "");
    if (told.over && !isNewer) { livePause.hidden = true; return; }
  } catch {
    tell("The server does not answer; this is the last page it sent.", "silent");
  }
  setTimeout(look, LIVE_EVERY_MS);
}

livePause.hidden = false;
livePause.addEventListener("click", () => {
  livePaused = !livePaused;
  livePause.textContent = livePaused ? "Go on" : "Pause";
});
restore();
look();
