"""Plots of a sweep: the score over trials, the importance of each option, and the score by value."""

from pathlib import Path
from typing import Any

from lightmannet.files import write_atomically, write_bytes_atomically

_PANELS = 6
"""Number of options with a panel of their own: the most important ones."""


def write_plots(
    folder: Path,
    metric: str,
    maximize: bool,
    history: list[tuple[int, float]],
    values: list[tuple[float, dict[str, Any]]],
    importances: dict[str, float],
    logarithmic: set[str],
) -> None:
    """Write ``sweep.png`` and a self-contained ``sweep.html``.

    Args:
        folder: Folder for both files.
        metric: Name of the score.
        maximize: Whether more is better.
        history: Number and score of each trial.
        values: Score and options of each trial.
        importances: Importance of each option, summing to 1; may be empty.
        logarithmic: Options that are shown on a logarithmic scale.
    """
    import altair
    import vl_convert

    chart = altair.vconcat(
        _history(metric, maximize, history),
        *([_importances(importances)] if importances else []),
        _panels(metric, values, importances, logarithmic),
    ).properties(title=altair.TitleParams(f"{metric} of validation people", anchor="start"))
    spec = chart.to_json()
    write_bytes_atomically(folder / "sweep.png", vl_convert.vegalite_to_png(spec, scale=2))
    write_atomically(folder / "sweep.html", vl_convert.vegalite_to_html(spec, bundle=True))


def _history(metric: str, maximize: bool, history: list[tuple[int, float]]) -> Any:
    import altair

    best, rows = history[0][1], []
    for number, score in history:
        best = max(best, score) if maximize else min(best, score)
        rows.append({"trial": number, "score": score, "best": best})
    base = altair.Chart(altair.Data(values=rows)).encode(x=altair.X("trial:Q", axis=altair.Axis(tickMinStep=1)))
    axis = altair.Y("score:Q", title=metric, scale=altair.Scale(zero=False))
    line = base.mark_line(interpolate="step-after", color="#c44").encode(y=altair.Y("best:Q", title=metric))
    points = base.mark_circle(size=45).encode(y=axis, tooltip=["trial:Q", "score:Q"])
    return (points + line).properties(width=560, height=170, title="Each trial, and the best so far (line)")


def _importances(importances: dict[str, float]) -> Any:
    import altair

    rows = [{"option": _short(name), "share": share} for name, share in importances.items()]
    chart = altair.Chart(altair.Data(values=rows)).mark_bar()
    encoded = chart.encode(
        x=altair.X("share:Q", title="share", axis=altair.Axis(format="%")),
        y=altair.Y("option:N", sort="-x", title=None, axis=altair.Axis(labelLimit=240)),
    )
    return encoded.properties(width=560, title="Importance of each option for being among the best trials (PED-ANOVA)")


def _panels(
    metric: str, values: list[tuple[float, dict[str, Any]]], importances: dict[str, float], logarithmic: set[str]
) -> Any:
    import altair

    names = [*importances, *(name for name in values[0][1] if name not in importances)][:_PANELS]
    panels = []
    for name in names:
        rows = [{"value": params[name], "score": score} for score, params in values if name in params]
        numbers = all(isinstance(row["value"], int | float) and not isinstance(row["value"], bool) for row in rows)
        scale = altair.Scale(type="log" if name in logarithmic else "linear", zero=False)
        x = (
            altair.X("value:Q", title=None, scale=scale, axis=altair.Axis(tickCount=4))
            if numbers
            else altair.X("value:N", title=None, axis=altair.Axis(labelAngle=0))
        )
        y = altair.Y("score:Q", title=metric, scale=altair.Scale(zero=False))
        chart = altair.Chart(altair.Data(values=rows)).mark_circle(size=45, opacity=0.7).encode(x=x, y=y)
        panels.append(chart.properties(width=150, height=120, title=_short(name)))
    return altair.concat(*panels, columns=3)


def _short(name: str) -> str:
    """Return an option's name without common parts."""
    return ".".join(
        part for part in name.split(".") if part not in ("model", "data", "init_args", "network", "trainer")
    )
