// Tables: click a heading to sort, type to filter.
function sortValue(cell) {
  const text = cell.textContent.trim();
  const number = parseFloat(text.replace(/−/g, "-").replace(/^[<≈]\s*/, ""));
  return { text, number: Number.isNaN(number) ? null : number };
}

function compare(a, b, direction) {
  if (a.number !== null && b.number !== null) return direction * (a.number - b.number);
  if (a.number !== null || b.number !== null) return a.number === null ? 1 : -1;  // what isn't known comes last
  return direction * a.text.localeCompare(b.text);
}

function sortable(table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = html("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const word = head.classList.contains("word");
      const rows = [...body.rows].map((row) => {
        const value = sortValue(row.cells[column]);
        if (word) value.number = null;
        return { row, value };
      });
      rows.sort((a, b) => compare(a.value, b.value, ascending ? 1 : -1));
      body.append(...rows.map((one) => one.row));
    });
  });
}

function filterable(table) {
  const rows = [...table.tBodies[0].rows], controls = html("div", { class: "controls" });
  table.closest(".scroll").before(controls);
  if (rows.length < 8) { controls.append(tableSaver(table)); return; }
  const input = html("input", { type: "search", placeholder: "words in a row" });
  const said = html("span", { class: "note", role: "status" });
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      left += !row.hidden;
    }
    said.textContent = words.length ? `${left} of ${rows.length} rows` : "";
  });
  controls.append(html("label", {}, "filter", input), said, tableSaver(table));
}

// What is shown, in the order shown, as a file for a spreadsheet.
function tableSaver(table) {
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const line = (row) => [...row.cells].map((one) => cell(one.textContent.trim().replace(/\s+/g, " ").replace(/−/g, "-"))).join(",");
  const all = () => [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((row) => !row.hidden)].map(line).join("\r\n");
  const name = () => fileName(table.closest(".scroll").getAttribute("aria-label"));
  return html("span", { class: "savers" }, button("CSV", "save this table as CSV", () => save(new Blob([`\ufeff${all()}\r\n`], { type: "text/csv" }), `${name()}.csv`)));
}
labelMap(document.getElementById("labels"));
for (const table of document.querySelectorAll("table.data")) { sortable(table); filterable(table); }
