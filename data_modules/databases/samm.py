"""SAMM: 159 micro-expressions of 29 persons at 200 frames a second (Davison et al. 2018)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from data_modules.clip_table import Annotation, Report, Source
from data_modules.databases.base import Database, Description, Expected, missing
from data_modules.databases.sheets import Record, read_workbook, table
from data_modules.databases.tree import find, require

WORKBOOKS = (
    "SAMM_Micro_FACS_Codes_v2.xlsx",
    "SAMM_20181215_Micro_FACS_Codes_v2.xlsx",
    "SAMM_Micro_FACS_Codes_v2.csv",
    "SAMM_20181215_Micro_FACS_Codes_v2.csv",
)
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("Onset Frame",),
    "apex": ("Apex Frame",),
    "offset": ("Offset Frame",),
    "units": ("Action Units",),
    "emotion": ("Estimated Emotion",),
    "objective": ("Objective Classes",),
}
_FOLDERS = {"original": ("SAMM/", ""), "cropped": ("SAMM_CROP/",)}


def read_codes(path: Path) -> Iterator[Record]:
    """Return the rows of the micro-expressions' workbook; notes precede its header, 13 rows in the original.

    Args:
        path: The workbook or its csv export.

    Raises:
        DataError: The file is missing or damaged, or lacks a column.
    """
    return table(next(iter(read_workbook(path).values())), _COLUMNS)


class SAMM(Database):
    """Reader of SAMM.

    Args:
        root: Folder that the archives were unpacked in; None takes the environment variable ``SAMM_ROOT``.
        frames: ``original``, the frames as given out; ``cropped``, faces cut out by yourself under the same names.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="samm",
        title="SAMM",
        variable="SAMM_ROOT",
        fps=200,
        # Copies differ in the spelling of the last.
        emotions=("anger", "happiness", "surprise", "contempt", "disgust", "fear", "sadness", "other", "others"),
        expected={
            "micro": Expected(
                clips=159,
                subjects=29,
                emotions={
                    "anger": 57,
                    "other": 26,
                    "happiness": 26,
                    "surprise": 15,
                    "contempt": 12,
                    "disgust": 9,
                    "fear": 8,
                    "sadness": 6,
                },
            )
        },
        certainty="several sources agree",
        licence="academic research only, by agreement",
        request="Send the request form to A. Davison, Manchester Metropolitan University.",
        tree="""\
SAMM/
  SAMM_Micro_FACS_Codes_v2.xlsx          or SAMM_20181215_Micro_FACS_Codes_v2.xlsx, or their .csv exports
  006/006_1_2/006_05562.jpg …            frames: original; or in a folder SAMM/
  SAMM_CROP/006/006_1_2/006_05562.jpg …  frames: cropped""",
    )

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["original", "cropped"] = "original",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the coding workbook."""
        return [
            Annotation(
                subject=record.text("subject").zfill(3),
                clip=record.text("clip"),
                kind="micro",
                onset=record["onset"],
                apex=record["apex"],
                offset=record["offset"],
                emotion=record["emotion"],
                action_units=record["units"],
                objective_class=record["objective"],
                source=Source(record.sheet.file, record.sheet.name, record.row),
            )
            for record in read_codes(require(root, WORKBOOKS, "the coding workbook"))
        ]

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames."""
        name = f"{annotation.subject}/{annotation.clip}"
        names = [f"{folder}{name}" for folder in _FOLDERS[self.frames]]
        clip = find(root, names)
        if clip is None:
            raise missing("its folder of frames", " or ".join(names), root)
        return clip
