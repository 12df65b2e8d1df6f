"""The report: one page that needs no network, with the table, plots and everything that has to be said beside them."""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lightmannet.metrics.scores import FULL, ScoreName
from lightmannet.report.footnotes import ORACLE, comparability, notes
from lightmannet.report.number_format import amount, bounds, difference, duration, probability, share
from lightmannet.report.plots import (
    Plot,
    axis_plot,
    cost_plots,
    curve_plots,
    embedding_plots,
    interval_plot,
    method_colours,
    people_plot,
)
from lightmannet.report.published import Caveat, comparable_columns, published_beside, sources_and_caveats
from lightmannet.report.summary import Estimate, Row, Summary
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class _Number:
    """A cell of a table: what is read, what it is sorted by, and what is written small behind it."""

    key: str
    text: str
    order: float | None
    small: str = ""


@dataclass(frozen=True)
class _Line:
    """A row of the table of scores."""

    kind: str
    method: str
    condition: str
    place: float
    source: str
    caveats: tuple[Caveat, ...]
    numbers: list[_Number]


@dataclass(frozen=True)
class _Matrix:
    """A confusion matrix: share and number of each true class's clips by the class that was named."""

    method: str
    uf1: str
    cells: list[list[tuple[str, str, int]]]


@dataclass(frozen=True)
class _View:
    """What the page shows of one condition at a time."""

    condition: str
    matrices: list[_Matrix]
    people: list[Plot]
    cost: list[Plot]
    curves: list[Plot]
    embedding: list[Plot]
    embedded: Result | None

    @property
    def plots(self) -> list[Plot]:
        return [*self.people, *self.cost, *self.curves, *self.embedding]


def page(plan: Plan, summary: Summary, results: list[Result]) -> str:
    """Return the report as HTML; the same results give the same bytes.

    Args:
        plan: The table.
        summary: What its results come to.
        results: The results themselves, for what they were made with.
    """
    # Only the report needs it.
    import jinja2

    table = plan.table
    colours = method_colours(list(table.methods), table.baseline)
    result = _result_plots(plan, summary, colours)
    views = [_view(plan, summary, results, number, colours) for number in range(len(table.conditions))]
    plots = [*result, *(plot for view in views for plot in view.plots)]
    sources, caveats = sources_and_caveats(published_beside(plan.corpus))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=table.title,
        synthetic=plan.corpus.synthetic,
        facts=_facts(plan, summary, results),
        notes=notes(plan, summary),
        comparability=comparability(plan),
        groups=_groups(plan, summary),
        axis=(table.axis or "condition") if len(views) > 1 else "",
        result=result,
        views=views,
        compares=bool(table.baseline),
        lines=_lines(plan, summary),
        sources=sources,
        caveats=caveats,
        specs={plot.name: _script(plot.spec) for plot in plots},
        classes=plan.corpus.classes,
        costs=_costs(plan, summary),
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        script=(_HERE / "page.js").read_text(encoding="utf-8"),
        vega=_vega() if plots else "",
        oracle=ORACLE,
        floor=share(summary.floors[0].columns[FULL]["uf1"].mean) if summary.floors else "",
    )


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script without an end tag in it."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


def _script(spec: dict[str, Any]) -> str:
    """Return JSON that may stand in a script element, whatever a method is called."""
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _result_plots(plan: Plan, summary: Summary, colours: dict[str, str]) -> list[Plot]:
    """Return the plots of the whole table: each method's interval, or scores against what is varied."""
    table = plan.table
    if not any(row.columns for row in summary.rows):
        return []
    if len(table.conditions) == 1:
        return [interval_plot(summary.rows, colours)]
    scores: tuple[ScoreName, ...] = ("uf1",) if summary.tasks is None else ("accuracy", "uf1")
    return [axis_plot(summary.rows, colours, table.axis, list(table.conditions), score) for score in scores]


def _view(plan: Plan, summary: Summary, results: list[Result], number: int, colours: dict[str, str]) -> _View:
    condition = list(plan.table.conditions)[number]
    rows = [row for row in summary.rows if row.condition == condition]
    whole = any(row.columns for row in rows)
    mine = [result for result in results if result.condition == condition and result.embedding]
    embedded = min(mine, key=lambda result: (result.seed, result.method), default=None)

    def named(plots: list[Plot]) -> list[Plot]:
        """Give the plots names that no other condition's have."""
        return [replace(plot, name=f"{plot.name}-of-{number}") if number else plot for plot in plots]

    return _View(
        condition=condition,
        matrices=[_matrix(row) for row in rows if row.confusion is not None],
        people=named([people_plot(rows, plan.table.baseline)] if whole else []),
        cost=named(cost_plots(rows, colours) if whole else []),
        curves=named(curve_plots(rows, colours)),
        embedding=named(embedding_plots(embedded.embedding, plan.corpus.classes))
        if embedded is not None and embedded.embedding
        else [],
        embedded=embedded,
    )


def _facts(plan: Plan, summary: Summary, results: list[Result]) -> list[tuple[str, str]]:
    table = plan.table
    missing = sum(row.missing for row in summary.rows)
    commits = sorted({result.git for result in results if result.git})
    torch = sorted({result.versions.get("torch", "") for result in results} - {""})
    return [
        ("corpus", plan.corpus.name),
        ("shows", "generated motion" if plan.corpus.synthetic else "real people"),
        ("clips", str(len(plan.corpus.micro))),
        ("people", str(len(set(plan.corpus.micro.subjects)))),
        ("folds", str(len({cell.fold for cell in plan.cells}))),
        ("seeds", str(len(table.seeds))),
        ("runs", f"{len(plan.cells) - missing} of {len(plan.cells)}"),
        *([("torch", ", ".join(torch))] if torch else []),
        *([("code", ", ".join(commit[:20] for commit in commits[:3]))] if commits else []),
    ]


def _groups(plan: Plan, summary: Summary) -> list[tuple[str, list[str]]]:
    """Return the table's column groups: name and headings."""
    return [
        (
            FULL if len(summary.columns) > 1 else "",
            ["UF1", "95 %", "UAR", "accuracy", *(["95 %"] if summary.tasks else [])],
        ),
        *([(f"against {plan.table.baseline}", ["Δ UF1", "p"])] if plan.table.baseline else []),
        *((column, ["UF1", "UAR"]) for column in summary.columns if column != FULL),
        *([("oracle epoch", ["UF1", "UAR"])] if plan.table.oracle_epoch else []),
    ]


def _lines(plan: Plan, summary: Summary) -> list[_Line]:
    own = next((m for m in plan.table.methods if m.lower().startswith("lightmannet")), None)
    lines = []
    for row in (*summary.floors, *summary.rows):
        kind = "floor" if row in summary.floors else "hole" if not row.columns else "own" if row.method == own else ""
        part = 0 < row.seeds < len(plan.table.seeds) and kind != "floor"
        caveat = Caveat(f"{row.seeds} of {len(plan.table.seeds)} seeds", f"{row.missing} of its runs are not there.")
        numbers = _numbers(plan, summary, row) if row.columns else []
        lines.append(_Line(kind, row.method, row.condition, _place(plan, row), "", (caveat,) if part else (), numbers))
    for entry in published_beside(plan.corpus):
        pairs = {c: entry.scores.get(c, (None, None)) for c in comparable_columns(plan.corpus)}
        numbers = []
        for name, headings in _groups(plan, summary):
            uf1, uar = pairs.get(name or FULL, (None, None))
            for heading in headings:
                value = {"UF1": uf1, "UAR": uar}.get(heading)
                key = f"{name or FULL}/{heading.lower()}"
                numbers.append(_Number(key, "" if value is None else share(value), value))
        kind = "published recomputed" if entry.recomputed else "published"
        lines.append(_Line(kind, entry.method, "", -1, str(entry.source), entry.caveats, numbers))
    return lines


def _place(plan: Plan, row: Row) -> float:
    """Return what the row's condition is sorted by."""
    order = [*plan.table.conditions]
    return row.value if row.value is not None else order.index(row.condition) if row.condition in order else -1


def _numbers(plan: Plan, summary: Summary, row: Row) -> list[_Number]:
    full = row.columns[FULL]
    numbers = [
        _score(f"{FULL}/uf1", full["uf1"]),
        _Number(f"{FULL}/interval", bounds(full["uf1"].low, full["uf1"].high) if row.cost else "", full["uf1"].low),
        _score(f"{FULL}/uar", full["uar"]),
        _score(f"{FULL}/accuracy", full["accuracy"]),
    ]
    if summary.tasks:
        low, high = full["accuracy"].low, full["accuracy"].high
        numbers.append(_Number(f"{FULL}/accuracy_interval", bounds(low, high), low))
    if plan.table.baseline:
        c = row.comparison
        if c is None:
            text = "baseline" if row.method == plan.table.baseline else ""
            numbers += [_Number("difference", text, None), _Number("p", "", None)]
        else:
            numbers += [
                _Number(
                    "difference", difference(c.difference), c.difference, f"{difference(c.low)} … {difference(c.high)}"
                ),
                _Number("p", probability(c.corrected), c.corrected, "" if c.corrected >= 0.05 else "*"),
            ]
    for column in summary.columns:
        if column != FULL:
            numbers += [_score(f"{column}/{name}", row.columns[column][name]) for name in ("uf1", "uar")]
    if plan.table.oracle_epoch:
        for name in ("uf1", "uar"):
            key = f"oracle epoch/{name}"
            numbers.append(_score(key, row.oracle[name]) if row.oracle else _Number(key, "", None))
    return numbers


def _score(key: str, estimate: Estimate) -> _Number:
    deviation = estimate.deviation
    return _Number(key, share(estimate.mean), estimate.mean, "" if deviation is None else f"± {share(deviation)}")


def _matrix(row: Row) -> _Matrix:
    assert row.confusion is not None
    cells = []
    for counts in row.confusion.tolist():
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        cells.append(
            [(share(s), f"{c:.1f}".removesuffix(".0"), round(100 * s)) for s, c in zip(shares, counts, strict=True)]
        )
    return _Matrix(row.method, share(row.columns[FULL]["uf1"].mean), cells)


def _costs(plan: Plan, summary: Summary) -> list[tuple[str, str, float, list[_Number]]]:
    return [
        (
            row.method,
            row.condition,
            _place(plan, row),
            [
                _Number("parameters", amount(row.cost.parameters), row.cost.parameters),
                _Number("multiply_adds", amount(row.cost.multiply_adds), row.cost.multiply_adds),
                _Number("training", duration(row.cost.training), row.cost.training),
                _Number("adapting", duration(row.cost.adapting), row.cost.adapting),
                _Number("predicting", duration(row.cost.predicting), row.cost.predicting),
                _Number("peak_memory_mb", f"{row.cost.peak_memory_mb:.0f} MB", row.cost.peak_memory_mb),
            ],
        )
        for row in summary.rows
        if row.cost is not None
    ]
