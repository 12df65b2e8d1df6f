"""The report's plots as Vega-Lite specifications, drawn by the page.

Colours are names of CSS variables, ``var(--m0)``: the page says what they are in the light, in the dark and on paper,
and nothing has to be drawn again. They follow those of Okabe and Ito, which colour-blind readers can tell apart; with
more methods than colours only LightmanNet and the baseline stand out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lightmannet.metrics.scores import FULL, ScoreName
from lightmannet.report.summary import Row

_COLOURS = 6
_REST = "var(--rest)"
_NAMES: dict[ScoreName, str] = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Plot:
    """A plot of the page.

    Attributes:
        name: Its id on the page.
        title: What it shows, for the line above it and for readers who do not see it.
        spec: Vega-Lite.
    """

    name: str
    title: str
    spec: dict[str, Any]


def method_colours(methods: Sequence[str], baseline: str) -> dict[str, str]:
    """Return the colour of each method, the same in all plots."""
    own = next((name for name in methods if name.lower().startswith("lightmannet")), None)
    first = list(dict.fromkeys(name for name in (own, baseline or None) if name is not None))
    if len(methods) > _COLOURS:
        return {name: f"var(--m{first.index(name)})" if name in first else _REST for name in methods}
    order = first + [name for name in methods if name not in first]
    return {name: f"var(--m{order.index(name)})" for name in methods}


def interval_plot(rows: Sequence[Row], colours: dict[str, str]) -> Plot:
    """Return the UF1 of each method: its mean, its 95 % interval and its seeds.

    Args:
        rows: Rows of one condition.
        colours: As ``method_colours``.
    """
    whole = [row for row in rows if row.columns]
    means = [
        {
            "method": row.method,
            "mean": (e := row.columns[FULL]["uf1"]).mean,
            "low": e.low,
            "high": e.high,
            "seeds": row.seeds,
        }
        for row in whole
    ]
    seeds = [{"method": row.method, "seed": value} for row in whole for value in row.columns[FULL]["uf1"].values]
    order = [row.method for row in whole]
    y = alt.Y("method:N", sort=order, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False))
    colour = _colour(order, colours, legend=False)
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
            color=colour,
            tooltip=tooltip,
        ),
        alt.Chart(alt.InlineData(values=seeds))
        .mark_tick(thickness=1, size=12, opacity=0.9)
        .encode(x="seed:Q", y=y, color=colour, tooltip=[alt.Tooltip("method:N"), alt.Tooltip("seed:Q", format=".3f")]),
        base.mark_point(filled=True, size=75, opacity=1).encode(x="mean:Q", y=y, color=colour, tooltip=tooltip),
    ]
    return Plot("plot-intervals", "UF1 with 95 % intervals", _spec(alt.layer(*layers), 26 * len(whole)))


def axis_plot(
    rows: Sequence[Row], colours: dict[str, str], axis: str, conditions: Sequence[str], score: ScoreName
) -> Plot:
    """Return a score against what the table varies, with bands of the 95 % interval.

    Args:
        rows: All rows.
        colours: As ``method_colours``.
        axis: What is varied.
        conditions: Names in the table's order; they are the places where conditions have no value.
        score: Which score.
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
    base = alt.Chart(alt.InlineData(values=points)).encode(x=x, color=_colour(order, colours, legend=True))
    name = _NAMES[score]
    y = alt.Scale(zero=False, nice=False, padding=8)
    crowded = len(order) > _COLOURS
    layers = [
        base.mark_area(opacity=0.05 if crowded else 0.13).encode(
            y=alt.Y("low:Q", scale=y, title=name, axis=alt.Axis(tickCount=6)), y2="high:Q"
        ),
        base.mark_line(strokeWidth=2).encode(y="mean:Q", detail="method:N"),
        base.mark_point(filled=True, size=55, opacity=1).encode(
            y="mean:Q", shape=alt.Shape("method:N", sort=order, legend=None), tooltip=tooltip
        ),
    ]
    return Plot(f"plot-axis-{score}", f"{name} against {axis or 'the condition'}", _spec(alt.layer(*layers), 280))


def people_plot(rows: Sequence[Row], baseline: str) -> Plot:
    """Return the share of each person's clips that was recognised, for one method at a time, beside the baseline.

    Args:
        rows: Rows of one condition.
        baseline: Method that the marks show; empty shows none.
    """
    whole = [row for row in rows if row.people]
    beside = {p.subject: p.accuracy for row in whole if row.method == baseline for p in row.people}
    values = [
        {
            "method": row.method,
            "person": person.subject,
            "database": person.subject.split("/", 1)[0],
            "clips": person.clips,
            "right": round(person.accuracy, 4),
            **({"baseline": round(beside[person.subject], 4)} if person.subject in beside else {}),
        }
        for row in whole
        for person in row.people
    ]
    names = [row.method for row in whole]
    start = next((name for name in names if name.lower().startswith("lightmannet")), names[0])
    databases = sorted({str(value["database"]) for value in values})
    picked = alt.param(name="method", value=start, bind=alt.binding_select(options=names, name="method "))
    sort = alt.EncodingSortField(field="right", op="max", order="descending")
    tooltip = [
        alt.Tooltip("person:N"),
        alt.Tooltip("clips:Q"),
        alt.Tooltip("right:Q", format=".0%", title="recognised"),
        *([alt.Tooltip("baseline:Q", format=".0%", title=baseline)] if beside else []),
    ]
    base = (
        alt.Chart(alt.InlineData(values=values))
        .transform_filter("datum.method == method")
        .encode(
            x=alt.X(
                "person:N",
                sort=sort,
                title=f"{len({value['person'] for value in values})} people, best first",
                axis=alt.Axis(labels=False, ticks=False),
            ),
            tooltip=tooltip,
        )
    )
    bars = base.mark_bar().encode(
        y=alt.Y("right:Q", title="recognised", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color(
            "database:N",
            scale=alt.Scale(domain=databases, range=[f"var(--d{i % 4})" for i in range(len(databases))]),
            legend=alt.Legend(title=None, orient="top") if len(databases) > 1 else None,
        ),
    )
    ticks = base.mark_tick(color="var(--ink)", thickness=2).encode(y="baseline:Q")
    chart = alt.layer(bars, ticks) if beside else alt.layer(bars)
    return Plot("plot-people", "Recognised clips of each person", _spec(chart.add_params(picked), 220))


def curve_plots(rows: Sequence[Row], colours: dict[str, str]) -> list[Plot]:
    """Return the training loss of each method over epochs, with a band from the least to the largest run.

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
        plots.append(Plot(f"plot-curve-{number}", row.method, _spec(alt.layer(band, line), 110)))
    return plots


def embedding_plots(embedding: dict[str, Any], classes: Sequence[str]) -> list[Plot]:
    """Return a task's micro- and macro-expressions in one plane, before and after the inner loop.

    Args:
        embedding: As ``embedding.alignment_embedding`` gives it.
        classes: Names of the classes.
    """
    points = [{**point, "label": classes[point["label"]]} for point in embedding["points"]]
    names = list(dict.fromkeys(str(point["label"]) for point in points))
    plots = []
    for state in ("before", "after"):
        axes = {
            name: alt.Scale(domain=[min(p[name] for p in points), max(p[name] for p in points)], nice=False, padding=12)
            for name in ("x", "y")
        }
        quiet = alt.Axis(labels=False, ticks=False, grid=False)
        chart = (
            alt.Chart(alt.InlineData(values=[point for point in points if point["state"] == state]))
            .mark_point(filled=True, size=75, opacity=0.8)
            .encode(
                x=alt.X("x:Q", scale=axes["x"], axis=quiet, title="first principal component"),
                y=alt.Y("y:Q", scale=axes["y"], axis=quiet, title="second"),
                color=alt.Color(
                    "label:N",
                    scale=alt.Scale(domain=names, range=[f"var(--m{i % _COLOURS})" for i in range(len(names))]),
                    legend=alt.Legend(title=None, orient="top"),
                ),
                shape=alt.Shape(
                    "kind:N",
                    scale=alt.Scale(domain=["micro", "macro"], range=["circle", "square"]),
                    legend=None,  # the page says it: two legends side by side do not fit on a phone
                ),
                tooltip=[alt.Tooltip("label:N", title="class"), alt.Tooltip("kind:N")],
            )
        )
        title = f"{state} the inner loop: mean cosine distance {embedding[state]:.3f}"
        plots.append(Plot(f"plot-embedding-{state}", title.capitalize(), _spec(alt.layer(chart), 260)))
    return plots


def cost_plots(rows: Sequence[Row], colours: dict[str, str]) -> list[Plot]:
    """Return UF1 against multiply-adds of a forward pass, and against the time of training.

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
        ("multiply_adds", "multiply-adds of one clip", ".3~s"),
        ("training", "training, seconds a fold", "~g"),
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
            color=_colour(order, colours, legend=False),
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
                alt.FieldOneOfPredicate("method", [method for method in order if colours[method] != _REST])
            )
        )
        layers.append(labelled.mark_text(align="center", dy=-12, fontSize=11).encode(text="method:N"))
        plots.append(Plot(f"plot-cost-{name}", f"UF1 against {title}", _spec(alt.layer(*layers), 260)))
    return plots


def _colour(order: list[str], colours: dict[str, str], legend: bool) -> alt.Color:
    shown = [name for name in order if colours[name] != _REST]
    return alt.Color(
        "method:N",
        scale=alt.Scale(domain=order, range=[colours[name] for name in order]),
        legend=alt.Legend(
            title=None, orient="top", columns=3, labelLimit=160, values=shown, symbolOpacity=1, symbolType="circle"
        )
        if legend
        else None,
    )


def _spec(chart: alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    chart = chart.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        background="transparent",
    ).configure(
        font="system-ui, sans-serif",
        axis=alt.AxisConfig(
            labelColor="var(--muted)",
            titleColor="var(--muted)",
            titleFontWeight="normal",
            labelFontSize=11,
            gridColor="var(--line)",
            domainColor="var(--line)",
            tickColor="var(--line)",
        ),
        legend=alt.LegendConfig(labelColor="var(--ink)", labelFontSize=12, symbolStrokeWidth=3),
        view=alt.ViewConfig(stroke=None),
    )
    return chart.to_dict()
