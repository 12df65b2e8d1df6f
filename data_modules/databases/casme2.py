"""CASME II: 255 micro-expressions of 26 persons at 200 frames per second (Yan et al. 2014)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import Record
from data_modules.databases.tree import find_frames, require
from data_modules.databases.workbook import WorkbookDatabase

_FOLDERS = {
    "selected": ("CASME2_RAW_selected", "CASME2-RAW-selected"),
    "raw": ("CASME2-RAW", "CASME2_RAW"),
    "cropped": ("Cropped", "Cropped-updated/Cropped", "Cropped-updated"),
}


class CASME2(WorkbookDatabase):
    """Reader of CASME II.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``CASME2_ROOT``.
        frames: ``cropped``, the registered faces; ``selected``, the camera's frames from onset to offset; ``raw``, all
            frames of the camera.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="casme2",
        title="CASME II",
        variable="CASME2_ROOT",
        fps=200,
        emotions=("happiness", "disgust", "repression", "surprise", "others", "fear", "sadness"),
        expected={
            "micro": Expected(
                clips=255,
                subjects=26,
                emotions={
                    "others": 99,
                    "disgust": 63,
                    "happiness": 32,
                    "repression": 27,
                    "surprise": 25,
                    "sadness": 7,
                    "fear": 2,
                },
            )
        },
        certainty="several sources agree",
        licence="research only, no redistribution",
        request="Send the signed licence agreement to the Institute of Psychology, Chinese Academy of Sciences "
        "(casme.psych.ac.cn).",
        tree="""\
CASME2/
  CASME2-coding-20140508.xlsx               or -20190701.xlsx, -updated.xlsx
  Cropped/sub01/EP02_01f/reg_img46.jpg …    frames: cropped
  CASME2_RAW_selected/sub01/EP02_01f/img46.jpg …    frames: selected
  CASME2-RAW/sub01/EP02_01f/img1.jpg …      frames: raw""",
    )
    workbooks = ("CASME2-coding-20190701.xlsx", "CASME2-coding-updated.xlsx", "CASME2-coding-20140508.xlsx")
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("OnsetFrame",),
        "apex": ("ApexFrame",),
        "offset": ("OffsetFrame",),
        "units": ("Action Units",),
        "emotion": ("Estimated Emotion",),
    }

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["cropped", "selected", "raw"] = "cropped",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames = frames

    def subject(self, record: Record) -> str:
        """Return ``sub01`` for ``1``, ``01`` and ``sub01``."""
        number = record.text("subject").removeprefix("sub")
        return f"sub{number.zfill(2)}" if number else ""

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames."""
        folder = require(root, _FOLDERS[self.frames], f"the folder of {self.frames} frames")
        return find_frames(folder, [f"{annotation.subject}/{annotation.clip}"])
