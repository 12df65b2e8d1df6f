"""Results on disk: one file a cell, with the answer for each clip."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lightmannet.benchmark.plan import Cell
from lightmannet.files import write_atomically

_FORMAT = 1


@dataclass(frozen=True)
class Answer:
    """What a method said of one clip of a test person."""

    clip: str
    label: int
    probabilities: list[float]

    @property
    def prediction(self) -> int:
        """The most probable class."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Result:
    """A finished cell.

    Attributes:
        method: Name of the row.
        fold: Number of the fold.
        seed: Training seed.
        key: Digest of everything that can change the score.
        words: What made the run.
        config: All its options, the defaults included.
        versions: Versions of the packages it ran with.
        train_subjects: People trained on.
        test_subjects: People tested.
        seconds: Time of training and of predicting.
        answers: One a test clip.
    """

    method: str
    fold: int
    seed: int
    key: str
    words: list[str]
    config: str
    versions: dict[str, str]
    train_subjects: list[str]
    test_subjects: list[str]
    seconds: dict[str, float]
    answers: list[Answer]


def write_result(folder: Path, cell: Cell, result: Result) -> None:
    """Write a cell's result, whole or not at all."""
    write_atomically(folder / cell.file_name, json.dumps({"format": _FORMAT, **asdict(result)}, indent=1))


def read_result(folder: Path, cell: Cell) -> Result | None:
    """Return a cell's result, or None if it has to be run: not there, damaged, or of another key or format.

    A damaged file is set aside under the suffix ``.damaged``, so that nothing is lost.
    """
    path = folder / cell.file_name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT or content["key"] != cell.key:
            return None
        return Result(**{**content, "answers": [Answer(**answer) for answer in content["answers"]]})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        path.replace(path.with_suffix(".damaged"))
        print(f"{path} is damaged; it was set aside as {path.with_suffix('.damaged').name} and its run is repeated.")
        return None
