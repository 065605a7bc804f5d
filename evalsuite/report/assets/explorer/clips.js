// Clips: a player over the spectrogram, and maps along the clip's own time.
const mel = (hertz) => Math.log10(1 + hertz / 700);
const inKilohertz = (hertz) => `${Number((hertz / 1000).toPrecision(4))} kHz`;

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

function caption(sound, isMapped) {
  const cut = sound.seconds < sound.whole_s;
  const words = [
    cut ? `first ${sound.seconds.toFixed(1)} of ${sound.whole_s.toFixed(1)} s` : `${sound.seconds.toFixed(1)} s`,
    `0 to ${inKilohertz(sound.top_hz)}, mel-spaced`,
  ];
  if (sound.quieter_db) words.push(`played ${sound.quieter_db} dB softer, as it exceeds full scale`);
  if (isMapped) words.push(SIGNS);
  return element("figcaption", words.join(" · "));
}

// A map of one row lies below the spectrogram, one of many rows on it, both along the clip's own
// time, of which the page may have the first seconds only.
function clip(sound, record = {}) {
  const box = element("figure", undefined, "clip");
  const player = element("audio");
  player.controls = true; player.src = sound.mp3; player.preload = "none";
  const plot = element("div", undefined, "spectrogram");
  const image = element("img");
  image.loading = "lazy"; image.src = sound.spectrogram;
  image.alt = `mel spectrogram, 0 to ${sound.seconds.toFixed(1)} s, 0 to ${inKilohertz(sound.top_hz)}`;
  plot.append(image);
  box.append(player, plot);
  if (record.map) {
    const rows = JSON.parse(record.map);
    const columns = (rows[0].length * sound.seconds) / sound.whole_s;
    const cells = overlay(rows, columns, bandEdges(record, sound.top_hz));
    if (rows.length > 1) { plot.classList.add("mapped"); plot.append(cells); box.append(strength(cells)); }
    else { const strip = element("div", undefined, "strip"); strip.append(cells); box.append(strip); }
  }
  playhead(player, plot, sound.seconds);
  box.append(caption(sound, Boolean(record.map)));
  return box;
}
