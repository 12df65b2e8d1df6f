"""A table in LaTeX, for a paper that loads the package booktabs."""

from lightmannet.benchmark.figures import bounds, compared, share, spread
from lightmannet.benchmark.notes import comparability, notes
from lightmannet.benchmark.plan import Plan
from lightmannet.benchmark.published import Published, comparable_columns, published_beside
from lightmannet.benchmark.scores import FULL
from lightmannet.benchmark.summary import Row, Summary

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "²": "$^2$",
}


def latex(plan: Plan, summary: Summary) -> str:
    """Return the table as a ``table`` environment: our rows, published ones where they may stand beside, and notes."""
    columns = summary.columns
    axis = len(plan.table.conditions) > 1
    compares = bool(plan.table.baseline)
    entries = published_beside(plan.corpus)
    beside = [c for c in columns if c in comparable_columns(plan.corpus)]
    head = [
        "method",
        *([escape(plan.table.axis or "condition")] if axis else []),
        *(name for column in columns for name in (f"{escape(column)} UF1", "UAR")),
        r"95\,\%",
        *([f"against {escape(plan.table.baseline)}"] if compares else []),
    ]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        rf"\caption{{{escape(plan.table.title)}}}",
        rf"\begin{{tabular}}{{{'l' * (1 + axis)}{'r' * (len(head) - 1 - axis)}}}",
        r"\toprule",
        _line(head),
        r"\midrule",
        *(_line(_cells(row, columns, axis, compares, len(head))) for row in (*summary.floors, *summary.rows)),
    ]
    if beside:
        lines.append(r"\midrule")
        for entry in entries:
            pairs = [entry.scores.get(c, (None, None)) if c in beside else (None, None) for c in columns]
            numbers = ["--" if number is None else share(number) for pair in pairs for number in pair]
            mark = "$^*$" if entry.caveats else ""
            cells = [escape(entry.method) + mark, *([""] if axis else []), *numbers, "", *([""] if compares else [])]
            lines.append(_line(cells))
    said = [*notes(plan, summary), *([comparability(plan), *map(_said, entries)] if beside else [])]
    lines += [r"\bottomrule", r"\end{tabular}", *(rf"\par {escape(note)}" for note in said), r"\end{table}", ""]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Return text with the signs that LaTeX would take for commands written out."""
    return "".join(_SPECIAL.get(sign, sign) for sign in text)


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cells(row: Row, columns: tuple[str, ...], axis: bool, compares: bool, width: int) -> list[str]:
    start = [escape(row.method), *([escape(row.condition)] if axis else [])]
    if not row.columns:
        return [*start, rf"\multicolumn{{{width - len(start)}}}{{l}}{{not finished}}"]
    full = row.columns[FULL]["uf1"]
    return [
        *start,
        *(escape(spread(row.columns[column][score])) for column in columns for score in ("uf1", "uar")),
        "" if row.cost is None else escape(bounds(full.low, full.high)),
        *([escape(compared(row.comparison))] if compares else []),
    ]


def _said(entry: Published) -> str:
    caveats = "".join(f" {caveat.text}" for caveat in entry.caveats)
    return f"{'* ' if caveats else ''}{entry.method}: {entry.source}.{caveats}"
