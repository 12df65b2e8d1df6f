"""SAMM Long Videos: 343 macro- and 159 micro-expressions in 147 recordings of 30 persons (Yap et al. 2020)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation, Kind, Place, Report, whole_number
from data_modules.databases.base import Description, Expected
from data_modules.databases.samm import SAMM
from data_modules.databases.sheets import CellValue, Record, Sheet, describe, first_sheet, read_workbook
from data_modules.databases.tree import find, find_frames, require
from data_modules.databases.workbook import WorkbookDatabase

_SHEET = "FACS_Movement_Only"
_FOLDER = "SAMM_longvideos"
_SAMM = SAMM.description


class SAMMLongVideos(WorkbookDatabase):
    """Reader of SAMM Long Videos, which has the subjects and micro-expressions of SAMM.

    The workbook has notes above the header, 9 rows in the original, and no emotions. The emotions and objective classes
    of micro-expressions are taken from SAMM's workbook, if present; macro-expressions have none. In some copies the
    recording 012_4 ends before its expression 012_4_1 begins, which is a fault that ``leave_out`` skips.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``SAMM_LV_ROOT``.
        micro_workbook: SAMM's workbook; None takes the one in the root, if any.
        onset_zero: What to do if the onset is 0, which means that the start of the movement is not in the recording or
            was not seen: begin with the ``first_frame`` of the recording, or ``leave_out`` the expression. The apex of
            most such rows is many seconds into the recording, so the clip may show other expressions before it.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="samm_lv",
        title="SAMM Long Videos",
        variable="SAMM_LV_ROOT",
        fps=200,
        emotions=_SAMM.emotions,
        expected={
            "micro": Expected(clips=159, subjects=29, emotions=_SAMM.expected["micro"].emotions),
            "macro": Expected(clips=343, emotions={"(none)": 343}),
        },
        certainty="several sources agree",
        licence=_SAMM.licence,
        request=_SAMM.request,
        tree="""\
SAMMLV/
  SAMM_LongVideos_V3_Release.xlsx        or _V2_, _V1_
  SAMM_longvideos/006_1/006_1_0001.jpg …
  SAMM_Micro_FACS_Codes_v2.xlsx          optional: emotions of the micro-expressions""",
        people=_SAMM.name,
    )
    workbooks = tuple(f"SAMM_LongVideos_V{version}_Release.xlsx" for version in (3, 2, 1))
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("Onset",),
        "apex": ("Apex",),
        "offset": ("Offset",),
        "type": ("Type",),
        "units": ("Action Units",),
    }

    def __init__(
        self,
        root: str | None = None,
        micro_workbook: str | None = None,
        onset_zero: Literal["first_frame", "leave_out"] = "leave_out",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.micro_workbook, self.onset_zero = micro_workbook, onset_zero
        self._codes: dict[str, Record] = {}  # rows of SAMM's workbook by clip

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the coding workbook."""
        self._codes = self._micro_codes(root, report)
        return super().annotations(root, report)

    def sheet(self, root: Path) -> Sheet:
        """Return the sheet with the annotation, the first one if it has another name."""
        sheets = read_workbook(require(root, self.workbooks, "the coding workbook"))
        return sheets.get(_SHEET) or next(iter(sheets.values()))

    def subject(self, record: Record) -> str:
        """Return the number with three digits."""
        return record.text("subject").zfill(3)

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation; the row says which kind it is."""
        written = record.text("type").split(" ")[0].lower()
        if written not in ("micro", "macro"):
            report.fault(record.source, f"type {describe(record['type'])} is unknown; Macro or Micro - 1/2 is expected")
            return None
        row = super().annotation(record, report, "micro" if written == "micro" else "macro")
        assert row is not None
        onset, apex, offset = (_rounded(record[column]) for column in ("onset", "apex", "offset"))
        if whole_number(onset) == 0:
            leave_out = self.onset_zero == "leave_out"
            what = "it is left out" if leave_out else "it begins with the recording's first frame"
            report.note(record.source, f"clip {row.clip}: its onset is 0, i.e. not known, so {what}")
            if leave_out:
                return None
        row = replace(row, onset=Place.FIRST if whole_number(onset) == 0 else onset, apex=apex, offset=offset)
        if row.kind == "macro" or not self._codes:
            return row
        code = self._codes.get(row.clip)
        if code is None:
            report.note(record.source, f"clip {row.clip} is not in SAMM's workbook, so it has no emotion")
            return row
        return replace(row, emotion=code["emotion"], objective_class=code["class"])

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder of the whole recording, which several expressions share."""
        video = "_".join(annotation.clip.split("_")[:2])
        return find_frames(require(root, [_FOLDER], "the folder of recordings"), [video], "its recording")

    def _micro_codes(self, root: Path, report: Report) -> dict[str, Record]:
        """Return the rows of SAMM's workbook by clip; none if there is no workbook."""
        path = Path(self.micro_workbook).expanduser() if self.micro_workbook else find(root, SAMM.workbooks)
        if path is None:
            report.note(
                "emotions",
                f"micro-expressions have none, as SAMM's workbook is missing; put {SAMM.workbooks[0]} into the root or "
                "give its path as micro_workbook",
            )
            return {}
        return {record.text("clip"): record for record in SAMM().records(first_sheet(path))}


def _rounded(cell: CellValue) -> CellValue:
    # The workbook stores frame numbers as floats.
    return round(cell) if isinstance(cell, float) and isfinite(cell) else cell
