"""What a table consists of: a cell a method, fold and seed, each with a key of everything that can change its score."""

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from jsonargparse import ArgumentParser

import data_modules
import lightmannet
from data_modules.auxiliary import Auxiliary
from data_modules.base import SubjectDisjointDataModule
from data_modules.corpus import Corpus
from data_modules.episodic import EpisodicDataModule
from lightmannet.cli import Lightning
from lightmannet.errors import ConfigurationError

ProtocolName = Literal["kfold", "loso"]

_PROTOCOLS: dict[ProtocolName, str] = {
    "kfold": "data_modules.SubjectKFold",
    "loso": "data_modules.LeaveOneSubjectOut",
}


@dataclass(frozen=True)
class Method:
    """A row of a table.

    Attributes:
        config: Configuration of the method, relative to the table's file.
        options: Words that ``lightning fit`` would take after it, to change single options.
    """

    config: str
    options: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A table as its YAML file describes it.

    Attributes:
        title: Headline.
        data: Configuration of the corpus, relative to the table's file.
        methods: Rows, by name.
        protocol: ``kfold``, five folds by subject, or ``loso``, leave-one-subject-out.
        seeds: Training seeds; scores are given as mean ± standard deviation over them.
    """

    title: str
    data: str
    methods: dict[str, Method]
    protocol: ProtocolName = "kfold"
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])


@dataclass(frozen=True)
class Cell:
    """One run: a method on one fold with one seed.

    Attributes:
        method: Name of the row.
        fold: Number of the fold.
        seed: Training seed.
        words: What ``Lightning`` parses to make the run.
        key: Digest of everything that can change the score.
    """

    method: str
    fold: int
    seed: int
    words: tuple[str, ...]
    key: str

    @property
    def file_name(self) -> str:
        """Path of the cell's result within its table's folder."""
        return f"cells/{self.method}/fold-{self.fold:02d}.seed-{self.seed}.{self.key[:12]}.json"


@dataclass(frozen=True)
class Plan:
    """A table's cells and the corpus they share."""

    table: Table
    protocol: ProtocolName
    corpus: Corpus
    cells: list[Cell]
    auxiliary: dict[str, Auxiliary]
    """Kind of D^aux by method, for those that have one."""


def read_table(path: Path) -> Table:
    """Read a table's YAML file.

    Raises:
        ConfigurationError: No such file, not YAML, a misspelt key or a value of the wrong type.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such table. The tables are in configs/tables/.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read as YAML: {error}") from error
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--table", type=Table)
    try:
        table: Table = parser.instantiate_classes(parser.parse_object({"table": content})).table
    except Exception as error:
        # jsonargparse names the key and what it may be.
        raise ConfigurationError(f"{path} does not describe a table: {error}") from error
    if not table.methods or not table.seeds:
        raise ConfigurationError(f"{path} needs at least one method and one seed.")
    return table


def make_plan(path: Path, protocol: ProtocolName | None) -> Plan:
    """Read a table and its corpus and list its cells, methods varying fastest so that rows grow together.

    Args:
        path: The table's YAML file.
        protocol: Takes the place of the table's own; None keeps that.

    Raises:
        ConfigurationError: The table cannot be read.
        DataError: The corpus cannot be read.
    """
    table = read_table(path)
    protocol = protocol or table.protocol
    words = {name: _words(path, table, method, protocol) for name, method in table.methods.items()}
    modules = {name: Lightning(list(w), run=False).datamodule for name, w in words.items()}
    first: SubjectDisjointDataModule = next(iter(modules.values()))
    corpus = first.corpus
    folds = len(first.protocol.groups(corpus.micro))
    common = [_code(), *(f"{name} {version}" for name, version in versions().items()), _data(corpus)]
    cells = [
        _cell(name, fold, seed, words[name], common)
        for seed in table.seeds
        for fold in range(folds)
        for name in table.methods
    ]
    auxiliary: dict[str, Auxiliary] = {
        name: module.auxiliary
        for name, module in modules.items()
        if isinstance(module, EpisodicDataModule) and module.auxiliary != "none"
    }
    return Plan(table, protocol, corpus, cells, auxiliary)


def _words(path: Path, table: Table, method: Method, protocol: ProtocolName) -> tuple[str, ...]:
    for name in (method.config, table.data):
        if not (path.parent / name).is_file():
            raise ConfigurationError(f"{path} names {name}, but there is no file {path.parent / name}.")
    return (
        f"--config={path.parent / method.config}",
        f"--config={path.parent / table.data}",
        f"--data.init_args.protocol={_PROTOCOLS[protocol]}",
        # Last epoch, everybody trained on: nothing is chosen, so nobody is set aside to choose with.
        "--data.init_args.validation_fraction=0",
        "--trainer.logger=false",
        "--trainer.enable_checkpointing=false",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.devices=1",
        *method.options,
    )


def _cell(method: str, fold: int, seed: int, words: tuple[str, ...], common: list[str]) -> Cell:
    words = (*words, f"--data.init_args.fold={fold}", f"--seed_everything={seed}")
    # The content of a configuration decides, not where it lies.
    contents = [
        Path(word.removeprefix("--config=")).read_text(encoding="utf-8") if word.startswith("--config=") else word
        for word in words
    ]
    key = hashlib.sha256("\0".join([*contents, *common]).encode()).hexdigest()
    return Cell(method, fold, seed, words, key)


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for package in (lightmannet, data_modules):
        root = Path(package.__path__[0])
        for file in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".csv"}):
            digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return what a score may depend on beside code, data and options: machine type, Python and packages."""
    packages = ("torch", "lightning", "learn2learn", "numpy")
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _data(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for clips in (corpus.micro, corpus.macro):
        if clips is not None:
            digest.update("\0".join(clips.ids).encode())
            digest.update(clips.labels.numpy().tobytes())
            digest.update(clips.inputs.numpy().tobytes())
    return digest.hexdigest()
