"""Corrections of known errors in official annotations: ``corrections/<database>.yaml``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from data_modules.annotations import Annotation, Place, Report, whole_number
from data_modules.databases.sheets import CellValue, describe
from lightmannet.errors import DataError

FOLDER = Path(__file__).with_name("corrections")
_COLUMNS = ("onset", "apex", "offset", "emotion", "action_units", "objective_class")


@dataclass(frozen=True)
class Correction:
    """One wrong value in an official file.

    Attributes:
        subject: As ``Annotation.subject``.
        clip: As ``Annotation.clip``.
        onset: Onset in the file, even if it is the onset that is wrong.
        column: Column to correct.
        old: Value in the file; ``any`` if it is not known, so that everything but ``new`` is replaced.
        new: Value to use.
        reason: Why, and by whom it was found.
    """

    subject: str
    clip: str
    onset: int
    column: Literal["onset", "apex", "offset", "emotion", "action_units", "objective_class"]
    old: int | str | None
    new: int | str | None
    reason: str


def read_corrections(database: str, folder: Path = FOLDER) -> list[Correction]:
    """Return the corrections of a database; none if it has no file.

    Args:
        database: Short name of the database.
        folder: Folder of the files.

    Raises:
        DataError: The file is not a list of corrections.
    """
    path = folder / f"{database}.yaml"
    if not path.is_file():
        return []
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        corrections = [Correction(**entry) for entry in entries]
    except (yaml.YAMLError, TypeError, ValueError, OSError) as error:
        raise DataError(f"{path.name}: not a list of corrections ({error}); see corrections.py for the keys") from error
    for correction in corrections:
        if correction.column not in _COLUMNS:
            raise DataError(f"{path.name}: column {correction.column!r} is unknown; one of {', '.join(_COLUMNS)}")
        key = (correction.subject, correction.clip, correction.onset)
        if tuple(map(type, key)) != (str, str, int):
            expected = "text for subject and clip and a whole number for onset are expected; put text in quotes"
            raise DataError(f"{path.name}: {key}: {expected}")
    return corrections


def correct(annotations: list[Annotation], corrections: list[Correction], report: Report) -> list[Annotation]:
    """Return the annotations with known errors corrected.

    Args:
        annotations: As read.
        corrections: What to correct.
        report: Collects notes about the corrections that were applied and those that were not.
    """
    corrected = list(annotations)
    # Keys are onsets in the file, so that all corrections of a clip find it even after its onset was corrected.
    rows: dict[tuple[str, str, int | None], list[int]] = {}
    for index, annotation in enumerate(annotations):
        rows.setdefault((annotation.subject, annotation.clip, whole_number(annotation.onset)), []).append(index)
    for correction in corrections:
        column, old, new = correction.column, correction.old, correction.new
        name = f"{column} of {correction.subject}/{correction.clip}, onset {correction.onset},"
        found = rows.get((correction.subject, correction.clip, correction.onset), [])
        if not found:
            report.note("corrections", f"{name} is not corrected: no such clip")
        for index in found:
            annotation = corrected[index]
            value = getattr(annotation, column)
            if _same(value, old) or (old == "any" and not _same(value, new)):
                report.note(annotation.source, f"{name} corrected from {describe(value)} to {new}: {correction.reason}")
                changes: dict[str, Any] = {column: new}
                corrected[index] = replace(annotation, **changes)
            elif _same(value, new):
                report.note(
                    annotation.source, f"{name} already has the new value {new}, so its correction no longer applies"
                )
            else:
                report.note(
                    annotation.source, f"{name} has {describe(value)}, not {old}, so its correction no longer applies"
                )
    return corrected


def _same(value: CellValue | Place, other: int | str | None) -> bool:
    number = whole_number(value)
    return value == other if number is None else number == whole_number(other)
