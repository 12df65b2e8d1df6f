"""MMEW: 300 micro-expressions at 90 frames per second and 900 stills of macro-expressions (Ben et al. 2021)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation, Kind, Place, Report, whole_number
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import CellValue, Record, Source
from data_modules.databases.tree import files, find, folders, missing, require
from data_modules.databases.workbook import WorkbookDatabase
from data_modules.video.frames import open_frames
from data_modules.video.image_folder import SUFFIXES as IMAGE_SUFFIXES
from lightmannet.errors import DataError

NAME = re.compile(r"S(?P<person>\d+)-\d+-\d+", re.IGNORECASE)  # person, emotion, sample
EMOTIONS = ("happiness", "surprise", "disgust", "fear", "sadness", "anger", "others", "repression")
_PREFIX = "macro_"  # the samples of both kinds are numbered from 1


class MMEW(WorkbookDatabase):
    """Reader of MMEW.

    Micro-expressions are in the workbook. Their folders are found by name within any folders of emotions or subjects:
    the workbook's ``others`` is ``repression`` on disk. If a row's frame numbers exceed those in the folder but would
    fit if the onset were the first frame, they are numbers of the recording and are shifted to those of the folder.

    Macro-expressions are single images, each onset, apex and offset at once; they have no workbook, their emotion is
    the name of their folder, and their clips are named ``macro_S01-07-001``. This part of the reader is experimental;
    ``MMEWPairs`` reads them as pairs with a neutral face, which show motion.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``MMEW_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="mmew",
        title="MMEW",
        variable="MMEW_ROOT",
        fps=90,
        emotions=EMOTIONS,
        expected={
            "micro": Expected(
                clips=300,
                subjects=36,
                emotions={
                    "surprise": 89,
                    "disgust": 72,
                    "others": 66,
                    "happiness": 36,
                    "fear": 16,
                    "sadness": 13,
                    "anger": 8,
                },
            ),
            "macro": Expected(clips=900),
        },
        certainty="experimental",
        licence="research only, no redistribution",
        request="Send the signed licence agreement to the owners by e-mail (dpailab).",
        tree="""\
MMEW_Final/
  MMEW_Micro_Exp.xlsx                                  or MMEW_Micro_Exp_v2.xlsx
  Micro_Expression/anger/S13-07-001/1.jpg …            or Micro_Expression/S13/anger/S13-07-001/1.jpg …
  Macro_Expression/S01/anger/S01-07-001.jpg …          one image a sample; may be missing""",
    )
    workbooks = ("MMEW_Micro_Exp_v2.xlsx", "MMEW_Micro_Exp.xlsx", "MMEW_Micro_Exp (20).xlsx")
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("OnsetFrame",),
        "apex": ("ApexFrame",),
        "offset": ("OffsetFrame",),
        "units": ("Action Units",),
        "emotion": ("Estimated Emotion",),
    }

    def __init__(self, root: str | None = None, faulty: Literal["refuse", "leave_out"] = "refuse") -> None:
        super().__init__(root, faulty)
        self._root = Path()
        self._places: dict[str, Path] = {}  # frames of each clip, by its name in lower case

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the workbook and the stills of the folder of macro-expressions."""
        folder = require(root, ("Micro_Expression",), "the folder of micro-expressions")
        self._root, self._places = root, {}
        for clip in clip_folders(folder, depth=4):
            self._place(clip.name, clip, report)
        found = super().annotations(root, report)
        stills = find(root, ["Macro_Expression"])
        if stills is None:
            report.note(self.description.title, "there is no folder Macro_Expression, so no macro-expression is read")
            return found
        return found + list(self._macro(stills, report))

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation, with frames numbered as in its folder."""
        row = super().annotation(record, report, kind)
        assert row is not None
        name = NAME.fullmatch(row.clip)
        if name is None:
            what = f"clip {row.clip!r}: a name such as S13-07-001 is expected (subject, emotion, sample)"
            report.fault(record.source, what)
            return None
        if whole_number(row.subject.upper().removeprefix("S")) != int(name["person"]):
            what = f"clip {row.clip} does not belong to Subject {row.subject!r}; correct the row"
            report.fault(record.source, what)
            return None
        shift = self._shift(row.clip, record["onset"], record["offset"])
        if shift:
            what = f"clip {row.clip}: frames are numbered as in the recording, {shift} more than the files'"
            report.note(record.source, what)
        onset, apex, offset = (_less(record[column], shift) for column in ("onset", "apex", "offset"))
        return replace(row, subject=_subject(name), onset=onset, apex=apex, offset=offset)

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder of a micro-expression or the image of a macro-expression."""
        place = self._places.get(annotation.clip.lower())
        if place is None:
            folder = require(root, ("Micro_Expression",), "the folder of micro-expressions")
            raise missing("its folder of frames", f"{annotation.clip}, at any depth,", folder)
        return place

    def _place(self, name: str, path: Path, report: Report) -> None:
        other = self._places.setdefault(name.lower(), path)
        if other != path:
            report.fault(path.name, f"is in {other.parent} and in {path.parent}; remove one")

    def _shift(self, clip: str, onset: CellValue, offset: CellValue) -> int:
        """Return by how much a row's frame numbers exceed those in the folder, or 0 if shifting them would not help."""
        first, last = whole_number(onset), whole_number(offset)
        place = self._places.get(clip.lower())
        if first is None or last is None or place is None:
            return 0
        try:
            there = open_frames(place, self._root).numbers
        except DataError:
            return 0  # is raised again, and reported, when the frames are read
        shift = first - there[0]
        return shift if last > there[-1] >= last - shift else 0

    def _macro(self, folder: Path, report: Report) -> Iterator[Annotation]:
        for image in images(folder, depth=4):
            name = NAME.fullmatch(image.stem)
            where = Source(image.name)
            if name is None:
                report.fault(where, "a name such as S01-07-001 is expected (subject, emotion, sample); rename it")
                continue
            self._place(f"{_PREFIX}{image.stem}", image, report)
            names = [part.lower() for part in reversed(image.relative_to(folder).parts[:-1])]
            yield Annotation(
                subject=_subject(name),
                clip=f"{_PREFIX}{image.stem}",
                kind="macro",
                onset=Place.FIRST,
                apex=Place.LAST,
                offset=Place.LAST,
                emotion=next((name for name in names if name in self.description.emotions), names[0] if names else ""),
                source=where,
            )


def _subject(name: re.Match[str]) -> str:
    return f"S{int(name['person']):02d}"


def _less(cell: CellValue, shift: int) -> CellValue:
    number = whole_number(cell)
    return cell if number is None or not shift or number <= 0 else number - shift


def clip_folders(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders that are named like a clip, at most ``depth`` levels deep."""
    for inner in folders(folder):
        if NAME.fullmatch(inner.name):
            yield inner
        elif depth > 1:
            yield from clip_folders(inner, depth - 1)


def images(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the images in a folder and below, at most ``depth`` levels deep."""
    yield from files(folder, IMAGE_SUFFIXES)
    if depth > 1:
        for inner in folders(folder):
            yield from images(inner, depth - 1)
