"""Plots of training: losses over epochs, and scores against costs."""

from collections.abc import Sequence

import altair as alt

from lightmannet.metrics.scores import FULL
from lightmannet.report.plot import REST, Plot, colour, specification
from lightmannet.report.rows import Row


def curve_plots(rows: Sequence[Row], colours: dict[str, str]) -> list[Plot]:
    """Return the training loss of each method over epochs, with a band from the smallest to the largest run.

    Args:
        rows: Rows of one condition.
        colours: As ``method_colours``.
    """
    plots = []
    for number, row in enumerate(row for row in rows if row.curve):
        base = alt.Chart(alt.InlineData(values=[vars(point) for point in row.curve])).encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickCount=4, format="d"), scale=alt.Scale(nice=False))
        )
        band = base.mark_area(opacity=0.18, color=colours[row.method]).encode(
            y=alt.Y("low:Q", title="loss", axis=alt.Axis(tickCount=3)), y2="high:Q"
        )
        line = base.mark_line(strokeWidth=2, color=colours[row.method]).encode(
            y="mean:Q",
            tooltip=[alt.Tooltip("epoch:Q"), *(alt.Tooltip(f"{n}:Q", format=".3f") for n in ("mean", "low", "high"))],
        )
        plots.append(Plot(f"plot-curve-{number}", row.method, specification(alt.layer(band, line), 110)))
    return plots


def cost_plots(rows: Sequence[Row], colours: dict[str, str]) -> list[Plot]:
    """Return UF1 against multiply-adds of a forward pass, and against training time.

    Args:
        rows: Rows of one condition.
        colours: As ``method_colours``.
    """
    values = [
        {
            "method": row.method,
            "uf1": (e := row.columns[FULL]["uf1"]).mean,
            "low": e.low,
            "high": e.high,
            "multiply_adds": row.cost.multiply_adds,
            "training": row.cost.training,
        }
        for row in rows
        if row.columns and row.cost is not None
    ]
    order = [str(value["method"]) for value in values]
    few = len(order) <= 8
    plots = []
    for name, title, form in (
        ("multiply_adds", "multiply-adds per clip", ".3~s"),
        ("training", "training, seconds per fold", "~g"),
    ):
        base = alt.Chart(alt.InlineData(values=[v for v in values if v[name]])).encode(
            x=alt.X(
                f"{name}:Q",
                title=title,
                scale=alt.Scale(type="log", nice=False, padding=50),
                axis=alt.Axis(format=form, tickCount=4, labelOverlap=True, grid=False),
            ),
            y=alt.Y(
                "uf1:Q", title="UF1", scale=alt.Scale(zero=False, nice=False, padding=24), axis=alt.Axis(tickCount=5)
            ),
            color=colour(order, colours, legend=False),
            tooltip=[
                alt.Tooltip("method:N"),
                *(alt.Tooltip(f"{n}:Q", format=".3f") for n in ("uf1", "low", "high")),
                alt.Tooltip(f"{name}:Q", format=".3s", title=title),
            ],
        )
        layers = [base.mark_point(filled=True, size=80, opacity=1)]
        labelled = (
            base
            if few
            else base.transform_filter(
                alt.FieldOneOfPredicate("method", [method for method in order if colours[method] != REST])
            )
        )
        layers.append(labelled.mark_text(align="center", dy=-12, fontSize=11).encode(text="method:N"))
        plots.append(Plot(f"plot-cost-{name}", f"UF1 against {title}", specification(alt.layer(*layers), 260)))
    return plots
