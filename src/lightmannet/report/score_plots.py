"""Plots of scores: each method's interval, or a score against the table's condition."""

from collections.abc import Sequence

import altair as alt

from lightmannet.metrics.scores import FULL, ScoreName
from lightmannet.report.plot import COLOURS, Plot, colour, specification
from lightmannet.report.rows import Row

_NAMES: dict[ScoreName, str] = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}


def interval_plot(rows: Sequence[Row], colours: dict[str, str]) -> Plot:
    """Return the UF1 of each method, also without adaptation: its mean, its 95 % interval and its seeds.

    Args:
        rows: Rows of one condition.
        colours: As ``method_colours``.
    """
    scored = [
        (name, columns[FULL]["uf1"], row.seeds)
        for row in rows
        for name, columns in ((row.method, row.columns), (row.unadapted_name, row.unadapted))
        if columns
    ]
    means = [
        {"method": name, "mean": score.mean, "low": score.low, "high": score.high, "seeds": seeds}
        for name, score, seeds in scored
    ]
    seeds = [{"method": name, "seed": value} for name, score, _ in scored for value in score.values]
    colours = colours | {row.unadapted_name: colours[row.method] for row in rows}
    order = [name for name, _, _ in scored]
    y = alt.Y("method:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False))
    hue = colour(order, colours, legend=False)
    tooltip = [
        alt.Tooltip("method:N"),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")),
        alt.Tooltip("seeds:Q"),
    ]
    x = alt.Scale(zero=False, nice=False, padding=12)
    base = alt.Chart(alt.InlineData(values=means))
    layers = [
        base.mark_rule(strokeWidth=3, opacity=0.45).encode(
            x=alt.X("low:Q", scale=x, title="UF1", axis=alt.Axis(tickCount=8)),
            x2="high:Q",
            y=y,
            color=hue,
            tooltip=tooltip,
        ),
        alt.Chart(alt.InlineData(values=seeds))
        .mark_tick(thickness=1, size=12, opacity=0.9)
        .encode(x="seed:Q", y=y, color=hue, tooltip=[alt.Tooltip("method:N"), alt.Tooltip("seed:Q", format=".3f")]),
        base.mark_point(filled=True, size=75, opacity=1).encode(x="mean:Q", y=y, color=hue, tooltip=tooltip),
    ]
    return Plot("plot-intervals", "UF1 with 95 % intervals", specification(alt.layer(*layers), 26 * len(scored)))


def axis_plot(
    rows: Sequence[Row], colours: dict[str, str], axis: str, conditions: Sequence[str], score: ScoreName
) -> Plot:
    """Return the plot of a score against the table's condition, with bands of the 95 % interval.

    Args:
        rows: All rows.
        colours: As ``method_colours``.
        axis: Title of the axis.
        conditions: Names in the table's order; used as positions if conditions have no values.
        score: Name of the score.
    """
    ordered = all(row.value is not None for row in rows)
    points = [
        {
            "method": row.method,
            "condition": row.condition,
            "place": row.value if ordered else row.condition,
            "mean": (e := row.columns[FULL][score]).mean,
            "low": e.low,
            "high": e.high,
        }
        for row in rows
        if row.columns
    ]
    order = list(dict.fromkeys(row.method for row in rows))
    x = (
        alt.X(
            "place:Q",
            title=axis,
            scale=alt.Scale(zero=False, nice=False, padding=14),
            axis=alt.Axis(values=sorted({row.value for row in rows if row.value is not None}), labelOverlap=True),
        )
        if ordered
        else alt.X("place:N", title=axis or None, sort=list(conditions), axis=alt.Axis(labelAngle=-30))
    )
    tooltip = [
        alt.Tooltip("method:N"),
        alt.Tooltip("condition:N", title=axis or "condition"),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high")),
    ]
    base = alt.Chart(alt.InlineData(values=points)).encode(x=x, color=colour(order, colours, legend=True))
    name = _NAMES[score]
    y = alt.Scale(zero=False, nice=False, padding=8)
    crowded = len(order) > COLOURS
    layers = [
        base.mark_area(opacity=0.05 if crowded else 0.13).encode(
            y=alt.Y("low:Q", scale=y, title=name, axis=alt.Axis(tickCount=6)), y2="high:Q"
        ),
        base.mark_line(strokeWidth=2).encode(y="mean:Q", detail="method:N"),
        base.mark_point(filled=True, size=55, opacity=1).encode(
            y="mean:Q", shape=alt.Shape("method:N", sort=order, legend=None), tooltip=tooltip
        ),
    ]
    return Plot(
        f"plot-axis-{score}", f"{name} against {axis or 'the condition'}", specification(alt.layer(*layers), 280)
    )
