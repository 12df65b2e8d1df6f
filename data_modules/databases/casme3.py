"""CAS(ME)^3, part A: 860 micro- and 3,346 macro-expressions of 98 persons at 30 frames per second (Li et al. 2023)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation, Kind, Place, Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import Record, Sheet, describe, read_workbook, table
from data_modules.databases.tree import find, find_frames, require
from data_modules.databases.workbook import WorkbookDatabase
from lightmannet.errors import DataError

_MICRO = ("cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", "cas(me)3_part_A_ME_label_JpgIndex_v2_20250903.xlsx")
_MACRO = "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx"
_BOTH = "CAS(ME)3_part_A_v2.xls"
_SPLIT = "data/part_A_split/part_A"
_PACKAGES: dict[Kind, str] = {"micro": "Part_A_ME_clip", "macro": "Part_A_MaE_clip"}


class CASME3(WorkbookDatabase):
    """Reader of part A of CAS(ME)^3; the depth images are not read.

    A video, named by a letter, contains many expressions, so a clip is named by letter and onset, ``a_355``; the onset
    is the annotated one even if it is corrected.

    Macro-expressions and their emotions are in a workbook that comes with the database; if it is missing, they are
    read from the public ``CAS(ME)3_part_A_v2.xls``, which has objective classes but no emotions.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CASME3_ROOT``.
        tree: Layout of the frames: ``part_A_split``, whole videos as images; ``clips``, the packages of single clips.
        kinds: Expressions to read. ``both`` skips macro-expressions if no workbook has them.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="casme3",
        title="CAS(ME)^3 part A",
        variable="CASME3_ROOT",
        fps=30,
        emotions=("happy", "happiness", "sad", "sadness", "anger", "disgust", "fear", "surprise", "others"),
        expected={
            "micro": Expected(
                clips=860,
                subjects=94,
                emotions={
                    "disgust": 250,
                    "surprise": 187,
                    "others": 161,
                    "fear": 86,
                    "anger": 64,
                    "sad": 57,
                    "happy": 55,
                },
            ),
            "macro": Expected(clips=3346, subjects=98),
        },
        certainty="several sources agree",
        licence="research only, no redistribution",
        request="Apply to the Institute of Psychology, Chinese Academy of Sciences (casme.psych.ac.cn/casme/e4). "
        "The macro-expressions, their emotions and their package are experimental: one source each.",
        tree="""\
part_A/
  annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx
  annotation/cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx    or CAS(ME)3_part_A_v2.xls, without emotions
  data/part_A_split/part_A/spNO.1/a/color/355.jpg …    tree: part_A_split
Part_A_ME_clip/frame/spNo.1_a_355/355.jpg …            tree: clips
Part_A_MaE_clip/frame/spNo.1_a_37/37.jpg …             tree: clips""",
    )
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject", "sub"),
        "letter": ("Filename", "seq"),
        "onset": ("Onset",),
        "apex": ("Apex",),
        "offset": ("Offset",),
        "units": ("AU",),
        "class": ("Objective class",),
        "emotion": ("emotion",),
        "type": ("Expression type",),
    }

    def __init__(
        self,
        root: str | None = None,
        tree: Literal["part_A_split", "clips"] = "part_A_split",
        kinds: Literal["micro", "macro", "both"] = "both",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.tree = tree
        self.kinds = kinds

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the workbook of micro-expressions and of one that has macro-expressions."""
        found: list[Annotation | None] = []
        if self.kinds != "macro":
            path = require(root, _anywhere(*_MICRO), "the annotation of micro-expressions")
            records = table(_sheet(path, "label"), self.columns, ("type",))
            found += [self.annotation(record, report) for record in records]
        if self.kinds != "micro":
            found += self._macro(root, report)
        return [row for row in found if row is not None]

    def subject(self, record: Record) -> str:
        """Return ``spNO.1`` for ``1``, ``spNo.1`` and ``spNO1``: packages, tables and folders differ."""
        number = re.fullmatch(r"(?:spno\.?)?\s*(\d+)", record.text("subject"), re.IGNORECASE)
        return f"spNO.{number[1]}" if number else record.text("subject")

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation; its clip is named by the video's letter, whatever its case, and the onset."""
        clip = f"{record.text('letter').lower()}_{record.text('onset')}"
        return super().annotation(replace(record, cells={**record.cells, "clip": clip}), report, kind)

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder of the video's frames, or of the clip's."""
        letter, written = annotation.clip.split("_")
        if self.tree == "part_A_split":
            places = (_SPLIT, f"part_A/{_SPLIT}", "part_A_split/part_A", "part_A_split", "part_A")
            folder = require(root, places, "the folder of videos as images")
            return find_frames(folder, [f"{annotation.subject}/{letter}/color"])
        package = _PACKAGES[annotation.kind]
        what = f"the package of {annotation.kind}-expressions (which kinds are read is the option `kinds`)"
        folder = require(root, (f"{package}/frame", f"part_A/{package}/frame"), what)
        # Either the annotated onset or the corrected one.
        onset = "" if isinstance(annotation.onset, Place) else str(annotation.onset)
        return find_frames(folder, [f"{annotation.subject}_{letter}_{n}" for n in dict.fromkeys((written, onset))])

    def _macro(self, root: Path, report: Report) -> Iterator[Annotation | None]:
        path = find(root, _anywhere(_MACRO))
        if path is not None:
            for record in table(_sheet(path, "Sheet1"), self.columns, ("units", "class", "type")):
                yield self.annotation(record, report, "macro")
            return
        path = find(root, _anywhere(_BOTH))
        if path is None and self.kinds == "both":
            report.note(
                self.description.title, f"neither {_MACRO} nor {_BOTH} is there, so macro-expressions are not read"
            )
            return
        if path is None:
            path = require(root, _anywhere(_MACRO, _BOTH), "the annotation of macro-expressions")
        for record in table(_sheet(path, "AU+Emotion"), self.columns, ("emotion",)):
            kind = record.text("type").lower()
            if kind.startswith("macro"):
                yield self.annotation(record, report, "macro")
            elif not kind.startswith("micro"):
                report.fault(
                    record.source,
                    f"type {describe(record['type'])} is unknown; Macro- or Micro-expression is expected",
                )


def _anywhere(*names: str) -> tuple[str, ...]:
    return tuple(f"{folder}{name}" for name in names for folder in ("annotation/", "part_A/annotation/", ""))


def _sheet(path: Path, name: str) -> Sheet:
    sheets = read_workbook(path)
    if name not in sheets:
        raise DataError(f"{path.name}: a sheet {name!r} is expected, {', '.join(map(repr, sheets))} found")
    return sheets[name]
