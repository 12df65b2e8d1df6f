"""A plot of the page as a Vega-Lite specification, drawn by the page.

Colours are names of CSS variables, ``var(--m0)``: the page defines them for light, dark and print, so that nothing has
to be drawn again. They follow those of Okabe and Ito, which colour-blind readers can tell apart; with more methods than
colours only the best and the baseline stand out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

COLOURS = 6
"""Number of colours for methods and classes."""
REST = "var(--rest)"
"""Colour of all other methods."""


@dataclass(frozen=True)
class Plot:
    """A plot of the page.

    Attributes:
        name: Its id on the page.
        title: Its caption, also for screen readers.
        spec: Vega-Lite.
    """

    name: str
    title: str
    spec: dict[str, Any]


def method_colours(methods: Sequence[str], standing_out: Sequence[str]) -> dict[str, str]:
    """Return the colour of each method, the same in all plots.

    Args:
        methods: Names of all methods.
        standing_out: Methods with the first colours, and the only coloured ones if there are too many methods.
    """
    order = list(dict.fromkeys([*standing_out, *methods]))
    few = len(methods) <= COLOURS
    return {name: f"var(--m{order.index(name)})" if few or name in standing_out else REST for name in methods}


def colour(order: list[str], colours: dict[str, str], legend: bool) -> alt.Color:
    """Return the encoding of methods as colours, with a legend.

    Args:
        order: Names of the methods.
        colours: As ``method_colours``.
        legend: Whether to show the legend.
    """
    shown = [name for name in order if colours[name] != REST]
    return alt.Color(
        "method:N",
        scale=alt.Scale(domain=order, range=[colours[name] for name in order]),
        legend=alt.Legend(
            title=None, orient="top", columns=3, labelLimit=160, values=shown, symbolOpacity=1, symbolType="circle"
        )
        if legend
        else None,
    )


def specification(chart: alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    """Return a chart in the style of the page, with responsive width.

    Args:
        chart: The chart.
        height: Height of the plot area, pixels.
    """
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
