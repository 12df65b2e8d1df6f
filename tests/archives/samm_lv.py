"""SAMM Long Videos as its archives unpack, with noise in place of faces."""

from collections.abc import Sequence
from pathlib import Path

from tests.archives.samm import write_samm_workbook
from tests.archives.writing import write_images, write_workbook

WORKBOOK = "SAMM_LongVideos_V2_Release.xlsx"
SHEET = "FACS_Movement_Only"
MICRO_WORKBOOK = "SAMM_Micro_FACS_Codes_v2.xlsx"
HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset",
    "Apex",
    "Offset",
    "Duration",
    "Type",
    "Action Units",
    "Notes",
)
MACRO, MICRO = "Macro", "Micro - 1/2"
# Subject, clip, onset, apex, offset, type, units.
Row = tuple[str, str, float, float, float, str, object]
ROWS: list[Row] = [
    ("006", "006_1_1", 2.0, 5.0, 9.0, MACRO, "4(B/C)+7B"),
    ("006", "006_1_2", 8.0, 11.0, 14.0, MICRO, "4+7"),
    ("006", "006_1_3", 15.0, 17.0, 20.0, MICRO, "12"),
    ("006", "006_1_4", 22.0, 24.0, 27.0, MICRO, "1+2"),
    ("008", "008_5_1", 0.0, 4.0, 9.0, MACRO, 7),  # the one person who is not in SAMM; begins before the recording
    ("011", "011_4_1", 1.0, 5.0, 9.0, MACRO, "12C"),
    ("011", "011_4_2", 3.0, 6.0, 8.0, MICRO, "L12 or L14"),
    ("011", "011_4_3", 9.0, 12.0, 15.0, MICRO, "12"),
    ("011", "011_4_4", 16.0, 18.0, 20.0, MICRO, "1+2"),
    ("028", "028_4_1", 4.0, -1.0, 9.0, MICRO, "A14C"),
    ("028", "028_4_2", 10.0, 13.0, 15.0, MICRO, "12"),
    ("028", "028_4_3", 16.0, 18.0, 21.0, MICRO, "1+2"),
    ("028", "028_4_4", 16.0, 20.0, 27.0, MACRO, 31),
]
EMOTIONS = {
    "006_1_2": "Anger",
    "006_1_3": "Happiness",
    "006_1_4": "Surprise",
    "011_4_2": "Disgust",
    "011_4_3": "Happiness",
    "011_4_4": "Surprise",
    "028_4_1": "Contempt",
    "028_4_2": "Happiness",
    "028_4_3": "Surprise",
}
FRAMES = {
    "006_1": (range(1, 29), 4),
    "008_5": (range(1, 13), 5),
    "011_4": (range(1, 22), 5),
    "028_4": (range(1, 29), 4),
}


def write_samm_lv(root: Path) -> None:
    """Write an archive: both workbooks and the recordings."""
    write_samm_lv_workbook(root / WORKBOOK, ROWS)
    write_samm_workbook(
        root / MICRO_WORKBOOK,
        [
            (subject, clip, int(onset), int(apex), int(offset), units, EMOTIONS[clip], 7, 4)
            for subject, clip, onset, apex, offset, kind, units in ROWS
            if kind == MICRO
        ],
    )
    for seed, (video, (numbers, digits)) in enumerate(FRAMES.items()):
        folder = root / "SAMM_longvideos" / video
        write_images((folder / f"{video}_{number:0{digits}d}.jpg" for number in numbers), seed, gray=True)


def write_samm_lv_workbook(path: Path, rows: Sequence[Row]) -> None:
    """Write the workbook: nine rows of notes, header, rows; the durations are formulas without their values."""
    table = [
        (subject, clip, clip[4], onset, apex, offset, f"=F{place}-D{place}+1", kind, units, None)
        for place, (subject, clip, onset, apex, offset, kind, units) in enumerate(rows, 11)
    ]
    write_workbook(path, {SHEET: [("Notes before the table",), *[(None,)] * 8, HEADER, *table], "Other": []})
