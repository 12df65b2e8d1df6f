"""How often each facial action unit (AU) goes with each emotion: real frequencies from posed macro-expressions.

``action_units.csv`` holds, for the seven emotions of CK+ (the extended Cohn-Kanade database, 327 sequences with an
emotion, 118 subjects), the fraction of that emotion's sequences which show each of 23 action units, rounded to four
decimals, and the number of sequences. It was computed from ``data/emotions_set.RData`` of the R package NetFACS
(github.com/NetFACS/NetFACS, Apache-2.0). Only the table of frequencies is here; no sequence, no subject, no image.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from lightmannet.errors import DataError, faults_message

TABLE = Path(__file__).with_name("action_units.csv")


@dataclass(frozen=True)
class ActionUnitTable:
    """Frequencies of action units given an emotion.

    Attributes:
        emotions: Emotion of each row.
        units: FACS number of each column, e.g. 12 for the lip corner puller.
        frequencies: Fraction of the emotion's sequences that show the unit, 0..1.
        sequences: Number of sequences behind each row.
    """

    emotions: tuple[str, ...]
    units: tuple[int, ...]
    frequencies: Float64[np.ndarray, "emotion unit"]
    sequences: Int64[np.ndarray, " emotion"]

    def frequency(self, emotion: str, unit: int) -> float:
        """Return the fraction of ``emotion``'s sequences that show action unit ``unit``."""
        return float(self.frequencies[self.emotions.index(emotion), self.units.index(unit)])


def read_action_units(path: Path = TABLE) -> ActionUnitTable:
    """Return the table of frequencies in ``path``, by default the one shipped with the package.

    Lines that start with ``#`` are comments; the first other line is ``emotion,sequences,AU<number>,…``.

    Raises:
        DataError: The file is missing or malformed, or a frequency is outside [0, 1]; the message names the rows.
    """
    if not path.is_file():
        raise DataError(f"{path}: not found. The table is part of the package, so reinstall the package")
    numbered = [(number, line) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)]
    rows = [(number, line.split(",")) for number, line in numbered if line.strip() and not line.startswith("#")]
    header = rows[0][1] if rows else []
    if header[:2] != ["emotion", "sequences"] or not all(_is_unit(name) for name in header[2:]) or len(rows) < 2:
        raise DataError(f"{path}: expected a header 'emotion,sequences,AU1,…' and one row per emotion; found {header}")
    faults = [fault for number, cells in rows[1:] if (fault := _fault(number, cells, len(header)))]
    if faults:
        raise DataError(faults_message(str(path), faults))
    return ActionUnitTable(
        emotions=tuple(cells[0] for _, cells in rows[1:]),
        units=tuple(int(name[2:]) for name in header[2:]),
        frequencies=np.array([[float(cell) for cell in cells[2:]] for _, cells in rows[1:]], dtype=np.float64),
        sequences=np.array([int(cells[1]) for _, cells in rows[1:]], dtype=np.int64),
    )


def _is_unit(name: str) -> bool:
    return name.startswith("AU") and name[2:].isdecimal()


def _fault(number: int, cells: list[str], expected: int) -> str | None:
    """Return what is wrong with one row, or None."""
    if len(cells) != expected:
        return f"line {number}: expected {expected} cells, found {len(cells)}"
    if not cells[1].isdecimal():
        return f"line {number}: expected a number of sequences, found {cells[1]!r}"
    for cell in cells[2:]:
        try:
            fits = 0.0 <= float(cell) <= 1.0
        except ValueError:
            fits = False
        if not fits:
            return f"line {number}: expected frequencies in [0, 1], found {cell!r}"
    return None
