"""From the summary of a table to its printed columns and lines."""

from dataclasses import replace

from lightmannet.metrics.scores import FULL, SCORES
from lightmannet.report.number_format import amount, bounds, difference, duration, probability, share
from lightmannet.report.published import Caveat, Published, comparable_columns, published_beside
from lightmannet.report.rows import Comparison, Cost, Estimate, Estimates, Floor, Row, Summary
from lightmannet.report.table_model import BELOW_UNADAPTED, INTERVAL, Column, Line, Number, TableModel
from lightmannet.table.plan import Plan

ORACLE_EPOCH = "oracle epoch"
"""Heading of the scores of the epoch that was best on the test people."""
ADAPTING = "against no adaptation"
"""Heading of the gain from adapting."""


def table_model(plan: Plan, summary: Summary) -> TableModel:
    """Return the table for all formats."""
    axis = (plan.table.axis or "condition") if len(plan.table.conditions) > 1 else ""
    lines = [_floor(plan, floor) for floor in summary.floors]
    for row in summary.rows:
        lines.append(_method(plan, row))
        if row.unadapted:
            lines.append(_unadapted(plan, row))
    lines = _mark_best(lines, summary.columns)
    lines += [_published(plan, entry) for entry in published_beside(plan.corpus)]
    columns, details = _score_columns(plan, summary)
    return TableModel(axis, columns, _COST_COLUMNS, details, tuple(lines))


_COST_COLUMNS = (
    Column("", "parameters", "parameters"),
    Column("", "multiply-adds", "multiply_adds"),
    Column("", "training, per fold", "training"),
    Column("", "adapting, per task", "adapting"),
    Column("", "predicting, per clip", "predicting"),
    Column("", "peak memory", "peak_memory_mb"),
)


def _score_columns(plan: Plan, summary: Summary) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Return the columns of the table, and those of the CSV only."""
    whole = FULL if len(summary.columns) > 1 else ""
    columns = [
        Column(whole, "UF1", f"{FULL}/uf1"),
        Column(whole, "95 %", f"{FULL}/uf1{INTERVAL}"),
        Column(whole, "UAR", f"{FULL}/uar"),
        Column(whole, "accuracy", f"{FULL}/accuracy"),
    ]
    columns += [Column(whole, "95 %", f"{FULL}/accuracy{INTERVAL}")] if summary.tasks else []
    details = []
    if plan.table.baseline:
        against = f"against {plan.table.baseline}"
        columns.append(Column(against, "Δ UF1", f"{FULL}/uf1_difference"))
        columns.append(Column(against, "p", f"{FULL}/p_value_corrected"))
        details.append(Column(against, "p, uncorrected", f"{FULL}/p_value"))
    if any(row.adapting for row in summary.rows):
        columns.append(Column(ADAPTING, "Δ UF1", "adapting/uf1_difference"))
        columns.append(Column(ADAPTING, "p", "adapting/p_value_corrected"))
        details.append(Column(ADAPTING, "p, uncorrected", "adapting/p_value"))
    names = [name for name in summary.columns if name != FULL] + [ORACLE_EPOCH] * plan.table.oracle_epoch
    for name in names:
        columns += [Column(name, "UF1", f"{name}/uf1"), Column(name, "UAR", f"{name}/uar")]
        details.append(Column(name, "accuracy", f"{name}/accuracy"))
    columns.append(Column("training", "micro clips", "micro_clips"))
    if any(row.cost and row.cost.macro_clips for row in summary.rows):
        columns.append(Column("training", "macro clips", "macro_clips"))
    columns.append(Column("training", "per fold", "training"))
    return tuple(columns), tuple(details)


def _floor(plan: Plan, floor: Floor) -> Line:
    numbers = _scores(floor.columns)
    del numbers[f"{FULL}/uf1{INTERVAL}"], numbers[f"{FULL}/accuracy{INTERVAL}"]
    return Line(
        kind="floor",
        method="always the commonest class",
        condition=floor.condition,
        value=None,
        place=_place(plan, floor.condition, None),
        seeds=1,
        numbers=numbers,
    )


def _method(plan: Plan, row: Row) -> Line:
    wanted = len(plan.table.seeds)
    caveats = []
    if row.columns and row.seeds < wanted:
        caveats.append(Caveat(f"{row.seeds} of {wanted} seeds", f"{row.missing} of its runs are missing."))
    if is_below_unadapted(row):
        caveats.append(BELOW_UNADAPTED)
    numbers = _scores(row.columns)
    if row.columns and row.comparison is not None:
        numbers |= _compared(FULL, row.comparison)
    elif row.columns and row.method == plan.table.baseline:
        numbers[f"{FULL}/uf1_difference"] = Number("baseline", None)
    if row.columns and row.adapting is not None:
        numbers |= _compared("adapting", row.adapting)
    if row.oracle:
        numbers |= _scores_of(ORACLE_EPOCH, row.oracle)
    if row.cost is not None:
        numbers |= _costs(row.cost)
    reason = "" if row.columns else "no seed is complete" if row.cost else "no run has finished"
    return Line(
        kind="method" if row.columns else "hole",
        method=row.method,
        condition=row.condition,
        value=row.value,
        place=_place(plan, row.condition, row.value),
        seeds=row.seeds,
        numbers=numbers,
        caveats=tuple(caveats),
        reason=reason,
    )


def _compared(prefix: str, comparison: Comparison) -> dict[str, Number]:
    c = comparison
    return {
        f"{prefix}/uf1_difference": Number(
            text=difference(c.difference),
            value=c.difference,
            small=f"({difference(c.low)} … {difference(c.high)})",
            low=c.low,
            high=c.high,
        ),
        f"{prefix}/p_value": Number(probability(c.p_value), c.p_value),
        f"{prefix}/p_value_corrected": Number(probability(c.corrected), c.corrected, "*" if c.corrected < 0.05 else ""),
    }


def is_below_unadapted(row: Row) -> bool:
    """Return whether a method's UF1 is below that of θ itself, as printed."""
    if not row.unadapted:
        return False
    adapted, unadapted = (round(its[FULL]["uf1"].mean, 3) for its in (row.columns, row.unadapted))
    return adapted < unadapted


def _unadapted(plan: Plan, row: Row) -> Line:
    return Line(
        kind="unadapted",
        method=row.unadapted_name,
        condition=row.condition,
        value=row.value,
        place=_place(plan, row.condition, row.value),
        seeds=row.seeds,
        numbers=_scores(row.unadapted),
    )


def _published(plan: Plan, entry: Published) -> Line:
    numbers = {}
    for column in comparable_columns(plan.corpus):
        for name, value in zip(("uf1", "uar"), entry.scores.get(column, (None, None)), strict=True):
            if value is not None:
                numbers[f"{column}/{name}"] = Number(share(value), value)
    return Line(
        kind="recomputed" if entry.recomputed else "published",
        method=entry.method,
        condition="",
        value=None,
        place=-1,
        seeds=None,
        numbers=numbers,
        caveats=entry.caveats,
        source=entry.source,
    )


def _scores(columns: dict[str, Estimates]) -> dict[str, Number]:
    numbers: dict[str, Number] = {}
    for column, scores in columns.items():
        numbers |= _scores_of(column, scores)
    for name in ("uf1", "accuracy") if columns else ():
        estimate = columns[FULL][name]
        numbers[f"{FULL}/{name}{INTERVAL}"] = Number(bounds(estimate.low, estimate.high), estimate.low)
    return numbers


def _scores_of(column: str, scores: Estimates) -> dict[str, Number]:
    return {f"{column}/{name}": _score(scores[name]) for name in SCORES}


def _score(estimate: Estimate) -> Number:
    deviation = estimate.deviation
    return Number(
        text=share(estimate.mean),
        value=estimate.mean,
        small="" if deviation is None else f"± {share(deviation)}",
        deviation=deviation,
        low=estimate.low,
        high=estimate.high,
    )


def _costs(cost: Cost) -> dict[str, Number]:
    numbers = {
        "parameters": Number(amount(cost.parameters), cost.parameters),
        "multiply_adds": Number(amount(cost.multiply_adds), cost.multiply_adds),
        "training": Number(duration(cost.training), cost.training),
        "adapting": Number(duration(cost.adapting), cost.adapting),
        "predicting": Number(duration(cost.predicting), cost.predicting),
        "peak_memory_mb": Number(f"{cost.peak_memory_mb:.0f} MB", cost.peak_memory_mb),
    }
    if cost.micro_clips is not None:
        numbers["micro_clips"] = Number(amount(cost.micro_clips), cost.micro_clips)
    if cost.macro_clips:
        numbers["macro_clips"] = Number(amount(cost.macro_clips), cost.macro_clips)
    return numbers


def _mark_best(lines: list[Line], columns: tuple[str, ...]) -> list[Line]:
    """Return the lines with the best score of each column and condition marked, as printed, ties included.

    The floor and the oracle epoch are excluded: no method can reach the latter's scores on new people.
    """
    best: dict[tuple[str, str], float] = {}
    keys = [f"{column}/{name}" for column in columns for name in SCORES]
    competing = [line for line in lines if line.kind in ("method", "unadapted")]
    for line in competing:
        for key in keys:
            place = line.condition, key
            best[place] = max(best.get(place, 0.0), _printed(line.numbers[key]))

    def marked(line: Line) -> Line:
        mine = [key for key in keys if _printed(line.numbers[key]) == best[line.condition, key]]
        return replace(line, numbers=line.numbers | {key: replace(line.numbers[key], best=True) for key in mine})

    return [marked(line) if line in competing else line for line in lines]


def _printed(number: Number) -> float:
    return round(number.value or 0.0, 3)


def _place(plan: Plan, condition: str, value: float | None) -> float:
    order = [*plan.table.conditions]
    return value if value is not None else order.index(condition) if condition in order else -1
