"""Finished results as a pandas frame."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lightmannet.errors import ConfigurationError, LightmanNetError

if TYPE_CHECKING:
    from pandas import DataFrame


def results(folder: str | Path) -> "DataFrame":
    """Return the answers of a table, or of a run that ``lightning predict`` was asked for, a row per tested clip.

    Columns of a table: ``method``, ``condition``, ``fold``, ``seed``, ``clip``, ``subject``, ``label``, ``prediction``
    and ``probability_0`` and so on; where clips are recognised in several tasks also ``episode``. A run has no first
    four. Labels are numbers, in the order of the corpus's classes.

    Args:
        folder: Folder of a table's results, e.g. ``results/synthetic-kfold``, or of a run with ``predictions.csv``.

    Raises:
        ConfigurationError: The folder holds no results.
        LightmanNetError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise LightmanNetError("Results as a frame need pandas: pip install pandas.") from error
    predictions = Path(folder) / "predictions.csv"
    if predictions.is_file():
        return pandas.read_csv(predictions)
    rows = [row for path in sorted(Path(folder).glob("cells/**/*.json")) for row in _rows(path)]
    if not rows:
        raise ConfigurationError(
            f"{folder}: there are no results (cells/ or predictions.csv). Give the folder that `lightmannet table` or "
            "`lightning predict` wrote."
        )
    return pandas.DataFrame(rows)


def _rows(path: Path) -> list[dict[str, object]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    run = {name: content[name] for name in ("method", "condition", "fold", "seed")}
    found = []
    for answer in content["answers"]:
        probabilities = answer["probabilities"]
        row = {**run, "clip": answer["clip"], "subject": answer["clip"].rsplit("/", 1)[0], "label": answer["label"]}
        row |= {"prediction": max(range(len(probabilities)), key=probabilities.__getitem__)}
        row |= {f"probability_{number}": value for number, value in enumerate(probabilities)}
        found.append(row if answer.get("episode") is None else {**row, "episode": answer["episode"]})
    return found
