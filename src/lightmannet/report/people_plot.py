"""The plot of accuracy per person."""

from collections.abc import Sequence

import altair as alt

from lightmannet.report.plot import Plot, specification
from lightmannet.report.rows import Row


def people_plot(rows: Sequence[Row], baseline: str, start: str) -> Plot:
    """Return the plot of accuracy per person, for one method at a time, next to the baseline.

    Args:
        rows: Rows of one condition.
        baseline: Method shown as marks; empty for none.
        start: Method that is shown first.
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
    databases = sorted({str(value["database"]) for value in values})
    picked = alt.param(
        name="method",
        value=start if start in names else names[0],
        bind=alt.binding_select(options=names, name="method "),
    )
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
    return Plot("plot-people", "Recognised clips of each person", specification(chart.add_params(picked), 220))
