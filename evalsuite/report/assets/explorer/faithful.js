// Whether an explanation is true: what is left of the answer as parts are taken away or put back in
// the order of the explanation, beside a random order. Drawn small, with a line for each.
const CURVES = [["curve", "taken away", "lower"], ["insertion_curve", "put back", "higher"]];
const AREA = { width: 230, height: 96, left: 34, right: 78, top: 8, bottom: 18 };

function svgElement(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const rounded = (value) => String(Number(value.toPrecision(3)));

// Mean height under straight lines between the points, as the trapezoidal rule has it.
function areaUnder(points) {
  let sum = 0;
  points.slice(1).forEach(([x, y], i) => { sum += ((x - points[i][0]) * (y + points[i][1])) / 2; });
  return sum / (points.at(-1)[0] - points[0][0]);
}

// Two labels at the ends of their lines, kept a line apart.
function labelHeights(first, second) {
  const apart = 12 - Math.abs(first - second);
  if (apart <= 0) return [first, second];
  const sign = first <= second ? 1 : -1;
  return [first - (sign * apart) / 2, second + (sign * apart) / 2];
}

// The points of this order, and those of a random one as far as they are known.
const linesOf = (rows) => [rows.map(([x, y]) => [x, y]), rows.filter((row) => row[2] !== null).map(([x, , y]) => [x, y])];
const areas = (own, random) => `area ${rounded(areaUnder(own))}${random.length > 1 ? `, in random order ${rounded(areaUnder(random))}` : ""}`;

function faithfulness(rows, done) {
  const [own, random] = linesOf(rows);
  const all = [...own, ...random].map((point) => point[1]);
  const low = Math.min(0, ...all), high = Math.max(...all, low + 1e-9);
  const right = AREA.width - AREA.right, below = AREA.height - AREA.bottom;
  const x = (share) => AREA.left + share * (right - AREA.left);
  const y = (value) => below - ((value - low) / (high - low)) * (below - AREA.top);
  // Next to the other end of the axis, what is as good as nothing is written so.
  const end = (value) => (Math.abs(value) < 5e-4 * (high - low) ? "0" : rounded(value));
  const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  const spoken = `answer while the most important parts are ${done} first: ${areas(own, random)}`;
  const svg = svgElement("svg", { viewBox: `0 0 ${AREA.width} ${AREA.height}`, width: AREA.width, height: AREA.height, role: "img", "aria-label": spoken });
  svg.append(
    svgElement("path", { class: "axis", d: `M${AREA.left} ${AREA.top}V${below}H${right}` }),
    svgElement("text", { x: AREA.left - 4, y: y(high) + 4, "text-anchor": "end" }, end(high)),
    svgElement("text", { x: AREA.left - 4, y: y(low) + 3, "text-anchor": "end" }, end(low)),
    svgElement("text", { x: AREA.left, y: AREA.height - 4 }, "0"),
    svgElement("text", { x: (AREA.left + right) / 2, y: AREA.height - 4, "text-anchor": "middle" }, `share ${done}`),
    svgElement("text", { x: right, y: AREA.height - 4, "text-anchor": "end" }, "1"),
  );
  const [at, there] = labelHeights(y(own.at(-1)[1]), random.length ? y(random.at(-1)[1]) : -99);
  if (random.length) svg.append(
    svgElement("path", { class: "random", d: path(random) }),
    svgElement("text", { x: right + 4, y: there + 4 }, "random order"),
  );
  svg.append(svgElement("path", { class: "own", d: path(own) }), svgElement("text", { x: right + 4, y: at + 4, class: "own-name" }, "this order"));
  return svg;
}

function curveFigures(record) {
  return CURVES.filter(([name]) => record[name]).map(([name, done, better]) => {
    const rows = JSON.parse(record[name]);
    const figure = element("figure", undefined, "faithful");
    const caption = `The answer while parts are ${done}, most important first: ${areas(...linesOf(rows))}; ${better} is better`;
    figure.append(faithfulness(rows, done), element("figcaption", caption));
    return figure;
  });
}
