"""SAMM as its archives unpack, with noise in place of faces."""

from collections.abc import Sequence
from pathlib import Path

from tests.archives.writing import write_images, write_workbook

WORKBOOK = "SAMM_Micro_FACS_Codes_v2.xlsx"
HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)
NOTES = [("SAMM: notes before the table",), (None, "Subject", "is a number of three digits"), *[(None,)] * 11]
# Subject, clip, onset, apex, offset, units, emotion, objective class, digits of the frames' numbers.
Row = tuple[str, str, int, int, int, object, str, int, int]
ROWS: list[Row] = [
    ("006", "006_1_2", 5562, 5565, 5568, "4+7", "Anger", 2, 5),
    ("006", "006_1_3", 9998, 10001, 10003, 4, "Disgust", 2, 5),
    ("006", "006_3_4", 138, 141, 144, "12", "Happiness", 1, 5),
    ("006", "006_3_5", 150, 152, 156, "6+R12", "Happiness", 1, 5),
    ("006", "006_5_3", 210, 213, 217, "1+2", "Surprise", 3, 5),
    ("006", "006_5_9", 220, 223, 226, "5B", "Surprise", 3, 5),
    ("011", "011_4_2", 2974, 2977, 2980, "L12 or L14", "Other", 7, 4),
    ("011", "011_4_5", 3001, 3004, 3007, "10A/B", "Contempt", 7, 4),
    ("011", "011_6_1", 4400, 4403, 4406, "R14+17+soft focus ", "Sadness", 6, 4),
    ("011", "011_6_2", 4500, 4502, 4505, "12", "Happiness", 1, 4),
    ("011", "011_6_3", 4600, 4603, 4607, "L12", "Happiness", 1, 4),
    ("011", "011_7_1", 100, 104, 106, "1+2", "Surprise", 3, 4),
    ("011", "011_7_2", 200, 203, 206, "1+5", "Surprise", 3, 4),
    ("028", "028_4_1", 1064, -1, 1069, "A14C", "Contempt", 7, 4),
    ("028", "028_4_3", 2000, 2003, 2006, "7B+ ref(43)", "Fear", 5, 4),
    ("028", "028_4_4", 2100, 2103, 2106, "12", "Happiness", 1, 4),
    ("028", "028_5_1", 300, 303, 306, "1+2", "Surprise", 3, 4),
]


def write_samm(root: Path, rows: Sequence[Row] = ROWS) -> None:
    """Write an archive: the workbook, the frames, and crops of the same names."""
    write_samm_workbook(root / WORKBOOK, rows)
    for seed, (subject, clip, onset, _, offset, _, _, _, digits) in enumerate(rows):
        names = [f"{subject}/{clip}/{subject}_{number:0{digits}d}.jpg" for number in range(onset, offset + 1)]
        write_images((root / name for name in names), seed, gray=True)
        write_images((root / "SAMM_CROP" / name for name in names), seed, gray=True)


def write_samm_workbook(
    path: Path, rows: Sequence[Row] = ROWS, notes: Sequence[tuple[str | None, ...]] = tuple(NOTES)
) -> None:
    """Write the workbook: notes, header, rows; the durations are formulas without their values."""
    table = [
        (subject, clip, clip[4], onset, apex, offset, f"=F{place}-D{place}+1", "Micro - 1/2", units, emotion, number)
        for place, (subject, clip, onset, apex, offset, units, emotion, number, _) in enumerate(rows, len(notes) + 2)
    ]
    write_workbook(path, {"MICRO_ONLY": [*notes, HEADER, *table]})
