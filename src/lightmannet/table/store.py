"""Results on disk: one file per cell, with the answer for each tested clip."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lightmannet.files import write_atomically
from lightmannet.table.cell import Cell

_FORMAT = 2
# Older files call the arguments "words".
_OF_THE_CELL = {*(field.name for field in fields(Cell)), "words"}


@dataclass(frozen=True)
class TestedClip:
    """A method's answer for one clip of a test person.

    Attributes:
        clip: Id of the clip.
        label: Its class.
        probabilities: One per class.
        episode: Number of the test task within its fold, where clips are recognised in several tasks; else None.
    """

    __test__ = False  # pytest would take it for a class of tests

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
        cell: What was run.
        config: All options of the run, defaults included.
        versions: Versions of the packages it ran with.
        git: Commit of the code, followed by ``dirty`` if files differed; empty outside git.
        train_subjects: People trained on.
        test_subjects: People tested.
        parameters: Number of the method's parameters.
        multiply_adds: Of one forward pass for one clip.
        peak_memory_mb: Largest memory of the process, and of the GPU if there is one.
        seconds: Time of ``training``, of ``predicting`` all test clips, and of ``adapting`` to one support (a mean).
        curve: ``epoch`` and ``train_loss`` of each epoch.
        answers: One per test clip, or one per clip and task; of the last epoch.
        oracle: The same of the epoch that was best on the test people, or None where the table does not ask for it.
        embedding: As ``embedding.alignment_embedding`` returns it, for a method that aligns; else None.
        drawn_clips: Number of ``micro`` and ``macro`` clips drawn in training; None in older files.
        unadapted: The answers of θ itself, for a method that adapts and can answer without; else None.
    """

    cell: Cell
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
    answers: list[TestedClip]
    oracle: list[TestedClip] | None
    embedding: dict[str, Any] | None = None
    drawn_clips: dict[str, int] | None = None
    unadapted: list[TestedClip] | None = None


def write_result(folder: Path, result: Result) -> None:
    """Write a cell's result, whole or not at all."""
    content = asdict(result)
    content = {"format": _FORMAT, **content.pop("cell"), **content}
    write_atomically(folder / result.cell.file_name, json.dumps(content, indent=1))


def read_result(folder: Path, cell: Cell) -> Result | None:
    """Return a cell's result, or None if it has to be run: no file, a damaged one, or one of another key or format.

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
        kept = {name: value for name, value in content.items() if name not in _OF_THE_CELL}
        for name in ("answers", "oracle", "unadapted"):
            if kept.get(name) is not None:
                kept[name] = [TestedClip(**answer) for answer in kept[name]]
        return Result(cell=cell, **kept)
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
    print(f"{path} {why}. It was set aside as {aside.name}, and its run is repeated.")
