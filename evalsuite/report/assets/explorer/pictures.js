// Cells over a picture. For a clip: how many columns lie in the part that is shown, and the upper
// and lower edges of the rows as shares of the height; for a picture all columns and equal rows.
function overlay(rows, columns = rows[0].length, edges = rows.concat([0]).map((_, y) => y / rows.length)) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${columns} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "importance of each cell for the answer");
  const top = Math.max(...rows.flat().map(Math.abs), 1e-9);
  rows.forEach((row, y) => row.forEach((value, x) => {
    const cell = document.createElementNS(svg.namespaceURI, "rect");
    cell.setAttribute("x", x); cell.setAttribute("y", edges[y]);
    cell.setAttribute("width", 1); cell.setAttribute("height", edges[y + 1] - edges[y]);
    cell.setAttribute("fill", value >= 0 ? "#d55e00" : "#0072b2");
    cell.setAttribute("fill-opacity", ((0.6 * Math.abs(value)) / top).toFixed(3));
    svg.append(cell, ...dash(value, top, x, (edges[y] + edges[y + 1]) / 2));
  }));
  return svg;
}

// What counts against the answer is told by a dash too, not by its colour alone.
function dash(value, top, x, y) {
  if (value > -0.1 * top) return [];
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", `M${x + 0.3} ${y}H${x + 0.7}`);
  line.setAttribute("class", "dash");
  return [line];
}

const SIGNS = "orange for the answer, blue with a dash against it";

// How strongly a map covers what lies below it.
function strength(svg) {
  const label = element("label", "Map ", "strength");
  const slider = element("input");
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 100 });
  slider.setAttribute("aria-label", "opacity of the map");
  slider.addEventListener("input", () => svg.style.setProperty("opacity", slider.value / 100));
  label.append(slider);
  return label;
}

function picture(uri, record = {}) {
  const box = element("figure", undefined, "shown");
  const frame = element("span", undefined, "picture");
  const image = element("img", undefined, "pixelated");
  Object.assign(image, { loading: "lazy", decoding: "async", alt: "input image", src: uri });
  frame.append(image);
  box.append(frame);
  if (record.map) {
    const cells = overlay(JSON.parse(record.map));
    frame.append(cells);
    box.append(strength(cells), element("figcaption", SIGNS));
  }
  return box;
}
