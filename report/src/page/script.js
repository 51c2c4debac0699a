"use strict";
// Sorting: a button in the head of each column of long tables.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const text = (row) => row.cells[column].textContent.trim();
      const number = (row) => parseFloat(text(row).replace(/,/g, ""));
      const order = (a, b) => {
        const [x, y] = [number(a), number(b)];
        const both = !Number.isNaN(x) && !Number.isNaN(y);
        return both ? x - y : text(a).localeCompare(text(b), "en", { numeric: true });
      };
      const rows = [...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
      body.append(...rows);
    });
  });
}
// A filter by class, over all tables of classes.
const tables = document.querySelectorAll("table[data-classes]");
if (tables.length) {
  const label = document.createElement("label");
  label.className = "filter";
  label.append("Show only classes with this in their name: ");
  const input = document.createElement("input");
  label.append(input);
  document.querySelector("nav").after(label);
  input.addEventListener("input", () => {
    const part = input.value.toLowerCase();
    for (const table of tables) {
      for (const row of table.tBodies[0].rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(part);
      if (part) table.closest("details")?.setAttribute("open", "");
    }
  });
}
