"""Results on disk: one file a cell, with the answer for each clip."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lightmannet.files import write_atomically
from lightmannet.table.plan import Cell

_FORMAT = 2


@dataclass(frozen=True)
class Answer:
    """What a method said of one clip of a test person.

    Attributes:
        clip: Id of the clip.
        label: Its class.
        probabilities: One a class.
        episode: Number of the test task within its fold, where clips are recognised in several tasks; else None.
    """

    clip: str
    label: int
    probabilities: list[float]
    episode: int | None = None

    @property
    def prediction(self) -> int:
        """The most probable class."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Result:
    """A finished cell.

    Attributes:
        method: Name of the row.
        condition: Name of the condition; empty where the table has none.
        value: Place of the condition on the table's axis, or None.
        fold: Number of the fold.
        seed: Training seed.
        key: Digest of everything that can change the score.
        words: What made the run.
        config: All its options, the defaults included.
        versions: Versions of the packages it ran with.
        git: Commit of the code, with ``dirty`` behind it if files differed; empty outside git.
        train_subjects: People trained on.
        test_subjects: People tested.
        parameters: Number of the method's parameters.
        multiply_adds: Of one forward pass for one clip.
        peak_memory_mb: Largest memory of the process, and of the GPU if there is one.
        seconds: Time of ``training``, of ``predicting`` all test clips, and of ``adapting`` to one support (a mean).
        curve: ``epoch`` and ``train_loss`` of each epoch.
        answers: One a test clip, and one a task where it is recognised in several; of the last epoch.
        oracle: The same of the epoch that was best on the test people, or None where the table does not ask for it.
        embedding: What ``embedding.alignment_embedding`` gives, for a method that aligns; else None.
    """

    method: str
    condition: str
    value: float | None
    fold: int
    seed: int
    key: str
    words: list[str]
    config: str
    versions: dict[str, str]
    git: str
    train_subjects: list[str]
    test_subjects: list[str]
    parameters: int
    multiply_adds: int
    peak_memory_mb: float
    seconds: dict[str, float]
    curve: list[dict[str, float]]
    answers: list[Answer]
    oracle: list[Answer] | None
    embedding: dict[str, Any] | None = None


def write_result(folder: Path, cell: Cell, result: Result) -> None:
    """Write a cell's result, whole or not at all."""
    write_atomically(folder / cell.file_name, json.dumps({"format": _FORMAT, **asdict(result)}, indent=1))


def read_result(folder: Path, cell: Cell) -> Result | None:
    """Return a cell's result, or None if it has to be run: not there, damaged, or of another key or format.

    A file that cannot be used is named and set aside, as ``.damaged`` or ``.other-format``, so that nothing is lost.
    """
    path = folder / cell.file_name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            _set_aside(path, ".other-format", "was written by another version of this program")
            return None
        if content["key"] != cell.key:
            _set_aside(path, ".damaged", "holds another run than its name says")
            return None
        oracle = content["oracle"]
        return Result(
            **{
                **content,
                "answers": [Answer(**answer) for answer in content["answers"]],
                "oracle": None if oracle is None else [Answer(**answer) for answer in oracle],
            }
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        _set_aside(path, ".damaged", "is damaged")
        return None


def _set_aside(path: Path, suffix: str, why: str) -> None:
    aside = path.with_suffix(suffix)
    # Another runner may have done the same a moment ago.
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
    print(f"{path} {why}; it was set aside as {aside.name} and its run is repeated.")
