"""CASME: 195 micro-expressions of 19 persons at 60 frames per second (Yan et al. 2013)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation, Kind, Report, has_no_apex
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import Record, Sheet, describe, first_sheet
from data_modules.databases.tree import files, find, find_frames, folders, listing, require
from data_modules.databases.workbook import WorkbookDatabase
from lightmannet.errors import DataError

_FOLDERS = {
    "cropped": ("Cropped",),
    "selected": ("CASME_raw_selected", "CASME-raw-selected"),
    "raw": ("RAW", "CASME_RAW"),
}
# The full recordings are divided by section: A was filmed in natural light, B under lamps.
_SECTIONS = ("CASME_A/Section A/", "CASME_B/Section B/", "Section A/", "Section B/", "")


class CASME(WorkbookDatabase):
    """Reader of CASME.

    The official name of the workbook is not known, so a workbook of any name is read if it is the only one with the
    columns. It has two columns of apexes, the second for expressions with two peaks: the first is used, and a second
    is noted. A few rows are known to have wrong frame numbers, but not which, so they may be faults, which
    ``leave_out`` skips.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CASME_ROOT``.
        frames: ``cropped``, the registered faces; ``selected``, the cameras' frames from onset to offset; ``raw``,
            the cameras' frames of the whole clip.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="casme",
        title="CASME",
        variable="CASME_ROOT",
        fps=60,
        emotions=("tense", "disgust", "repression", "surprise", "happiness", "sadness", "fear", "contempt"),
        # The paper counts 195 clips, the only known table has 189; clips per emotion are not known for certain.
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
    workbooks = ("casme.xlsx", "casme.xls", "casme.csv")
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("OnsetF", "OnsetFrame"),
        "apex": ("ApexF1", "ApexFrame"),
        "apex2": ("ApexF2",),
        "offset": ("OffsetF", "OffsetFrame"),
        "units": ("AU", "Action Units"),
        "emotion": ("Emotion", "Estimated Emotion"),
    }
    optional = ("apex2",)

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["cropped", "selected", "raw"] = "cropped",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames

    def sheet(self, root: Path) -> Sheet:
        """Return the sheet with the annotation: that of casme.xlsx, or of the only workbook with its columns.

        Raises:
            DataError: There is none, or more than one.
        """
        named = find(root, self.workbooks)
        if named is not None:
            return first_sheet(named)
        folder = root
        while not (found := _workbooks(folder)) and len(inner := folders(folder)) == 1:
            folder = inner[0]  # packed into one more folder
        if len(found) > 1:
            found = [path for path in found if self._has_columns(path)]
        if len(found) == 1:
            return first_sheet(found[0])
        if found:
            raise DataError(
                f"{' and '.join(path.name for path in found)} in {folder} both look like the coding workbook; rename "
                f"the right one to {self.workbooks[0]}"
            )
        raise DataError(
            f"the coding workbook is missing: {self.workbooks[0]}, or another with the columns Subject, Filename, "
            f"OnsetF, ApexF1, OffsetF, AU and Emotion, is expected in {root}, {listing(root)}"
        )

    def subject(self, record: Record) -> str:
        """Return ``sub01`` for ``1``, ``01`` and ``sub01``."""
        return f"sub{record.text('subject').removeprefix('sub').zfill(2)}"

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation; a second apex is noted."""
        if not has_no_apex(record["apex2"]):
            report.note(record.source, f"the second apex, {describe(record['apex2'])}, is not used")
        return super().annotation(record, report, kind)

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames."""
        folder = require(root, _FOLDERS[self.frames], f"the folder of {self.frames} frames")
        name = f"{annotation.subject}/{annotation.clip}"
        names = [f"{section}{name}" for section in _SECTIONS] if self.frames == "raw" else [name]
        return find_frames(folder, names, expected=name)

    def _has_columns(self, path: Path) -> bool:
        try:
            self.records(first_sheet(path))
        except DataError:
            return False
        return True


def _workbooks(folder: Path) -> list[Path]:
    # Spreadsheet programs put a file ~$NAME next to an open one.
    return [path for path in files(folder, (".xlsx", ".xls", ".csv")) if not path.name.startswith("~$")]
