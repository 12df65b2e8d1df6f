"""SAMM: 159 micro-expressions of 29 persons at 200 frames per second (Davison et al. 2018)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import Record
from data_modules.databases.tree import find_frames
from data_modules.databases.workbook import WorkbookDatabase

_FOLDERS = {"original": ("SAMM/", ""), "cropped": ("SAMM_CROP/",)}


class SAMM(WorkbookDatabase):
    """Reader of SAMM, whose workbook has notes above the header, 13 rows in the original.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``SAMM_ROOT``.
        frames: ``original``, the frames as given out; ``cropped``, faces cut out by yourself under the same names.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
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
    workbooks = (
        "SAMM_Micro_FACS_Codes_v2.xlsx",
        "SAMM_20181215_Micro_FACS_Codes_v2.xlsx",
        "SAMM_Micro_FACS_Codes_v2.csv",
        "SAMM_20181215_Micro_FACS_Codes_v2.csv",
    )
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("Onset Frame",),
        "apex": ("Apex Frame",),
        "offset": ("Offset Frame",),
        "units": ("Action Units",),
        "emotion": ("Estimated Emotion",),
        "class": ("Objective Classes",),
    }

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["original", "cropped"] = "original",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames

    def subject(self, record: Record) -> str:
        """Return the number with three digits."""
        return record.text("subject").zfill(3)

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames."""
        name = f"{annotation.subject}/{annotation.clip}"
        return find_frames(root, [f"{folder}{name}" for folder in _FOLDERS[self.frames]])
