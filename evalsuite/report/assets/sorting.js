// Tables with class "sortable" get buttons in their heads. Without scripts they stay in the page's order.
function sortKey(cell) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = Number(text.replaceAll(",", ""));
  return text === "" || Number.isNaN(number) ? text : number;
}

// Numbers by size, then texts; what was not measured comes last whichever way the others go.
function inOrder(a, b, sign) {
  const missing = (key) => key === "" || key === "n/a";
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * a.localeCompare(b, undefined, { numeric: true });
}

function sortTable(table, head, column) {
  const falls = head.getAttribute("aria-sort") !== "descending" && head.dataset.first !== "ascending";
  const sign = falls ? -1 : 1;
  for (const other of head.parentNode.cells) {
    if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    delete other.dataset.first;
  }
  head.setAttribute("aria-sort", falls ? "descending" : "ascending");
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [sortKey(row.cells[column]), row]);
  keyed.sort((a, b) => inOrder(a[0], b[0], sign));
  body.append(...keyed.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = table.tHead.rows[table.tHead.rows.length - 1].cells;
  [...heads].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    if (column === 0) head.dataset.first = "ascending";  // names from A to Z first
    button.addEventListener("click", () => sortTable(table, head, column));
  });
}
