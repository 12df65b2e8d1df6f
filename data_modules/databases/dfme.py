"""DFME, challenge release: 2,629 micro-expressions of 259 persons at 200, 300 or 500 frames a second (Zhao et al.)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from data_modules.clip_table import Annotation, Report, Source
from data_modules.databases.base import Database, Description, Expected, missing
from data_modules.databases.sheets import Record, read_workbook, table
from data_modules.databases.tree import find, require
from lightmannet.errors import ConfigurationError

Split = Literal["train", "test_A", "test_B"]

_WORKBOOKS: dict[Split, str] = {
    "train": "training_full_with_AU.xlsx",
    "test_A": "testA_full_with_AU.xlsx",
    "test_B": "testB_full_with_AU.xlsx",
}
_FOLDERS: dict[Split, str] = {"train": "train_data", "test_A": "test_data_A", "test_B": "test_data_B"}
_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame",),
    "offset": ("OffsetFrame",),
    "emotion": ("Emotion",),
    "fps": ("Fps",),
    "units": ("AU",),
}


class DFME(Database):
    """Reader of the challenge release of DFME.

    The three splits number their persons alike (``sub0001``) but show different ones, so the split becomes part of a
    person's name: ``train_sub0001`` and ``test_A_sub0001`` are two people.

    Args:
        root: Folder that the archives were unpacked in; None takes the environment variable ``DFME_ROOT``.
        splits: Which of ``train``, ``test_A`` and ``test_B`` to read, in this order.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.

    Raises:
        ConfigurationError: No split is named, an unknown one, or one twice.
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
            self._annotation(split, record)
            for split in self.splits
            for record in table(next(iter(read_workbook(self._workbook(root, split)).values())), _COLUMNS)
        ]

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the clip's folder of frames; there is no folder a person."""
        split = next(split for split in self.splits if annotation.subject.startswith(f"{split}_"))
        folder = require(root, (_FOLDERS[split],), f"the folder of the split {split}")
        clip = find(folder, [annotation.clip])
        if clip is None:
            raise missing("its folder of frames", annotation.clip, folder)
        return clip

    def _workbook(self, root: Path, split: Split) -> Path:
        name = _WORKBOOKS[split]
        what = f"the annotation of the split {split} (which splits are read is the option `splits`)"
        return require(root, (f"full_release_annotation/{name}", name), what)

    def _annotation(self, split: Split, record: Record) -> Annotation:
        return Annotation(
            subject=f"{split}_{record.text('subject')}",
            clip=record.text("clip"),
            kind="micro",
            onset=record["onset"],
            apex=record["apex"],
            offset=record["offset"],
            # Not None, which would mean the database's own: there is none.
            fps="" if record["fps"] is None else record["fps"],
            emotion=record["emotion"],
            action_units=record["units"],
            source=Source(record.sheet.file, record.sheet.name, record.row),
        )
