"""The report as one self-contained page: the table, plots, and all footnotes."""

import json
import statistics
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lightmannet.metrics.scores import FULL, ScoreName
from lightmannet.report.embedding_plots import embedding_plots
from lightmannet.report.footnotes import ORACLE, comparability, footnotes
from lightmannet.report.number_format import share
from lightmannet.report.people_plot import people_plot
from lightmannet.report.plot import Plot, method_colours
from lightmannet.report.rows import Row, Summary
from lightmannet.report.score_plots import axis_plot, interval_plot
from lightmannet.report.table_lines import ORACLE_EPOCH
from lightmannet.report.table_model import TableModel
from lightmannet.report.templates import FOLDER, render_html
from lightmannet.report.training_plots import cost_plots, curve_plots
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result


@dataclass(frozen=True)
class _Matrix:
    """A confusion matrix: per true and predicted class the share, the mean count, and the share in percent."""

    method: str
    uf1: str
    cells: list[list[tuple[str, str, int]]]


@dataclass(frozen=True)
class _View:
    """The part of the page for one condition."""

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


def page(plan: Plan, summary: Summary, model: TableModel, results: list[Result]) -> str:
    """Return the report as HTML; the same results give the same bytes.

    Args:
        plan: The plan of the table.
        summary: Its results, summarised.
        model: The printed table.
        results: The results themselves, for versions, commits and embeddings.
    """
    best = _best_method(plan, summary)
    colours = method_colours(list(plan.table.methods), [name for name in (best, plan.table.baseline) if name])
    result = _result_plots(plan, summary, colours)
    views = [_view(plan, summary, results, number, colours, best) for number in range(len(plan.table.conditions))]
    plots = [*result, *(plot for view in views for plot in view.plots)]
    return render_html(
        "page.html",
        {
            "title": plan.table.title,
            "synthetic": plan.corpus.synthetic,
            "facts": _facts(plan, summary, results),
            "footnotes": footnotes(plan, summary),
            "comparability": comparability(plan),
            "model": model,
            "result": result,
            "views": views,
            "classes": plan.corpus.classes,
            "specs": {plot.name: _script(plot.spec) for plot in plots},
            "style": (FOLDER / "page.css").read_text(encoding="utf-8"),
            "script": (FOLDER / "page.js").read_text(encoding="utf-8"),
            "vega": _vega() if plots else "",
            "oracle": {ORACLE_EPOCH: ORACLE},
            "floor": share(summary.floors[0].columns[FULL]["uf1"].mean) if summary.floors else "",
        },
    )


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script without an end tag in it."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


def _script(spec: dict[str, Any]) -> str:
    """Return JSON that is safe within a script element, for any name of a method."""
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _result_plots(plan: Plan, summary: Summary, colours: dict[str, str]) -> list[Plot]:
    """Return the plots of the whole table: each method's interval, or scores against the varied condition."""
    table = plan.table
    if not any(row.columns for row in summary.rows):
        return []
    if len(table.conditions) == 1:
        return [interval_plot(summary.rows, colours)]
    scores: tuple[ScoreName, ...] = ("uf1",) if summary.tasks is None else ("accuracy", "uf1")
    return [axis_plot(summary.rows, colours, table.axis, list(table.conditions), score) for score in scores]


def _best_method(plan: Plan, summary: Summary) -> str:
    """Return the method with the highest UF1 over all conditions, or the first one without scores."""
    scores: dict[str, list[float]] = {method: [] for method in plan.table.methods}
    for row in summary.rows:
        scores[row.method] += [row.columns[FULL]["uf1"].mean] if row.columns else []
    return max(scores, key=lambda method: statistics.mean(scores[method] or [0.0]))


def _view(
    plan: Plan, summary: Summary, results: list[Result], number: int, colours: dict[str, str], best: str
) -> _View:
    condition = list(plan.table.conditions)[number]
    rows = [row for row in summary.rows if row.condition == condition]
    scored = any(row.columns for row in rows)
    mine = [result for result in results if result.cell.condition == condition and result.embedding]
    embedded = min(mine, key=lambda result: (result.cell.seed, result.cell.method), default=None)

    def named(plots: list[Plot]) -> list[Plot]:
        """Return the plots with names unique to this condition."""
        return [replace(plot, name=f"{plot.name}-of-{number}") if number else plot for plot in plots]

    return _View(
        condition=condition,
        matrices=[_matrix(row) for row in rows if row.confusion is not None],
        people=named([people_plot(rows, plan.table.baseline, best)] if scored else []),
        cost=named(cost_plots(rows, colours) if scored else []),
        curves=named(curve_plots(rows, colours)),
        embedding=named(embedding_plots(embedded.embedding, plan.corpus.classes))
        if embedded is not None and embedded.embedding
        else [],
        embedded=embedded,
    )


def _facts(plan: Plan, summary: Summary, results: list[Result]) -> list[tuple[str, str]]:
    missing = sum(row.missing for row in summary.rows)
    commits = sorted({result.git for result in results if result.git})
    torch = sorted({result.versions.get("torch", "") for result in results} - {""})
    return [
        ("corpus", plan.corpus.name),
        ("shows", "generated motion" if plan.corpus.synthetic else "real people"),
        ("clips", str(len(plan.corpus.micro))),
        ("people", str(len(set(plan.corpus.micro.subjects)))),
        ("folds", str(len({cell.fold for cell in plan.cells}))),
        ("seeds", str(len(plan.table.seeds))),
        ("runs", f"{len(plan.cells) - missing} of {len(plan.cells)}"),
        *([("torch", ", ".join(torch))] if torch else []),
        *([("code", ", ".join(commit[:20] for commit in commits[:3]))] if commits else []),
    ]


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
