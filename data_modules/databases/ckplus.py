"""CK+: 593 posed macro-expressions of 123 persons, 327 of them with an emotion (Lucey et al. 2010)."""

import re
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import ClassVar

from data_modules.annotations import Annotation, Place, Report
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.sheets import Source
from data_modules.databases.tree import files, find, find_frames, folders, inside, listing, require
from data_modules.video.crop import Box
from lightmannet.errors import DataError

_IMAGES = (
    "cohn-kanade-images",
    "extended-cohn-kanade-images/cohn-kanade-images",
    "extended-cohn-kanade-images",
)
_LABELS = ("Emotion", "Emotion_labels/Emotion", "Emotion_labels")
_UNITS = ("FACS", "FACS_labels/FACS", "FACS_labels")
_LANDMARKS = ("Landmarks",)
_EMOTIONS = {1: "anger", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sadness", 7: "surprise"}
_NEUTRAL = 0
_POINTS = 68
_SUBJECT = re.compile(r"S\d{3}", re.IGNORECASE)


class CKPlus(Database):
    """Reader of CK+, the extended Cohn-Kanade database.

    Each folder is a clip from neutral to peak: onset is its first frame, apex and offset are its last. Sequences
    without a label file are kept and have no emotion. If the landmarks are there, the bounding box of the 68 points in
    the first frame is the clip's box.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CKPLUS_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="ckplus",
        title="CK+",
        variable="CKPLUS_ROOT",
        fps=30,  # as NTSC video; the archive itself states no rate
        emotions=tuple(_EMOTIONS.values()),
        expected={
            "macro": Expected(
                clips=593,
                subjects=123,
                emotions={
                    "(none)": 266,
                    "surprise": 83,
                    "happy": 69,
                    "disgust": 59,
                    "anger": 45,
                    "sadness": 28,
                    "fear": 25,
                    "contempt": 18,
                },
            )
        },
        certainty="several sources agree",
        licence="research only, no redistribution; faces may be published of the persons of the consent list alone",
        request="Send the signed agreement to the Affect Analysis Group of the University of Pittsburgh.",
        tree="""\
CKPLUS/
  cohn-kanade-images/S005/001/S005_001_00000001.png …        or extended-cohn-kanade-images
  Emotion/S005/001/S005_001_00000011_emotion.txt             or Emotion_labels/Emotion; some folders are empty
  FACS/S005/001/S005_001_00000011_facs.txt                   or FACS_labels/FACS; may be missing
  Landmarks/S005/001/S005_001_00000001_landmarks.txt …       may be missing""",
    )

    frames: ClassVar[Sequence[str]] = _IMAGES
    """Where the frames may be."""

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return an expression for each sequence that has frames, an emotion or action units."""
        images = require(root, self.frames, "the folder of frames")
        labels = require(root, _LABELS, "the folder of emotions")
        units, landmarks = find(root, _UNITS), find(root, _LANDMARKS)
        for folder, what in ((units, "FACS, so no clip has action units"), (landmarks, "Landmarks, so none has a box")):
            if folder is None:
                report.note(root.name, f"there is no folder {what}")
        sequences = sorted(
            # A sequence without frames is found by its labels.
            {*_sequences(images)}
            | {place for folder in (labels, units) for place in _sequences(folder, with_text=True)}
        )
        if not sequences:
            raise DataError(f"no subject's folder (S005, S010, …) is in {images}, {listing(images)}")
        found = []
        for subject, clip in sequences:
            place = f"{subject}/{clip}"
            try:
                emotion = _emotion(_text(labels, place, "emotion", root), place, report)
                found.append(
                    Annotation(
                        subject=subject,
                        clip=clip,
                        kind="macro",
                        onset=Place.FIRST,
                        apex=Place.LAST,
                        offset=Place.LAST,
                        emotion=emotion,
                        action_units=_action_units(_text(units, place, "facs", root)),
                        box=_box(_text(landmarks, place, "landmarks", root, first=True)),
                        source=Source(place),
                    )
                )
            except DataError as error:
                report.fault(place, str(error))
        return found

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the sequence's folder of frames."""
        images = require(root, self.frames, "the folder of frames")
        return find_frames(images, [f"{annotation.subject}/{annotation.clip}"])


def _sequences(folder: Path | None, with_text: bool = False) -> Iterator[tuple[str, str]]:
    """Return the sequences with a folder, or with a text file in their folder."""
    for subject in folders(folder) if folder else ():
        if _SUBJECT.fullmatch(subject.name):
            for sequence in folders(subject):
                if not with_text or files(sequence, (".txt",)):
                    yield subject.name.upper(), sequence.name


_Text = tuple[str, list[list[float]]]
"""A text file's name, and the numbers in its lines."""


def _text(tree: Path | None, place: str, ending: str, root: Path, first: bool = False) -> _Text | None:
    """Return the one file of a sequence's folder, or the first of several; None if the folder is missing or empty."""
    folder = find(tree, [place]) if tree else None
    found = files(folder, (f"_{ending}.txt",)) if folder else []
    if not found:
        return None
    if len(found) > 1 and not first:
        raise DataError(f"one {ending} file is expected, {', '.join(file.name for file in found)} found; remove one")
    file = found[0]
    if not inside(file, root):
        raise DataError(f"{file.name} leaves the root; put the file itself there")
    try:
        lines = [[float(number) for number in line.split()] for line in file.read_text(encoding="ascii").splitlines()]
    except OSError as error:
        raise DataError(f"{file.name}: cannot be read ({error.strerror or error}); copy it again") from None
    except ValueError as error:  # also UnicodeDecodeError
        raise DataError(f"{file.name}: numbers are expected ({error}); copy it again") from None
    if not all(isfinite(number) for line in lines for number in line):
        raise DataError(f"{file.name}: a number is not finite; copy it again")
    return file.name, [line for line in lines if line]


def _emotion(text: _Text | None, place: str, report: Report) -> str | None:
    if text is None:
        return None
    name, lines = text
    if len(lines) != 1 or len(lines[0]) != 1:
        raise DataError(f"{name}: one number is expected, {sum(map(len, lines))} found; copy it again")
    code = lines[0][0]
    if code == _NEUTRAL:
        report.note(place, f"{name} says neutral (0), which is not an emotion, so the clip has none")
        return None
    if code not in _EMOTIONS:
        known = ", ".join(f"{number} {emotion}" for number, emotion in _EMOTIONS.items())
        raise DataError(f"{name}: emotion {code:g} is unknown; one of {known} is expected")
    return _EMOTIONS[int(code)]


def _action_units(text: _Text | None) -> str | None:
    """Return units as ``1+2D+25``: intensities 1 to 5 as A to E, and 0, not coded, without a letter."""
    if text is None:
        return None
    name, lines = text
    units = []
    for line in lines:
        if len(line) != 2 or line[0] not in range(1, 100) or line[1] not in range(6):
            found = " ".join(f"{number:g}" for number in line)
            raise DataError(f"{name}: an action unit and its intensity 0 to 5 are expected in a line, {found!r} found")
        unit, intensity = map(int, line)
        units.append(f"{unit}{' ABCDE'[intensity]}".rstrip())
    return "+".join(units)


def _box(text: _Text | None) -> Box | None:
    """Return the bounding box of the points."""
    if text is None:
        return None
    name, lines = text
    if len(lines) != _POINTS or any(len(line) != 2 for line in lines):
        raise DataError(f"{name}: {_POINTS} lines of x and y are expected, {len(lines)} lines found; copy it again")
    xs, ys = zip(*lines, strict=True)
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
