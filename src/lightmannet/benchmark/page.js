"use strict";
// Plots: one after the other, so that a page of thirty stays responsive. Colours are CSS variables of the page.
(async () => {
  for (const script of document.querySelectorAll("script.spec")) {
    const chart = document.getElementById(script.dataset.for);
    await vegaEmbed(chart, JSON.parse(script.textContent), {
      mode: "vega-lite", renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true },
    });
  }
  document.documentElement.dataset.ready = "true";
})();

// Sorting: first the larger numbers and the earlier words, then the other way round; cells without a value stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const columns = [...table.querySelectorAll("thead button:not(.caveat)")];
  const single = columns.filter((button) => button.closest("th").rowSpan > 1 || !table.tHead.rows[1]);
  const ordered = [...single, ...columns.filter((button) => !single.includes(button))];
  ordered.forEach((button, column) => button.addEventListener("click", () => {
    const heading = button.closest("th");
    const words = button.dataset.kind === "text";
    const up = heading.ariaSort === "none" ? words : heading.ariaSort === "descending";
    for (const other of columns) other.closest("th").ariaSort = "none";
    heading.ariaSort = up ? "ascending" : "descending";
    const value = (row) => row.cells[column]?.dataset.order ?? "";
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = words ? x.localeCompare(y) : Number(x) - Number(y);
      return up ? order : -order;
    });
    table.tBodies[0].append(...rows);
  }));
}

// Caveats: shown while a mark is pointed at or focused; Escape hides them.
const tip = document.getElementById("tip");
const hide = () => { tip.hidden = true; };
for (const mark of document.querySelectorAll(".caveat")) {
  const show = () => {
    tip.textContent = mark.dataset.note;
    tip.hidden = false;
    const place = mark.getBoundingClientRect();
    const left = Math.min(place.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
    const below = place.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(12, left)}px`;
    tip.style.top = `${below ? place.bottom + 6 : place.top - tip.offsetHeight - 6}px`;
  };
  for (const event of ["mouseenter", "focus", "click"]) mark.addEventListener(event, show);
  for (const event of ["mouseleave", "blur"]) mark.addEventListener(event, hide);
}
addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
addEventListener("scroll", hide, true);
