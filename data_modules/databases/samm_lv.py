"""SAMM Long Videos: 343 macro- and 159 micro-expressions in 147 recordings of 30 persons (Yap et al. 2020)."""

from math import isfinite
from pathlib import Path
from typing import Literal

from data_modules.clip_table import Annotation, Place, Report, Source, whole_number
from data_modules.databases.base import Database, Description, Expected, missing
from data_modules.databases.samm import SAMM, WORKBOOKS, read_codes
from data_modules.databases.sheets import Cell, Record, describe, read_workbook, table
from data_modules.databases.tree import find, require

_WORKBOOKS = tuple(f"SAMM_LongVideos_V{version}_Release.xlsx" for version in (3, 2, 1))
_SHEET = "FACS_Movement_Only"
_FOLDER = "SAMM_longvideos"
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset",),
    "apex": ("Apex",),
    "offset": ("Offset",),
    "type": ("Type",),
    "units": ("Action Units",),
}
_SAMM = SAMM.description


class SAMMLongVideos(Database):
    """Reader of SAMM Long Videos, whose persons and micro-expressions are those of SAMM.

    The workbook gives no emotions. Micro-expressions take theirs, and their objective classes, from SAMM's workbook if
    it is there; macro-expressions have none. In some copies the recording 012_4 ends before its expression 012_4_1
    begins, which is a fault that ``leave_out`` passes over.

    Args:
        root: Folder that the archives were unpacked in; None takes the environment variable ``SAMM_LV_ROOT``.
        micro_workbook: SAMM's workbook; None takes the one that lies in the root, if any.
        onset_zero: What to do where the onset is 0, which means that the start of the movement is not in the recording
            or was not seen: begin with the ``first_frame`` of the recording, or ``leave_out`` the expression. The apex
            of most such rows lies many seconds into the recording, so the clip may show other expressions before it.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
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
  SAMM_Micro_FACS_Codes_v2.xlsx          if wanted: emotions of the micro-expressions""",
        people=_SAMM.name,
    )

    def __init__(
        self,
        root: str | None = None,
        micro_workbook: str | None = None,
        onset_zero: Literal["first_frame", "leave_out"] = "leave_out",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.micro_workbook, self.onset_zero = micro_workbook, onset_zero

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the coding workbook, which notes precede, 9 rows in the original."""
        sheets = read_workbook(require(root, _WORKBOOKS, "the coding workbook"))
        sheet = sheets.get(_SHEET) or next(iter(sheets.values()))
        codes = self._micro_codes(root, report)
        annotations = []
        for record in table(sheet, _COLUMNS):
            source = Source(sheet.file, sheet.name, record.row)
            kind = record.text("type").split(" ")[0].lower()
            if kind not in ("micro", "macro"):
                report.fault(source, f"type {describe(record['type'])} is unknown; Macro or Micro - 1/2 is expected")
                continue
            clip = record.text("clip")
            onset: Cell | Place = _rounded(record["onset"])
            if whole_number(onset) == 0:
                if self.onset_zero == "leave_out":
                    report.note(source, f"clip {clip}: its onset is 0, not known, so it is left out")
                    continue
                report.note(
                    source, f"clip {clip}: its onset is 0, not known, so it begins with the recording's first frame"
                )
                onset = Place.FIRST
            code = codes.get(clip) if kind == "micro" else None
            if codes and kind == "micro" and code is None:
                report.note(source, f"clip {clip}: SAMM's workbook does not have it, so it has no emotion")
            annotations.append(
                Annotation(
                    subject=record.text("subject").zfill(3),
                    clip=clip,
                    kind="micro" if kind == "micro" else "macro",
                    onset=onset,
                    apex=_rounded(record["apex"]),
                    offset=_rounded(record["offset"]),
                    emotion=code["emotion"] if code else None,
                    action_units=record["units"],
                    objective_class=code["objective"] if code else None,
                    source=source,
                )
            )
        return annotations

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder of the whole recording, which several expressions share."""
        video = "_".join(annotation.clip.split("_")[:2])
        folder = require(root, [_FOLDER], "the folder of recordings")
        recording = find(folder, [video])
        if recording is None:
            raise missing("its recording", video, folder)
        return recording

    def _micro_codes(self, root: Path, report: Report) -> dict[str, Record]:
        """Return the rows of SAMM's workbook by clip; none if there is no workbook."""
        path = Path(self.micro_workbook).expanduser() if self.micro_workbook else find(root, WORKBOOKS)
        if path is None:
            report.note(
                "emotions",
                f"micro-expressions have none, as SAMM's workbook is not there; put {WORKBOOKS[0]} into the root "
                "or name it as micro_workbook",
            )
            return {}
        return {record.text("clip"): record for record in read_codes(path)}


def _rounded(cell: Cell) -> Cell:
    # The workbook holds frames as floats.
    return round(cell) if isinstance(cell, float) and isfinite(cell) else cell
