"""CASME: 195 micro-expressions of 19 persons at 60 frames a second (Yan et al. 2013)."""

from pathlib import Path
from typing import Literal

from data_modules.clip_table import Annotation, Report, Source, has_no_apex
from data_modules.databases.base import Database, Description, Expected, missing
from data_modules.databases.sheets import Sheet, describe, read_workbook, table
from data_modules.databases.tree import files, find, folders, listing, require
from lightmannet.errors import DataError

_WORKBOOKS = ("casme.xlsx", "casme.xls", "casme.csv")
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetF", "OnsetFrame"),
    "apex": ("ApexF1", "ApexFrame"),
    "apex2": ("ApexF2",),
    "offset": ("OffsetF", "OffsetFrame"),
    "units": ("AU", "Action Units"),
    "emotion": ("Emotion", "Estimated Emotion"),
}
_OPTIONAL = ("apex2",)
_FOLDERS = {
    "cropped": ("Cropped",),
    "selected": ("CASME_raw_selected", "CASME-raw-selected"),
    "raw": ("RAW", "CASME_RAW"),
}
# The full recordings lie apart by section: A was filmed in natural light, B under lamps.
_SECTIONS = ("CASME_A/Section A/", "CASME_B/Section B/", "Section A/", "Section B/", "")


class CASME(Database):
    """Reader of CASME.

    The official name of the workbook is not known, so a workbook of any name is taken if it alone has the columns. It
    has two columns of apexes, the second for expressions with two peaks: the first is used, and a second is noted. A
    few rows are known to have wrong frame numbers; the clips they belong to are not known by name, so they may be
    faults, which ``leave_out`` passes over.

    Args:
        root: Folder that the archives were unpacked in; None takes the environment variable ``CASME_ROOT``.
        frames: ``cropped``, the registered faces; ``selected``, the cameras' frames from onset to offset; ``raw``,
            those of the whole clip.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="casme",
        title="CASME",
        variable="CASME_ROOT",
        fps=60,
        emotions=("tense", "disgust", "repression", "surprise", "happiness", "sadness", "fear", "contempt"),
        # The paper counts 195 clips, the one table that was seen has 189; clips an emotion are not known for certain.
        expected={"micro": Expected(clips=189, subjects=19)},
        certainty="one source",
        licence="research only, no redistribution",
        request="Send the signed licence agreement to the Institute of Psychology, Chinese Academy of Sciences "
        "(casme.psych.ac.cn).",
        tree="""\
CASME/
  casme.xlsx                                     or another workbook with the columns Subject, Filename, OnsetF, …
  Cropped/sub01/EP01_5/reg_EP01_5-113.jpg …      frames: cropped
  CASME_raw_selected/sub01/EP01_5/EP01_5-113.jpg …    frames: selected
  RAW/CASME_A/Section A/sub01/EP01_5/…           frames: raw; section B likewise""",
    )

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["cropped", "selected", "raw"] = "cropped",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the coding workbook."""
        sheet = _coding_sheet(root)
        annotations = []
        for record in table(sheet, _COLUMNS, _OPTIONAL):
            source = Source(sheet.file, sheet.name, record.row)
            if not has_no_apex(record["apex2"]):
                report.note(source, f"a second apex, {describe(record['apex2'])}, is not used")
            annotations.append(
                Annotation(
                    subject=f"sub{record.text('subject').removeprefix('sub').zfill(2)}",
                    clip=record.text("clip"),
                    kind="micro",
                    onset=record["onset"],
                    apex=record["apex"],
                    offset=record["offset"],
                    emotion=record["emotion"],
                    action_units=record["units"],
                    source=source,
                )
            )
        return annotations

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames."""
        folder = require(root, _FOLDERS[self.frames], f"the folder of {self.frames} frames")
        name = f"{annotation.subject}/{annotation.clip}"
        clip = find(folder, [f"{section}{name}" for section in _SECTIONS] if self.frames == "raw" else [name])
        if clip is None:
            raise missing("its folder of frames", name, folder)
        return clip


def _coding_sheet(root: Path) -> Sheet:
    """Return the sheet with the annotation: that of casme.xlsx, or of the only workbook that has its columns."""
    named = find(root, _WORKBOOKS)
    if named is not None:
        return _first_sheet(named)
    folder = root
    while not (found := _workbooks(folder)) and len(inner := folders(folder)) == 1:
        folder = inner[0]  # packed into one more folder
    if len(found) > 1:
        found = [path for path in found if _has_columns(path)]
    if len(found) == 1:
        return _first_sheet(found[0])
    if found:
        raise DataError(
            f"{' and '.join(path.name for path in found)} in {folder} both look like the coding workbook; rename the "
            f"right one to {_WORKBOOKS[0]}"
        )
    raise DataError(
        f"the coding workbook is missing: {_WORKBOOKS[0]}, or another with the columns Subject, Filename, OnsetF, "
        f"ApexF1, OffsetF, AU and Emotion, is expected in {root}, {listing(root)}"
    )


def _workbooks(folder: Path) -> list[Path]:
    # A spreadsheet program puts a file ~$NAME beside one that is open.
    return [path for path in files(folder, (".xlsx", ".xls", ".csv")) if not path.name.startswith("~$")]


def _has_columns(path: Path) -> bool:
    try:
        table(_first_sheet(path), _COLUMNS, _OPTIONAL)
    except DataError:
        return False
    return True


def _first_sheet(path: Path) -> Sheet:
    return next(iter(read_workbook(path).values()))
