"""The plan of a table: its cells, and the clips that they test."""

import json
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from data_modules.auxiliary import AuxiliarySource
from data_modules.base import SubjectDisjointDataModule
from data_modules.corpus import Corpus
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import Protocol
from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.lightning_cli import Lightning
from lightmannet.metrics.scores import person_of
from lightmannet.table.cell import Cell, cell_key, corpus_digest
from lightmannet.table.description import PROTOCOLS, Condition, ProtocolName, Table, read_table


@dataclass(frozen=True)
class ExcludedPeople:
    """What the protocol would test but no task can: tasks need more clips of a person than some people have.

    Attributes:
        people: Number of people without any tested clip.
        clips: Number of clips that are not tested, of these people and of others.
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
        tested: Ids of the clips that all folds together test, each once, by condition.
        excluded: Who cannot be tested, by condition; only conditions that exclude somebody.
        cells: The runs.
        auxiliary: Source of D^aux by method, for those that have one.
    """

    table: Table
    protocol: Protocol
    corpus: Corpus
    tested: dict[str, tuple[str, ...]]
    excluded: dict[str, ExcludedPeople]
    cells: list[Cell]
    auxiliary: dict[str, AuxiliarySource]


@dataclass(frozen=True)
class _Tests:
    """What one condition tests.

    Attributes:
        corpus: The clips of the condition.
        folds: Number of folds.
        ids: Ids of the tested clips.
        excluded: Who cannot be tested; None if everybody is.
    """

    corpus: Corpus
    folds: int
    ids: tuple[str, ...]
    excluded: ExcludedPeople | None


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
        table = replace(table, protocol=PROTOCOLS[protocol])
    cells: list[Cell] = []
    auxiliary: dict[str, AuxiliarySource] = {}
    tests: dict[str, _Tests] = {}
    for name, condition in table.conditions.items():
        arguments = {method: _arguments(path, table, method, condition) for method in table.methods}
        modules = {method: _data_module(path, method, its) for method, its in arguments.items()}
        for method, (module, _) in modules.items():
            if module.auxiliary is not None:
                auxiliary.setdefault(method, module.auxiliary)
        tests[name] = _tests(path, name, modules)
        corpus = tests[name].corpus
        keys = {method: corpus_digest(corpus, *_read_beside(module)) for method, (module, _) in modules.items()}
        for seed in table.seeds:
            for fold in range(tests[name].folds):
                for method in table.methods:
                    its = (*arguments[method], f"--data.init_args.fold={fold}", f"--seed_everything={seed}")
                    key = cell_key(its, table.oracle_epoch, keys[method])
                    cells.append(Cell(method, name, condition.value, fold, seed, its, table.oracle_epoch, key))
    # The first seed of everything, then the second …
    cells.sort(key=lambda cell: table.seeds.index(cell.seed))
    return Plan(
        table=table,
        protocol=table.protocol,
        corpus=next(iter(tests.values())).corpus,
        tested={name: its.ids for name, its in tests.items()},
        excluded={name: its.excluded for name, its in tests.items() if its.excluded is not None},
        cells=cells,
        auxiliary=auxiliary,
    )


def _read_beside(module: SubjectDisjointDataModule) -> tuple[Corpus, ...]:
    return module.auxiliary.read if module.auxiliary is not None else ()


def _arguments(path: Path, table: Table, method: str, condition: Condition) -> tuple[str, ...]:
    """Return the command-line arguments of a row, without fold and seed."""
    config, options = table.methods[method].config, table.methods[method].options
    data = [table.data] if isinstance(table.data, str) else table.data
    for name in (config, *data):
        if not (path.parent / name).is_file():
            raise ConfigurationError(f"{path} names {name}, but there is no file {path.parent / name}.")
    assert is_dataclass(table.protocol)  # as its docstring says
    assert not isinstance(table.protocol, type)
    name = f"data_modules.{type(table.protocol).__name__}"
    protocol = {"class_path": name, "init_args": asdict(table.protocol)}
    return (
        f"--config={path.parent / config}",
        *(f"--config={path.parent / name}" for name in data),
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


def _data_module(path: Path, method: str, arguments: tuple[str, ...]) -> tuple[SubjectDisjointDataModule, Any]:
    """Return a row's data module and the options of its corpus; all options are read, so a mistake shows at once."""
    try:
        cli = Lightning(list(arguments), run=False)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}, method {method}: {error}") from error
    return cli.datamodule, cli.config.data.init_args.corpus


def _tests(path: Path, condition: str, rows: dict[str, tuple[SubjectDisjointDataModule, Any]]) -> _Tests:
    """Return what a condition tests, having checked that each fold of each row can be filled."""
    first, source = next(iter(rows.values()))
    corpus = first.corpus
    first.protocol.check(corpus.micro, corpus.classes)
    folds = len(first.protocol.groups(corpus.micro))
    # A row with another corpus may have other clips; its runs check themselves.
    same = {method: module for method, (module, its) in rows.items() if its == source}
    testable: set[str] = set()
    for method, module in same.items():
        for fold in range(folds):
            try:
                testable.update(module.tested_ids(corpus, fold))
            except LightmanNetError as error:
                row = f"{path}, method {method}{f', {condition}' if condition else ''}, fold {fold}"
                raise type(error)(f"{row}: {error}") from error
    everything = first.protocol.tested(corpus.micro)
    ids = tuple(clip for clip in everything if clip in testable)
    if len(ids) == len(everything):
        return _Tests(corpus, folds, ids, None)
    tasks = next(module for module in same.values() if isinstance(module, EpisodicDataModule))
    needed = f"{tasks.n_way} classes with {tasks.n_shot + tasks.n_query} clips each"
    people = {*map(person_of, everything)} - {*map(person_of, ids)}
    return _Tests(corpus, folds, ids, ExcludedPeople(len(people), len(everything) - len(ids), needed))
