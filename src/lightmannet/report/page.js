"use strict";
// Plots: one after the other, so that a page of thirty stays responsive; those of a condition when it is first chosen.
// Colours are CSS variables of the page.
const people = [];
let person = null;
async function draw() {
  delete document.documentElement.dataset.ready;
  for (const script of document.querySelectorAll("script.spec")) {
    const chart = document.getElementById(script.dataset.for);
    if (script.dataset.drawn || chart.closest("[hidden]")) continue;
    script.dataset.drawn = "true";
    const { view } = await vegaEmbed(chart, JSON.parse(script.textContent), {
      mode: "vega-lite", renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true },
    });
    if (chart.id.startsWith("plot-people")) {
      people.push({ chart, view });
      view.addSignalListener("method", (_, chosen) => { person = chosen; });
    }
  }
  // The method that was chosen for the people of one condition is shown for those of the next, if it is there.
  for (const { chart, view } of people) {
    const known = [...chart.querySelectorAll("option")].some((option) => option.value === person);
    if (known && view.signal("method") !== person) await view.signal("method", person).runAsync();
  }
  document.documentElement.dataset.ready = "true";
}
draw();

// Conditions: one choice for the whole page.
const choices = [...document.querySelectorAll("select.condition")];
for (const choice of choices) choice.addEventListener("change", () => {
  // The parts above may change their height; what is looked at stays where it is.
  const before = choice.getBoundingClientRect().top;
  for (const other of choices) other.value = choice.value;
  for (const view of document.querySelectorAll(".view")) view.hidden = view.dataset.condition !== choice.value;
  scrollBy(0, choice.getBoundingClientRect().top - before);
  dispatchEvent(new Event("resize")); // what was drawn before and hidden since may have another width by now
  draw();
});

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
