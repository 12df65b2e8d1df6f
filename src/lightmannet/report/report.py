"""From results to a table's folder: Markdown, CSV, LaTeX and the page."""

import csv
import io
from pathlib import Path

from lightmannet.files import write_atomically
from lightmannet.metrics.scores import FULL
from lightmannet.report.footnotes import comparability, notes
from lightmannet.report.latex import latex
from lightmannet.report.number_format import bounds, compared, share, spread
from lightmannet.report.page import page
from lightmannet.report.published import comparable_columns, published_beside, sources_and_caveats
from lightmannet.report.summary import Column, Row, Summary, summarize
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result


def write_report(plan: Plan, results: list[Result], folder: Path) -> str:
    """Write ``table.md``, ``table.csv``, ``table.tex`` and ``report.html`` into ``folder`` and return the Markdown.

    Raises:
        LightmanNetError: As ``summarize``.
    """
    summary = summarize(plan, results)
    markdown = _markdown(plan, summary)
    write_atomically(folder / "table.md", markdown + "\n")
    write_atomically(folder / "table.csv", _csv(plan, summary))
    write_atomically(folder / "table.tex", latex(plan, summary))
    write_atomically(folder / "report.html", page(plan, summary, results))
    return markdown


def _markdown(plan: Plan, summary: Summary) -> str:
    table, columns = plan.table, summary.columns
    axis = [table.axis or "condition"] if len(table.conditions) > 1 else []
    compares = [f"against {table.baseline}"] if table.baseline else []
    oracle = ["oracle epoch UF1 / UAR"] if table.oracle_epoch else []
    head = [
        "method",
        *axis,
        *(f"{column} UF1 / UAR" for column in columns),
        f"{FULL} UF1, 95 %",
        *compares,
        "accuracy",
        *(["accuracy, 95 %"] if summary.tasks else []),
        *oracle,
        "training, s a fold",
    ]
    lines = [f"### {table.title}", "", _line(head), "|---" * len(head) + "|"]
    for row in (*summary.floors, *summary.rows):
        place = [row.condition] if axis else []
        if not row.columns:
            left = "no seed is whole" if row.cost else "not all folds finished"
            lines.append(_line([row.method, *place, left, *[""] * (len(head) - len(place) - 2)]))
            continue
        full = row.columns[FULL]
        floor = row.cost is None
        lines.append(
            _line(
                [
                    _name(row, len(table.seeds)),
                    *place,
                    *(f"{spread(row.columns[c]['uf1'])} / {spread(row.columns[c]['uar'])}" for c in columns),
                    "" if floor else bounds(full["uf1"].low, full["uf1"].high),
                    *([compared(row.comparison)] if compares else []),
                    spread(full["accuracy"]),
                    *([bounds(full["accuracy"].low, full["accuracy"].high)] if summary.tasks else []),
                    *(
                        [f"{spread(row.oracle['uf1'])} / {spread(row.oracle['uar'])}" if row.oracle else ""]
                        * len(oracle)
                    ),
                    "" if row.cost is None else f"{row.cost.training:.0f}",
                ]
            )
        )
    said = [note.replace("Synthetic clips", "**Synthetic** clips", 1) for note in notes(plan, summary)]
    return "\n".join([*lines, "", *said, *_markdown_published(plan, columns)])


def _name(row: Row, wanted: int) -> str:
    return (
        f"{row.method} ({row.seeds} of {wanted} seeds)" if row.cost is not None and row.seeds < wanted else row.method
    )


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_published(plan: Plan, columns: tuple[str, ...]) -> list[str]:
    beside = [column for column in columns if column in comparable_columns(plan.corpus)]
    if not beside:
        return []
    head = ["published method", *(f"{column} UF1 / UAR" for column in beside), "read in", "to be known"]
    lines = ["", "#### Published", "", comparability(plan), "", _line(head), "|---" * len(head) + "|"]
    entries = published_beside(plan.corpus)
    for entry in entries:
        pairs = [entry.scores.get(column, (None, None)) for column in beside]
        cells = [f"{_or_dash(uf1)} / {_or_dash(uar)}" for uf1, uar in pairs]
        labels = ", ".join(caveat.label for caveat in entry.caveats)
        lines.append(_line([entry.method, *cells, entry.source.text, labels]))
    sources, caveats = sources_and_caveats(entries)
    found = [f"- {source.text}: {source.address}." for source in sources if source.address is not None]
    return [*lines, "", *(f"- *{caveat.label}*: {caveat.text}" for caveat in caveats), *found]


def _or_dash(value: float | None) -> str:
    return "–" if value is None else share(value)


_HEADINGS = (
    "method",
    "condition",
    "value",
    "column",
    "seeds",
    "score",
    "mean",
    "standard_deviation",
    "low",
    "high",
    "source",
    "caveats",
)


def _csv(plan: Plan, summary: Summary) -> str:
    """Return a line a number: scores by column, comparisons, costs (without a column) and published scores."""
    lines: list[list[str]] = []
    for row in (*summary.floors, *summary.rows):
        start = [row.method, row.condition, "" if row.value is None else f"{row.value:g}"]
        seeds = str(row.seeds)
        columns: dict[str, Column] = {**row.columns, **({"oracle epoch": row.oracle} if row.oracle else {})}
        for column, scores in columns.items():
            for name, estimate in scores.items():
                numbers = (estimate.mean, estimate.deviation, estimate.low, estimate.high)
                lines.append([*start, column, seeds, name, *map(_number, numbers)])
        if row.comparison is not None:
            c = row.comparison
            lines.append([*start, FULL, seeds, "uf1_difference", *map(_number, (c.difference, None, c.low, c.high))])
            lines.append([*start, FULL, seeds, "p_value", _number(c.p_value)])
            lines.append([*start, FULL, seeds, "p_value_corrected", _number(c.corrected)])
        if row.cost is not None:
            lines += [[*start, "", seeds, name, _number(value)] for name, value in vars(row.cost).items()]
    for entry in published_beside(plan.corpus):
        said = [str(entry.source), " ".join(caveat.text for caveat in entry.caveats)]
        for column in comparable_columns(plan.corpus):
            for label, number in zip(("uf1", "uar"), entry.scores.get(column, (None, None)), strict=True):
                if number is not None:
                    lines.append([entry.method, "", "", column, "", label, _number(number), "", "", "", *said])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    writer.writerows([*line, *[""] * (len(_HEADINGS) - len(line))] for line in lines)
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.6f}"
