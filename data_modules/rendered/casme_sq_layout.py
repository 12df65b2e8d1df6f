"""Long videos in the layout of CAS(ME)^2: ``rawvideo/s01/01_0101task1.mp4``, ``selectedpic``, a workbook."""

from collections.abc import Sequence

from data_modules.rendered.emotions import CLASS_OF_EMOTION
from data_modules.rendered.performance import Expression, Recording

FOLDER = "casme_sq"
WORKBOOK = f"{FOLDER}/CAS(ME)^2code_final.xlsx"
FRAMES, VIDEOS = f"{FOLDER}/selectedpic", f"{FOLDER}/rawvideo"

Row = tuple[int | str | None, ...]


def video_path(recording: Recording) -> str:
    """Return the path of a long video within the corpus."""
    subject = _subject(recording)
    code, stimulus = _code(recording.job.number), _stimulus(recording.job.number)
    return f"{VIDEOS}/{subject}/{subject[1:]}_{code}{stimulus}.mp4"


def frame_paths(recording: Recording) -> dict[int, list[str]]:
    """Return the paths of each frame that is kept as an image, by its number: those of the expressions."""
    paths: dict[int, list[str]] = {}
    for place, expression in enumerate(recording.expressions):
        folder = f"{FRAMES}/{_subject(recording)}/{_clip(recording, place)}"
        for number in range(expression.onset, expression.offset + 1):
            paths.setdefault(number, []).append(f"{folder}/img{number:03d}.jpg")
    return paths


def sheets(recordings: Sequence[Recording]) -> dict[str, Sequence[Row]]:
    """Return the workbook's three sheets: expressions, folders of the persons, stimuli."""
    rows = [_row(r, place, e) for r in recordings for place, e in enumerate(r.expressions)]
    persons: list[Row] = [(None, _subject(r), r.job.subject) for r in recordings if r.job.number == 1]
    last = max(r.job.number for r in recordings)
    stimuli: list[Row] = [(_code(n), _stimulus(n), "rendered") for n in range(1, last + 1)]
    return {"CASFEcode_final": rows, "naming rule1": persons, "naming rule2": stimuli}


def _subject(recording: Recording) -> str:
    return f"s{recording.job.subject:02d}"


def _stimulus(number: int) -> str:
    return f"task{number}"


def _code(number: int) -> str:
    return f"{number:02d}01"


def _clip(recording: Recording, place: int) -> str:
    return f"{_stimulus(recording.job.number)}_{place + 1}"


def _row(recording: Recording, place: int, e: Expression) -> Row:
    units = int(e.coded_units) if e.coded_units.isdecimal() else e.coded_units
    return (
        recording.job.subject,
        _clip(recording, place),
        e.onset,
        e.coded_apex,
        e.offset,
        units,
        CLASS_OF_EMOTION[e.emotion],
        f"{e.kind}-expression",
        e.emotion,
    )
