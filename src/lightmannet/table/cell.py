"""A cell of a table: one run, named by a key of everything that can change its score."""

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import data_modules
import lightmannet
from data_modules.corpus import Corpus
from lightmannet.files import digest_of_files

AFTER_THE_SCORE = ("commands/", "inference/", "pictures/", "report/", "runners/", "sweep/", "timing/")
"""Rooms that no run passes through: changing them repeats no run."""


@dataclass(frozen=True)
class Cell:
    """One run: a method under one condition on one fold with one seed.

    Attributes:
        method: Name of the row.
        condition: Name of the condition; empty in tables without conditions.
        value: Position of the condition on the table's axis, or None.
        fold: Number of the fold.
        seed: Training seed.
        arguments: Command-line arguments that ``Lightning`` parses to make the run.
        oracle_epoch: Also keep the answers of the epoch that was best on the test people.
        key: Digest of everything that can change the score, as ``cell_key``.
    """

    method: str
    condition: str
    value: float | None
    fold: int
    seed: int
    arguments: tuple[str, ...]
    oracle_epoch: bool
    key: str

    @property
    def stem(self) -> str:
        """Path that is unique within the table, e.g. ``MAML/10 %/fold-00.seed-0``."""
        parts = [self.method, *([self.condition] if self.condition else [])]
        return "/".join([*parts, f"fold-{self.fold:02d}.seed-{self.seed}"])

    @property
    def file_name(self) -> str:
        """Path of the cell's result within its table's folder."""
        return f"cells/{self.stem}.{self.key[:12]}.json"

    def __str__(self) -> str:
        condition = f", {self.condition}" if self.condition else ""
        return f"{self.method}{condition}, fold {self.fold}, seed {self.seed}"


def cell_key(arguments: tuple[str, ...], oracle_epoch: bool, corpus_key: str) -> str:
    """Return a digest of everything that can change a run's score: options, code, versions and data.

    Args:
        arguments: As those of a ``Cell``; the content of a configuration file counts, not its path.
        oracle_epoch: As that of a ``Cell``.
        corpus_key: As ``corpus_digest``.
    """
    contents = [
        Path(argument.removeprefix("--config=")).read_text(encoding="utf-8")
        if argument.startswith("--config=")
        else argument
        for argument in arguments
    ]
    contents += ["oracle epoch"] if oracle_epoch else []
    made_with = [code_digest(), *(f"{package} {version}" for package, version in versions().items()), corpus_key]
    return hashlib.sha256("\0".join([*contents, *made_with]).encode()).hexdigest()


@cache
def code_digest() -> str:
    """Return a digest of the code and tables of both packages, without the rooms that only work on finished results."""
    digest = hashlib.sha256()
    for package in (lightmannet, data_modules):
        root = Path(package.__path__[0])
        code = (path for path in root.rglob("*") if path.suffix in {".py", ".csv"})
        counted = [path for path in code if not path.relative_to(root).as_posix().startswith(AFTER_THE_SCORE)]
        digest.update(digest_of_files(counted, root).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return what a score may depend on beside code, data and options: machine type, Python and packages."""
    packages = ("torch", "lightning", "learn2learn", "numpy")
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    """Return the version of an installed package; learn2learn is needed by its own engine alone."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def corpus_digest(*corpora: Corpus) -> str:
    """Return a digest of all clips: ids, labels and pixels."""
    digest = hashlib.sha256()
    for clips in (part for corpus in corpora for part in (corpus.micro, corpus.macro)):
        if clips is not None:
            digest.update("\0".join(clips.ids).encode())
            digest.update(clips.labels.numpy().tobytes())
            digest.update(clips.inputs.numpy().tobytes())
    return digest.hexdigest()
