"""What a table consists of: a cell a method, fold and seed, each with a key of everything that can change its score."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonargparse import ArgumentParser

import data_modules
import lightmannet
from data_modules.auxiliary import AuxiliarySource
from data_modules.base import SubjectDisjointDataModule
from data_modules.corpus import Corpus
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import LeaveOneSubjectOut, Protocol, SubjectKFold
from lightmannet.config_file import check_config_file
from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.lightning_cli import Lightning
from lightmannet.metrics.scores import person_of

ProtocolName = Literal["kfold", "loso"]

_PROTOCOLS: dict[ProtocolName, Protocol] = {"kfold": SubjectKFold(), "loso": LeaveOneSubjectOut()}


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
class Condition:
    """One setting of what a table varies beside the method.

    Attributes:
        options: Words that every method's command line takes, after its own.
        value: Place on the axis, e.g. 0.2 for a fifth of the labels; None where the settings have no order.
    """

    options: list[str] = field(default_factory=list)
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """A table as its YAML file describes it.

    Attributes:
        title: Headline.
        data: Configuration of the corpus, relative to the table's file.
        methods: Rows, by name.
        options: Words that every method's command line takes before its own.
        protocol: How people are divided, one of ``data_modules.protocols``.
        seeds: Training seeds; scores are given as mean ± standard deviation over them.
        axis: Name of what the conditions vary, e.g. ``label noise``.
        conditions: Settings that each method is run under, by name; without any there is one, without a name.
        baseline: Method that the others are compared with; empty compares with none.
        oracle_epoch: Also keep what the field often reports: answers of the epoch that was best on the test people.
            They stand beside the honest ones, never in their place.
    """

    title: str
    data: str
    methods: dict[str, Method]
    options: list[str] = field(default_factory=list)
    protocol: Protocol = field(default_factory=SubjectKFold)
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    axis: str = ""
    conditions: dict[str, Condition] = field(default_factory=lambda: {"": Condition()})
    baseline: str = ""
    oracle_epoch: bool = False


@dataclass(frozen=True)
class Cell:
    """One run: a method under one condition on one fold with one seed.

    Attributes:
        method: Name of the row.
        condition: Name of the condition; empty where the table has none.
        value: Place of the condition on the table's axis, or None.
        fold: Number of the fold.
        seed: Training seed.
        words: What ``Lightning`` parses to make the run.
        oracle_epoch: Also keep the answers of the epoch that was best on the test people.
        key: Digest of everything that can change the score.
    """

    method: str
    condition: str
    value: float | None
    fold: int
    seed: int
    words: tuple[str, ...]
    oracle_epoch: bool
    key: str

    @property
    def stem(self) -> str:
        """What tells the cell from the others of its table, as a path: ``MAML/10 %/fold-00.seed-0``."""
        parts = [self.method, *([self.condition] if self.condition else [])]
        return "/".join([*parts, f"fold-{self.fold:02d}.seed-{self.seed}"])

    @property
    def file_name(self) -> str:
        """Path of the cell's result within its table's folder."""
        return f"cells/{self.stem}.{self.key[:12]}.json"

    def __str__(self) -> str:
        condition = f", {self.condition}" if self.condition else ""
        return f"{self.method}{condition}, fold {self.fold}, seed {self.seed}"


@dataclass(frozen=True)
class LeftOut:
    """Who is not asked about, though the protocol tests them: tasks need more clips than they show.

    Attributes:
        people: Number of people without any clip that is asked about.
        clips: Number of clips that are not asked about, of these people and of others.
        needed: What a task needs of a person.
    """

    people: int
    clips: int
    needed: str


@dataclass(frozen=True)
class Plan:
    """A table's cells and what they share.

    Attributes:
        table: The table.
        protocol: How people are divided; a condition may change its options.
        corpus: The clips.
        tested: Ids of the clips that all folds together ask about, each once, by condition.
        left_out: Who is not asked about, by condition; only those conditions where there is somebody.
        cells: What is to be run.
        auxiliary: Source of D^aux by method, for those that have one.
    """

    table: Table
    protocol: Protocol
    corpus: Corpus
    tested: dict[str, tuple[str, ...]]
    left_out: dict[str, LeftOut]
    cells: list[Cell]
    auxiliary: dict[str, AuxiliarySource]


def read_table(path: Path) -> Table:
    """Read a table's YAML file.

    Raises:
        ConfigurationError: No such file, not YAML, a misspelt key or a value of the wrong type.
    """
    if path.is_file():
        check_config_file(str(path))
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
    if not table.conditions:
        raise ConfigurationError(f"{path}: conditions is empty; leave it out, or name one at least.")
    odd = [name for name in (*table.methods, *table.conditions) if "/" in name or name.startswith(".")]
    if odd:
        raise ConfigurationError(f"{path}: {odd[0]!r} cannot be a folder's name; take one without / and leading dot.")
    if table.baseline and table.baseline not in table.methods:
        raise ConfigurationError(f"{path}: baseline: {table.baseline!r} is none of the methods, {list(table.methods)}.")
    return table


def make_plan(path: Path, protocol: ProtocolName | None) -> Plan:
    """Read a table and its corpus and list its cells, methods varying fastest so that rows grow together.

    Args:
        path: The table's YAML file.
        protocol: Takes the place of the table's own; None keeps that.

    Raises:
        ConfigurationError: The table cannot be read, or a method's options are wrong.
        DataError: The corpus cannot be read, or cannot fill the protocol or a method's tasks; the message says which
            class or people are short.
    """
    table = read_table(path)
    if protocol is not None:
        table = replace(table, protocol=_PROTOCOLS[protocol])
    cells: list[Cell] = []
    auxiliary: dict[str, AuxiliarySource] = {}
    tested: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, LeftOut] = {}
    corpora: list[Corpus] = []
    for name, condition in table.conditions.items():
        words = {method: _words(path, table, method, condition) for method in table.methods}
        rows = {method: _data_module(path, method, mine) for method, mine in words.items()}
        for method, (module, _) in rows.items():
            if isinstance(module, EpisodicDataModule) and module.auxiliary is not None:
                auxiliary.setdefault(method, module.auxiliary)
        first, source = next(iter(rows.values()))
        corpora.append(first.corpus)
        first.protocol.check(first.corpus.micro, first.corpus.classes)
        folds = len(first.protocol.groups(first.corpus.micro))
        # A row with another corpus is not known to have these clips; its runs check themselves.
        same = {method: module for method, (module, its) in rows.items() if its == source}
        asked = {
            clip
            for method, module in same.items()
            for fold in range(folds)
            for clip in _asked(f"{path}, method {method}{f', {name}' if name else ''}", module, first.corpus, fold)
        }
        all_tested = first.protocol.tested(first.corpus.micro)
        tested[name] = tuple(clip for clip in all_tested if clip in asked)
        if len(tested[name]) < len(all_tested):
            left_out[name] = _left_out(all_tested, tested[name], [*same.values()])
        common = [
            code_digest(),
            *(f"{package} {version}" for package, version in versions().items()),
            _data(first.corpus),
        ]
        cells += [
            _cell(method, name, fold, seed, words[method], table, common)
            for seed in table.seeds
            for fold in range(folds)
            for method in table.methods
        ]
    # The first seed of everything, then the second …
    cells.sort(key=lambda cell: table.seeds.index(cell.seed))
    return Plan(table, table.protocol, corpora[0], tested, left_out, cells, auxiliary)


def _data_module(path: Path, method: str, words: tuple[str, ...]) -> tuple[SubjectDisjointDataModule, Any]:
    """Return a row's data module and the options of its corpus; all options are read, so a mistake shows at once."""
    try:
        cli = Lightning(list(words), run=False)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}, method {method}: {error}") from error
    return cli.datamodule, cli.config.data.init_args.corpus


def _asked(row: str, module: SubjectDisjointDataModule, corpus: Corpus, fold: int) -> tuple[str, ...]:
    try:
        return module.tested_ids(corpus, fold)
    except LightmanNetError as error:
        raise type(error)(f"{row}, fold {fold}: {error}") from error


def _left_out(tested: tuple[str, ...], asked: tuple[str, ...], modules: list[SubjectDisjointDataModule]) -> LeftOut:
    tasks = next(module for module in modules if isinstance(module, EpisodicDataModule))
    needed = f"{tasks.n_way} classes with {tasks.n_shot + tasks.n_query} clips each"
    return LeftOut(len({*map(person_of, tested)} - {*map(person_of, asked)}), len(tested) - len(asked), needed)


def _words(path: Path, table: Table, method: str, condition: Condition) -> tuple[str, ...]:
    config, options = table.methods[method].config, table.methods[method].options
    for name in (config, table.data):
        if not (path.parent / name).is_file():
            raise ConfigurationError(f"{path} names {name}, but there is no file {path.parent / name}.")
    protocol = {"class_path": f"data_modules.{type(table.protocol).__name__}", "init_args": _options(table.protocol)}
    return (
        f"--config={path.parent / config}",
        f"--config={path.parent / table.data}",
        f"--data.init_args.protocol={json.dumps(protocol)}",
        # Last epoch, everybody trained on: nothing is chosen, so nobody is set aside to choose with.
        "--data.init_args.validation_fraction=0",
        "--trainer.logger=false",
        "--trainer.enable_checkpointing=false",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.devices=1",
        *table.options,
        *options,
        *condition.options,
    )


def _options(protocol: Protocol) -> dict[str, Any]:
    assert is_dataclass(protocol)  # as its docstring says
    assert not isinstance(protocol, type)
    return asdict(protocol)


def _cell(
    method: str, condition: str, fold: int, seed: int, words: tuple[str, ...], table: Table, common: list[str]
) -> Cell:
    words = (*words, f"--data.init_args.fold={fold}", f"--seed_everything={seed}")
    # The content of a configuration decides, not where it lies.
    contents = [
        Path(word.removeprefix("--config=")).read_text(encoding="utf-8") if word.startswith("--config=") else word
        for word in words
    ]
    contents += ["oracle epoch"] if table.oracle_epoch else []
    key = hashlib.sha256("\0".join([*contents, *common]).encode()).hexdigest()
    value = table.conditions[condition].value
    return Cell(method, condition, value, fold, seed, words, table.oracle_epoch, key)


AFTER_THE_SCORE = ("commands/", "inference/", "pictures/", "report/", "runners/", "sweep/", "timing/")
"""Rooms that no run passes through: changing them repeats no run."""


@cache
def code_digest() -> str:
    """Return a digest of the code and tables of the two packages, without what only works on finished results."""
    digest = hashlib.sha256()
    for package in (lightmannet, data_modules):
        root = Path(package.__path__[0])
        for file in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".csv"}):
            name = file.relative_to(root).as_posix()
            if not name.startswith(AFTER_THE_SCORE):
                digest.update(name.encode() + file.read_bytes())
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
