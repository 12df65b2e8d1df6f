"""DFME, challenge release: 2,629 micro-expressions of 259 persons at 200, 300 or 500 frames/s (Zhao et al.)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from data_modules.annotations import Annotation, Kind, Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.sheets import Record, first_sheet
from data_modules.databases.tree import find_frames, require
from data_modules.databases.workbook import WorkbookDatabase
from lightmannet.errors import ConfigurationError

Split = Literal["train", "test_A", "test_B"]

_WORKBOOKS: dict[Split, str] = {
    "train": "training_full_with_AU.xlsx",
    "test_A": "testA_full_with_AU.xlsx",
    "test_B": "testB_full_with_AU.xlsx",
}
_FOLDERS: dict[Split, str] = {"train": "train_data", "test_A": "test_data_A", "test_B": "test_data_B"}


class DFME(WorkbookDatabase):
    """Reader of the challenge release of DFME.

    All three splits number their subjects from ``sub0001`` but show different people, so the split becomes part of a
    subject's name: ``train_sub0001`` and ``test_A_sub0001`` are two people.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``DFME_ROOT``.
        splits: Those of ``train``, ``test_A`` and ``test_B`` to read, in this order.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.

    Raises:
        ConfigurationError: ``splits`` is empty or names an unknown split or one twice.
    """

    description = Description(
        name="dfme",
        title="DFME",
        variable="DFME_ROOT",
        fps=500,
        emotions=("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
        expected={
            "micro": Expected(
                clips=2629,
                subjects=259,
                emotions={
                    "disgust": 735,
                    "surprise": 447,
                    "sadness": 359,
                    "fear": 365,
                    "happiness": 311,
                    "anger": 241,
                    "contempt": 171,
                },
            )
        },
        certainty="several sources agree",
        licence="by agreement with the owners",
        request="Sign the agreement at mea-lab-421.github.io.",
        tree="""\
DFME/
  full_release_annotation/training_full_with_AU.xlsx, testA_full_with_AU.xlsx, testB_full_with_AU.xlsx
  train_data/sub0003_01/00109.png …         splits: train
  test_data_A/sub0001_01/00020.png …        splits: test_A
  test_data_B/sub0001_01/00020.png …        splits: test_B""",
    )
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "onset": ("OnsetFrame",),
        "apex": ("ApexFrame",),
        "offset": ("OffsetFrame",),
        "emotion": ("Emotion",),
        "fps": ("Fps",),
        "units": ("AU",),
    }

    def __init__(
        self,
        root: str | None = None,
        splits: Sequence[Split] = ("train", "test_A", "test_B"),
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        if not splits or len(set(splits)) != len(splits) or not set(splits) <= set(_WORKBOOKS):
            raise ConfigurationError(
                f"splits: each of {', '.join(_WORKBOOKS)} may be named once, and at least one; {list(splits)} was given"
            )
        self.splits = tuple(splits)

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the rows of the splits' workbooks."""
        return [
            replace(row, subject=f"{split}_{row.subject}")
            for split in self.splits
            for record in self.records(first_sheet(self._workbook(root, split)))
            if (row := self.annotation(record, report)) is not None
        ]

    def annotation(self, record: Record, report: Report, kind: Kind = "micro") -> Annotation | None:
        """Return a row's annotation, whose frame rate must not be blank: the database has none of its own."""
        row = super().annotation(record, report, kind)
        return replace(row, fps="") if row is not None and row.fps is None else row

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames; there are no folders of subjects."""
        split = next(split for split in self.splits if annotation.subject.startswith(f"{split}_"))
        folder = require(root, (_FOLDERS[split],), f"the folder of the split {split}")
        return find_frames(folder, [annotation.clip])

    def _workbook(self, root: Path, split: Split) -> Path:
        name = _WORKBOOKS[split]
        what = f"the annotation of the split {split} (which splits are read is the option `splits`)"
        return require(root, (f"full_release_annotation/{name}", name), what)
