"""Micro clips in the layout of CASME II: ``Cropped/sub01/EP01_01/reg_img46.jpg`` and the coding workbook."""

from collections.abc import Sequence

from data_modules.rendered.performance import Recording

FOLDER = "casme2"
WORKBOOK = f"{FOLDER}/CASME2-coding-20140508.xlsx"
FRAMES = f"{FOLDER}/Cropped"
# Two columns have no name and no content in the original, either.
HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)

Row = tuple[int | str | None, ...]


def frame_path(recording: Recording, number: int) -> str:
    """Return the path of a clip's frame within the corpus."""
    return f"{FRAMES}/sub{recording.job.subject:02d}/{_clip(recording)}/reg_img{number}.jpg"


def frame_paths(recording: Recording) -> dict[int, str]:
    """Return the path of each frame of a clip, by its number."""
    return {number: frame_path(recording, number) for number in recording.numbers}


def sheets(recordings: Sequence[Recording]) -> dict[str, Sequence[Row]]:
    """Return the workbook's sheets; the original has two empty ones, too."""
    return {"Sheet1": [HEADER, *map(_row, recordings)], "Sheet2": [], "Sheet3": []}


def _clip(recording: Recording) -> str:
    return f"EP{recording.job.number:02d}_01"


def _row(recording: Recording) -> Row:
    (e,) = recording.expressions
    # The original has a number for a single unit and text for several.
    units = int(e.coded_units) if e.coded_units.isdecimal() else e.coded_units
    subject = f"{recording.job.subject:02d}"
    return subject, _clip(recording), None, e.onset, e.coded_apex, e.offset, None, units, e.emotion
