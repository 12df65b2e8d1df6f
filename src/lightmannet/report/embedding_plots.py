"""Plots of micro- and macro-expressions in one plane, before and after adapting."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lightmannet.report.plot import COLOURS, Plot, specification


def embedding_plots(embedding: dict[str, Any], classes: Sequence[str]) -> list[Plot]:
    """Return a task's micro- and macro-expressions in one plane, before and after the inner loop.

    Args:
        embedding: Result of ``embedding.alignment_embedding``.
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
        hidden = alt.Axis(labels=False, ticks=False, grid=False)
        chart = (
            alt.Chart(alt.InlineData(values=[point for point in points if point["state"] == state]))
            .mark_point(filled=True, size=75, opacity=0.8)
            .encode(
                x=alt.X("x:Q", scale=axes["x"], axis=hidden, title="first principal component"),
                y=alt.Y("y:Q", scale=axes["y"], axis=hidden, title="second"),
                color=alt.Color(
                    "label:N",
                    scale=alt.Scale(domain=names, range=[f"var(--m{i % COLOURS})" for i in range(len(names))]),
                    legend=alt.Legend(title=None, orient="top"),
                ),
                shape=alt.Shape(
                    "kind:N",
                    scale=alt.Scale(domain=["micro", "macro"], range=["circle", "square"]),
                    legend=None,  # the page has one; two legends side by side do not fit on a phone
                ),
                tooltip=[alt.Tooltip("label:N", title="class"), alt.Tooltip("kind:N")],
            )
        )
        title = f"{state} the inner loop: mean cosine distance {embedding[state]:.3f}"
        plots.append(Plot(f"plot-embedding-{state}", title.capitalize(), specification(alt.layer(chart), 260)))
    return plots
