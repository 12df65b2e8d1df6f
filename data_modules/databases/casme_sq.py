"""CAS(ME)^2: 300 macro- and 57 micro-expressions of 22 persons in long videos at 30 frames per second (Qu et al.)."""

from pathlib import Path
from typing import Literal

from data_modules.annotations import Annotation, Kind, Report, has_no_apex, whole_number
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.sheets import CellValue, Sheet, Source, describe, read_workbook
from data_modules.databases.tree import files, find_frames, folders, missing, require
from lightmannet.errors import DataError

_WORKBOOKS = (
    "CAS(ME)^2code_final(Updated).xlsx",
    "CAS(ME)^2code_final.xlsx",
    "CAS(ME)2code_final.xlsx",
    "code_final.xlsx",
)
_FOLDERS = {"raw": "rawpic", "selected": "selectedpic", "cropped": "cropped", "video": "rawvideo"}
_COLUMNS = 8  # of the code sheet: subject, clip, onset, apex, offset, action units, emotion, type
_KINDS: dict[str, Kind] = {"macro-expression": "macro", "micro-expression": "micro"}


class CASMESquared(Database):
    """Reader of CAS(ME)^2.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CASME_SQ_ROOT``.
        frames: ``selected``, the camera's frames of each expression; ``cropped``, the same cropped to the face, which
            some expressions lack; ``raw``, all frames of the long videos; ``video``, the long videos themselves.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="casme_sq",
        title="CAS(ME)^2",
        variable="CASME_SQ_ROOT",
        fps=30,
        emotions=("positive", "negative", "surprise", "others"),
        expected={"micro": Expected(clips=57), "macro": Expected(clips=300)},
        certainty="several sources agree",
        licence="research only, no redistribution",
        request="Send the signed licence agreement to the Institute of Psychology, Chinese Academy of Sciences "
        "(casme.psych.ac.cn).",
        tree="""\
CAS(ME)^2/
  CAS(ME)^2code_final.xlsx                  or code_final.xlsx, CAS(ME)^2code_final(Updated).xlsx
  selectedpic/s15/anger1_1/img557.jpg …     frames: selected
  cropped/15/anger1_1/img557.jpg …          frames: cropped (16 expressions are not there)
  rawpic/s15/15_0101disgustingteeth/img001.jpg …    frames: raw
  rawvideo/s15/15_0101disgustingteeth.avi   frames: video; or .mp4""",
    )

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["selected", "cropped", "raw", "video"] = "selected",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames
        self._codes: dict[str, str] = {}  # four digits of each stimulus by its short name, from the workbook

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the code sheet; none of the workbook's three sheets has a header.

        Raises:
            DataError: The workbook is missing or damaged, or has fewer than three sheets.
        """
        path = require(root, _WORKBOOKS, "the code workbook")
        sheets = list(read_workbook(path).values())
        if len(sheets) < 3:
            raise DataError(
                f"{path.name}: three sheets are expected (codes, subjects, stimuli), {len(sheets)} found; "
                "take the original workbook"
            )
        codes, people, stimuli = sheets[:3]
        subjects = {whole_number(row[2]): str(row[1]).lower() for row in people.rows if len(row) > 2 and row[1]}
        self._codes = {
            str(row[1]).lower(): str(row[0]).zfill(4)  # leading zeros are lost if the text became a number
            for row in stimuli.rows
            if len(row) > 1 and row[0] is not None
        }
        found = (self._annotation(codes, number, subjects, report) for number in range(1, len(codes.rows) + 1))
        return [annotation for annotation in found if annotation is not None]

    def first_number(self, path: Path) -> int:
        """Return 1: the annotation numbers frames from 1, as the images are."""
        return 1

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the expression's folder of frames, or the folder or file of its long video."""
        name = _FOLDERS[self.frames]
        folder = require(root, (name,), f"the folder of the {self.frames} frames")
        number = annotation.subject.removeprefix("s")
        # The folders of cropped frames have the subject's number without the s.
        subject = find_frames(folder, [annotation.subject, number], "the subject's folder")
        if self.frames in ("selected", "cropped"):
            return find_frames(subject, [annotation.clip])
        # The titles behind the digits have typos.
        start = f"{number}_{self._codes[_stimulus(annotation.clip)]}"
        places = folders(subject) if self.frames == "raw" else files(subject, (".avi", ".mp4"))
        recording = next((place for place in places if place.name.startswith(start)), None)
        if recording is None:
            raise missing("the long video", f"{start}…", subject)
        return recording

    def _annotation(
        self, sheet: Sheet, number: int, subjects: dict[int | None, str], report: Report
    ) -> Annotation | None:
        """Return the annotation of a row, numbered from 1; None for a blank one and, with a fault, for a bad one."""
        row = sheet.rows[number - 1]
        where = Source(sheet.file, sheet.name, number)
        if all(cell is None for cell in row):
            return None
        if len(row) < _COLUMNS:
            report.fault(where, f"{_COLUMNS} columns or more are expected, {len(row)} found")
            return None
        number_of_subject, clip, onset, apex, offset, units, emotion, kind = row[:_COLUMNS]
        subject = subjects.get(whole_number(number_of_subject))
        if subject is None or whole_number(number_of_subject) is None:
            what = f"subject {describe(number_of_subject)} is unknown; its folder has to be in the second sheet"
            report.fault(where, what)
            return None
        if str(kind).lower() not in _KINDS:
            report.fault(where, f"type {describe(kind)} is unknown; one of {', '.join(_KINDS)} is expected")
            return None
        if _stimulus(str(clip)) not in self._codes:
            report.fault(where, f"clip {describe(clip)}: stimulus {_stimulus(str(clip))!r} is not in the third sheet")
            return None
        return Annotation(
            subject=subject,
            clip=str(clip),
            kind=_KINDS[str(kind).lower()],
            onset=onset,
            apex=apex,
            offset=_end(apex, offset, where, report),
            emotion=emotion,
            action_units=units,
            source=where,
        )


def _stimulus(clip: str) -> str:
    return clip.split("_")[0].lower()


def _end(apex: CellValue, offset: CellValue, where: Source, report: Report) -> CellValue:
    """Return the offset, or the apex where the offset is 0."""
    if whole_number(offset) != 0 or has_no_apex(apex):
        return offset
    report.note(where, "the offset is 0, so the clip ends with its apex")
    return apex
