"""A table in LaTeX, for a paper that loads the packages booktabs and graphicx."""

from collections.abc import Sequence

from lightmannet.metrics.scores import FULL
from lightmannet.report.footnotes import comparability, notes
from lightmannet.report.number_format import bounds, difference, probability, share
from lightmannet.report.published import (
    Caveat,
    Published,
    Source,
    comparable_columns,
    published_beside,
    sources_and_caveats,
)
from lightmannet.report.summary import Estimate, Row, Summary
from lightmannet.table.plan import Plan

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
    "…": r"\ldots{}",
    "×": r"$\times$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "θ": r"$\theta$",
    "Δ": r"$\Delta$",
    "²": "$^2$",
}

# Small, and shrunk where even so it is wider than the text.
_BEGIN = r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%"

_Groups = list[tuple[str, list[str]]]


def latex(plan: Plan, summary: Summary) -> str:
    """Return the table as a ``table*`` environment: our rows, published ones where they may stand beside, and notes."""
    groups = _groups(plan, summary)
    entries = published_beside(plan.corpus)
    beside = [column for column in summary.columns if column in comparable_columns(plan.corpus)]
    first = 1 + (len(plan.table.conditions) > 1)
    lines = [
        r"% needs \usepackage{booktabs,graphicx}",
        r"\begin{table*}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape(plan.table.title)}}}",
        _BEGIN,
        rf"\begin{{tabular}}{{{'l' * first}{'r' * sum(len(headings) for _, headings in groups)}}}",
        r"\toprule",
        *_head(plan, groups, first),
        r"\midrule",
        *(_line(_cells(plan, row, groups, first)) for row in (*summary.floors, *summary.rows)),
    ]
    said = notes(plan, summary)
    if beside:
        sources, caveats = sources_and_caveats(entries)
        lines.append(r"\midrule")
        lines += [_line(_published(entry, beside, groups, first, list(sources), list(caveats))) for entry in entries]
        said.append(comparability(plan))
    lines += [r"\bottomrule", r"\end{tabular}}", r"\begin{minipage}{\textwidth}\smallskip"]
    lines += [rf"\par {escape(note)}" for note in said]
    if beside:
        read = [f"$^{{{number}}}$~{escape(str(source))}." for number, source in enumerate(sources, 1)]
        known = [f"$^{{{_letter(number)}}}$~{escape(caveat.text)}" for number, caveat in enumerate(caveats)]
        lines += [rf"\par\tiny Read in: {' '.join(read)}", rf"\par {' '.join(known)}"]
    return "\n".join([*lines, r"\end{minipage}", r"\end{table*}", ""])


def escape(text: str) -> str:
    """Return text with the signs that LaTeX would take for commands written out."""
    parts = ["".join(_SPECIAL.get(sign, sign) for sign in part) for part in text.split("D^aux")]
    return r"$D^{\mathrm{aux}}$".join(parts)


def _groups(plan: Plan, summary: Summary) -> _Groups:
    """Return the columns of numbers as groups of headings."""
    return [
        *((column, ["UF1", "UAR"]) for column in summary.columns if column != FULL),
        # Wide enough without accuracy where it says least: classes are unbalanced.
        (FULL, ["UF1", "95 %", "UAR", *(["accuracy", "95 %"] if summary.tasks else [])]),
        *([(f"against {plan.table.baseline}", ["Δ UF1", "p"])] if plan.table.baseline else []),
        *([("oracle epoch", ["UF1", "UAR"])] if plan.table.oracle_epoch else []),
    ]


def _head(plan: Plan, groups: _Groups, first: int) -> list[str]:
    above = [*[""] * first, *(rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape(name)}}}" for name, columns in groups)]
    rules, column = "", first + 1
    for _, headings in groups:
        rules += rf"\cmidrule(lr){{{column}-{column + len(headings) - 1}}}"
        column += len(headings)
    start = ["method", *([escape(plan.table.axis or "condition")] if first == 2 else [])]
    return [_line(above), rules, _line([*start, *(escape(heading) for _, some in groups for heading in some)])]


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cells(plan: Plan, row: Row, groups: _Groups, first: int) -> list[str]:
    start = [escape(row.method), *([escape(row.condition)] if first == 2 else [])]
    width = sum(len(headings) for _, headings in groups)
    if not row.columns:
        return [*start, rf"\multicolumn{{{width}}}{{l}}{{not finished}}"]
    numbers: list[str] = []
    for name, headings in groups:
        if name == "oracle epoch":
            numbers += [_spread(row.oracle["uf1"]), _spread(row.oracle["uar"])] if row.oracle else ["", ""]
        elif name in row.columns:
            scores = row.columns[name]
            uf1, uar, accuracy = scores["uf1"], scores["uar"], scores["accuracy"]
            whole = [_spread(uf1), escape(bounds(uf1.low, uf1.high)) if row.cost else "", _spread(uar)]
            whole += [_spread(accuracy), escape(bounds(accuracy.low, accuracy.high))]
            numbers += whole[: len(headings)] if name == FULL else [_spread(uf1), _spread(uar)]
        elif row.comparison is None:
            numbers += ["baseline" if row.method == plan.table.baseline else "", ""]
        else:
            c = row.comparison
            numbers += [escape(difference(c.difference)), escape(probability(c.corrected))]
    return [*start, *numbers]


def _spread(estimate: Estimate) -> str:
    deviation = estimate.deviation
    return share(estimate.mean) + ("" if deviation is None else rf"\,{{\tiny$\pm$\,{share(deviation)}}}")


def _published(
    entry: Published,
    beside: Sequence[str],
    groups: _Groups,
    first: int,
    sources: list[Source],
    caveats: list[Caveat],
) -> list[str]:
    marks = [str(sources.index(entry.source) + 1), *(_letter(caveats.index(caveat)) for caveat in entry.caveats)]
    cells = [f"{escape(entry.method)}$^{{{','.join(marks)}}}$", *[""] * (first - 1)]
    for name, headings in groups:
        if name in beside:
            pair = dict(zip(("UF1", "UAR"), entry.scores.get(name, (None, None)), strict=True))
            for heading in headings:
                number = pair.get(heading)
                cells.append("" if heading not in pair else "--" if number is None else share(number))
        else:
            cells += [""] * len(headings)
    return cells


def _letter(number: int) -> str:
    return chr(ord("a") + number)
