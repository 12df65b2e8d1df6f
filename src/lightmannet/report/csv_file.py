"""A table as CSV: one line per number, with all details."""

import csv
import io

from lightmannet.report.table_model import TableModel

_HEADINGS = (
    *("method", "condition", "value", "column", "seeds", "score"),
    *("mean", "standard_deviation", "low", "high", "best", "source", "caveats"),
)


def csv_text(model: TableModel) -> str:
    """Return scores by column, comparisons, costs (without a column) and published scores.

    Args:
        model: The table.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    columns = [*model.columns, *model.details, *model.cost_columns]
    keys = dict.fromkeys(column.key for column in columns if not column.is_interval)
    for line in model.lines:
        value = "" if line.value is None else f"{line.value:g}"
        seeds = "" if line.seeds is None else str(line.seeds)
        source = "" if line.source is None else str(line.source)
        caveats = " ".join(caveat.text for caveat in line.caveats)
        for key in keys:
            number = line.numbers.get(key)
            if number is None or number.value is None:
                continue
            column, _, score = key.rpartition("/")
            spread = map(_number, (number.value, number.deviation, number.low, number.high))
            best = "yes" if number.best else ""
            writer.writerow([line.method, line.condition, value, column, seeds, score, *spread, best, source, caveats])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.6f}"
