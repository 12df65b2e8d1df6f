"""A table in Markdown."""

from collections.abc import Iterable

from lightmannet.report.table_model import Column, Line, Number, TableModel


def markdown(title: str, model: TableModel, footnotes: list[str], comparability: str) -> str:
    """Return the table, its footnotes, and published scores in a table of their own.

    Args:
        title: Headline.
        model: The table.
        footnotes: Sentences below the table.
        comparability: How published scores differ from ours; empty without published scores.
    """
    head = ["method", *([model.axis] if model.axis else []), *(_heading(column) for column in model.columns)]
    lines = [f"### {title}", "", *_table(head, (_own_cells(model, line) for line in model.own_lines)), ""]
    lines += [note.replace("Synthetic clips", "**Synthetic** clips", 1) for note in footnotes]
    return "\n".join([*lines, *_published(model, comparability)])


def _heading(column: Column) -> str:
    return f"{column.group}: {column.heading}" if column.group else column.heading


def _own_cells(model: TableModel, line: Line) -> list[str]:
    start = [line.name, *([line.condition] if model.axis else [])]
    if line.reason:
        return [*start, line.reason, *[""] * (len(model.columns) - 1)]
    return [*start, *(_written(line.numbers.get(column.key)) for column in model.columns)]


def _written(number: Number | None) -> str:
    if number is None:
        return ""
    text = f"**{number.text}**" if number.best else number.text
    small = number.small.replace("*", r"\*")  # no emphasis
    return f"{text} {small}" if small else text


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [_row(head), "|---" * len(head) + "|", *(_row(row) for row in rows)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _published(model: TableModel, comparability: str) -> list[str]:
    if not model.published_lines:
        return []
    keys = {key for line in model.published_lines for key in line.numbers}
    columns = [column for column in model.columns if column.key in keys]
    rows = []
    for line in model.published_lines:
        assert line.source is not None
        cells = [line.numbers[c.key].text if c.key in line.numbers else "–" for c in columns]
        labels = ", ".join(caveat.label for caveat in line.caveats)
        rows.append([line.method, *cells, line.source.text, labels])
    head = ["published method", *(_heading(column) for column in columns), "read in", "caveats"]
    found = [f"- {source.text}: {source.address}." for source in model.sources if source.address is not None]
    explained = [f"- *{caveat.label}*: {caveat.text}" for caveat in model.published_caveats]
    return ["", "#### Published", "", comparability, "", *_table(head, rows), "", *explained, *found]
