"""The printed table for all formats (Markdown, CSV, LaTeX, page): columns, lines and numbers."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from lightmannet.report.published import Caveat, Publication

BELOW_UNADAPTED = Caveat(
    "below no adaptation", "Its UF1 is below that of its own row without adaptation: adapting made it worse."
)
DAGGER = "†"
"""Mark for ``BELOW_UNADAPTED`` in tables without caveats."""
INTERVAL = "_interval"
"""Suffix of the keys of columns with the interval of another column's number."""

LineKind = Literal["floor", "method", "unadapted", "hole", "published", "recomputed"]


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        group: Heading above those of neighbouring columns; empty for none.
        heading: Heading of the column itself.
        key: Its content as ``column/score`` (``Full/uf1``), or the name of a cost (``training``).
    """

    group: str
    heading: str
    key: str

    @property
    def is_interval(self) -> bool:
        """Whether it shows the interval of another column's number."""
        return self.key.endswith(INTERVAL)


@dataclass(frozen=True)
class Number:
    """A number of the table.

    Attributes:
        text: Printed text.
        value: Value for sorting; None without a number.
        small: Small text after it: standard deviation, interval or a mark of significance.
        best: Whether it is the best of its column, ties included.
        deviation: Standard deviation over seeds.
        low: Lower end of its interval.
        high: Upper end.
    """

    text: str
    value: float | None
    small: str = ""
    best: bool = False
    deviation: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        kind: Ours: the floor, a method, the same without adaptation, or one without scores; or published scores.
        method: Name of the method.
        condition: Name of the condition; empty where there is none.
        value: Position of the condition on the table's axis, or None.
        place: Sort key of the condition.
        seeds: Number of seeds; None for published scores.
        numbers: Numbers by the key of their column; columns without a number are absent.
        caveats: Caveats about the line.
        source: Source of published scores.
        reason: Why there are no scores; empty with scores.
    """

    kind: LineKind
    method: str
    condition: str
    value: float | None
    place: float
    seeds: int | None
    numbers: dict[str, Number]
    caveats: tuple[Caveat, ...] = ()
    source: Publication | None = None
    reason: str = ""

    @property
    def is_published(self) -> bool:
        """Whether it is published by others."""
        return self.kind in ("published", "recomputed")

    @property
    def has_costs(self) -> bool:
        """Whether costs were measured."""
        return "parameters" in self.numbers

    @property
    def name(self) -> str:
        """The method's name with marks, for tables without caveats."""
        marks = [DAGGER if caveat == BELOW_UNADAPTED else f"({caveat.label})" for caveat in self.caveats]
        return " ".join([self.method, *marks])


@dataclass(frozen=True)
class TableModel:
    """The printed table.

    Attributes:
        axis: Heading of the conditions; empty for a table without them.
        columns: Columns of the table of scores, in order.
        cost_columns: Columns of the page's table of costs.
        details: Columns of the CSV only.
        lines: Our lines, then published ones.
    """

    axis: str
    columns: tuple[Column, ...]
    cost_columns: tuple[Column, ...]
    details: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def groups(self) -> list[tuple[str, list[Column]]]:
        """Return neighbouring columns of one group together."""
        groups: list[tuple[str, list[Column]]] = []
        for column in self.columns:
            if groups and groups[-1][0] == column.group:
                groups[-1][1].append(column)
            else:
                groups.append((column.group, [column]))
        return groups

    @property
    def own_lines(self) -> list[Line]:
        """Return the lines of this table's own runs."""
        return [line for line in self.lines if not line.is_published]

    @property
    def published_lines(self) -> list[Line]:
        """Return the lines of published scores."""
        return [line for line in self.lines if line.is_published]

    @property
    def sources(self) -> dict[Publication, list[str]]:
        """Return each source once, in order, with its methods."""
        sources: defaultdict[Publication, list[str]] = defaultdict(list)
        for line in self.published_lines:
            if line.source is not None:
                sources[line.source].append(line.method)
        return dict(sources)

    @property
    def published_caveats(self) -> dict[Caveat, list[str]]:
        """Return each caveat about published scores once, in order, with its methods."""
        caveats: defaultdict[Caveat, list[str]] = defaultdict(list)
        for line in self.published_lines:
            for caveat in line.caveats:
                caveats[caveat].append(line.method)
        return dict(caveats)
