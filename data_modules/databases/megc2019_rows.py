"""The csv of the MEGC2019 flow images: which clips there are, and of which classes."""

import csv
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_modules.corpus import CLASSES
from data_modules.databases.tree import inside

ROOT_VARIABLE = "MEGC2019_ROOT"
TABLE = "combined_3_class2_for_optical_flow.csv"

_COLUMNS = ("dataset", "sub", "filename_o", "label")
_LABELS = {"0": 0, "1": 1, "2": 2}
HELP = (
    "Clone the GitHub repository wangzhifengharrison/HTNet and give the clone's folder, as the environment variable "
    f"{ROOT_VARIABLE} or as `root:` in the configuration."
)


@dataclass(frozen=True)
class KnownCounts:
    """Size of a complete database.

    Attributes:
        clips: Clips per class, in the order of ``CLASSES``.
        subjects: Number of subjects.
    """

    clips: tuple[int, ...]
    subjects: int

    def __str__(self) -> str:
        classes = ", ".join(f"{count} {name}" for name, count in zip(CLASSES, self.clips, strict=True))
        return f"{sum(self.clips)} clips ({classes}) of {self.subjects} subjects"


KNOWN_COUNTS = {
    "casme2": KnownCounts(clips=(88, 32, 25), subjects=24),
    "smic": KnownCounts(clips=(70, 51, 43), subjects=16),
    "samm": KnownCounts(clips=(92, 26, 15), subjects=28),
}
"""The databases of MEGC2019 by the names of the csv, and their sizes."""


@dataclass(frozen=True)
class ImageRow:
    """One row of the csv: a clip.

    Attributes:
        database: ``casme2``, ``smic`` or ``samm``.
        subject: Subject within the database, e.g. ``sub01``, ``s01``, ``006``.
        clip: Clip of the subject, e.g. ``EP02_01f``.
        label: Class, an index of ``CLASSES``.
        row: Row of the csv, 1 for the header.
    """

    database: str
    subject: str
    clip: str
    label: int
    row: int

    @property
    def subject_id(self) -> str:
        """Name of the subject, unique over all databases, e.g. ``casme2/sub01``."""
        return f"{self.database}/{self.subject}"

    @property
    def clip_id(self) -> str:
        """Name of the clip, unique over all databases, e.g. ``casme2/sub01/EP02_01f``."""
        return f"{self.database}/{self.subject}/{self.clip}"

    def image(self, phase: int) -> str:
        """Return the file name of one image of the clip: phase 0 has no suffix, phase 1 has ``_1``, and so on."""
        suffix = f"_{phase}" if phase else ""
        return f"{self.subject}_{self.clip}{suffix} .png"


def read_rows(folder: Path, faults: list[str]) -> list[ImageRow] | None:
    """Return the valid rows, or None if the csv cannot be read as a table at all.

    Args:
        folder: The root.
        faults: Collects faults.
    """
    path = folder / TABLE
    if not inside(path, folder):
        faults.append(f"{TABLE}: is a link that leaves the root; put the file itself there")
        return None
    if os.path.exists(path) and not os.path.isfile(path):
        faults.append(f"{TABLE}: not a file")
        return None
    try:
        # utf-8-sig: a spreadsheet program puts a byte-order mark in front of the header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            header = next(lines, [])
            rows = [(lines.line_num, fields) for fields in lines if fields]
    except FileNotFoundError:
        faults.append(f"{TABLE}: no such file. Is the root the repository's top folder? {HELP}")
        return None
    except OSError as fault:
        faults.append(f"{TABLE}: cannot be read ({fault.strerror})")
        return None
    except UnicodeDecodeError as fault:
        faults.append(f"{TABLE}: not UTF-8 text (byte {fault.start}: {fault.reason}); save it as csv, UTF-8")
        return None
    except csv.Error as fault:
        faults.append(f"{TABLE}: row {lines.line_num}: not comma-separated text ({fault})")
        return None
    if not header:
        faults.append(
            f"{TABLE}: empty, or its first row is; the header {','.join(_COLUMNS)} and one row per clip are expected"
        )
        return None
    columns = [name.strip() for name in header]
    wrong = [name for name in _COLUMNS if columns.count(name) != 1]
    for name in wrong:
        found = ", ".join(columns)
        faults.append(f"{TABLE}: row 1: one column {name!r} is expected, {columns.count(name)} found among {found}")
    if wrong:
        return None
    if not rows:
        faults.append(f"{TABLE}: only a header, no row; one row per clip is expected")
        return None
    return _parse_rows(columns, rows, faults)


def _parse_rows(columns: list[str], rows: list[tuple[int, list[str]]], faults: list[str]) -> list[ImageRow]:
    places = [columns.index(name) for name in _COLUMNS]
    table: dict[str, ImageRow] = {}
    for number, fields in rows:
        where = f"{TABLE}: row {number}"
        if len(fields) > len(columns) or len(fields) <= max(places):
            faults.append(f"{where}: {len(columns)} fields are expected as in the header, {len(fields)} found")
            continue
        database, subject, clip, label = (fields[place].strip() for place in places)
        found = _row_faults(database, subject, clip, label)
        faults += [f"{where}: {fault}" for fault in found]
        if found:
            continue
        row = ImageRow(database, subject, clip, _LABELS[label], number)
        if row.clip_id in table:
            faults.append(f"{where}: clip {row.clip_id!r} is already in row {table[row.clip_id].row}; remove one")
            continue
        table[row.clip_id] = row
    return list(table.values())


def _row_faults(database: str, subject: str, clip: str, label: str) -> list[str]:
    faults = []
    if database not in KNOWN_COUNTS:
        faults.append(f"dataset {database!r} is unknown; {', '.join(KNOWN_COUNTS)} are expected")
    for column, name in (("sub", subject), ("filename_o", clip)):
        if not name:
            faults.append(f"{column} is blank")
        elif name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
            faults.append(f"{column} {name!r} is not a valid name: it becomes part of a file name, so correct the cell")
    if label not in _LABELS:
        meaning = ", ".join(f"{number} ({CLASSES[index]})" for number, index in _LABELS.items())
        faults.append(f"label {label!r} is unknown; {meaning} are expected")
    return faults


def count_faults(table: list[ImageRow], databases: list[str] | None, check_counts: bool) -> list[str]:
    """Return which databases are missing or incomplete.

    Args:
        table: The rows.
        databases: Those to read; None for all in the table.
        check_counts: Whether their clips and subjects are counted.
    """
    present = Counter(row.database for row in table)
    faults = [
        f"{TABLE}: database {name!r} was requested, but no row has it; the rows are of {', '.join(sorted(present))}"
        for name in databases or ()
        if name not in present
    ]
    if not check_counts:
        return faults
    for name, expected in KNOWN_COUNTS.items():
        if name not in present or (databases is not None and name not in databases):
            continue
        rows = [row for row in table if row.database == name]
        labels = Counter(row.label for row in rows)
        clips = tuple(labels[label] for label in range(len(CLASSES)))
        found = KnownCounts(clips, len({row.subject for row in rows}))
        if found != expected:
            faults.append(
                f"{TABLE}: database {name!r}: {expected} expected, {found} found; restore its rows, or set "
                "check_counts to false for a subset of your own"
            )
    return faults
