"""MMEW as its archives unpack, with noise in place of faces."""

from pathlib import Path
from typing import Literal

from tests.archives.writing import write_images, write_workbook

WORKBOOK = "MMEW_Micro_Exp.xlsx"
HEADER = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "remarks",
)
# S03-03-002 is numbered as in the recording; others is repression on disk; a sample number serves two persons.
ROWS: list[tuple[object, ...]] = [
    ("S01", "S01-01-001", 1, 4, 6, "12", "happiness", None),
    ("S01", "S01-02-001", 2, 4, 7, "1+2", "surprise", "blink"),
    ("S01", "S01-07-001", 1, 3, 6, "4", "anger", None),
    ("S02", "S02-01-001", 1, 4, 6, "6+12", "happiness", None),
    ("S02", "S02-02-002", 1, 4, 6, "5", "surprise", None),
    ("S02", "S02-04-001", 1, 4, 6, "14", "others", None),
    ("S02", "S02-05-001", 1, 4, 6, "1+4", "fear", None),
    ("S03", "S03-01-001", 1, 4, 6, 12, "happiness", None),
    ("S03", "S03-02-001", 1, 4, 6, "2", "surprise", None),
    ("S03", "S03-03-002", 215, 218, 221, "9", "disgust", None),
    ("S03", "S03-06-001", 1, 4, 6, "15", "sadness", None),
]
FRAMES = 7
EMOTIONS = {"happiness": "01", "surprise": "02", "anger": "07"}
STILLS = [
    f"{subject}/{emotion}/{subject}-{number}-{sample:03d}.jpg"
    for subject in ("S01", "S02", "S03")
    for emotion, number in EMOTIONS.items()
    for sample in (1, 2)
]


def write_mmew(root: Path, nesting: Literal["emotion", "subject"] = "emotion") -> None:
    """Write an archive.

    Args:
        root: An empty folder.
        nesting: Whether a micro-expression lies in a folder of its emotion, or in one of its person's.
    """
    write_workbook(root / WORKBOOK, {"Sheet1": [HEADER, *ROWS]})
    for seed, row in enumerate(ROWS):
        emotion = str(row[6]).replace("others", "repression")
        clip = Path(str(row[0]) if nesting == "subject" else "") / emotion / str(row[1])
        write_images((root / "Micro_Expression" / clip / f"{n}.jpg" for n in range(1, FRAMES + 1)), seed)
    for seed, still in enumerate(STILLS):
        write_images([root / "Macro_Expression" / still], 100 + seed)
