"""A table as its YAML file describes it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml
from jsonargparse import ArgumentParser

from data_modules.protocols import LeaveOneSubjectOut, Protocol, SubjectKFold
from lightmannet.config_file import check_config_file
from lightmannet.errors import ConfigurationError

ProtocolName = Literal["kfold", "loso"]
PROTOCOLS: dict[ProtocolName, Protocol] = {"kfold": SubjectKFold(), "loso": LeaveOneSubjectOut()}
"""Protocols that the command line can name in place of the table's own."""


@dataclass(frozen=True)
class Method:
    """A row of a table.

    Attributes:
        config: Configuration of the method, relative to the table's file.
        options: Command-line arguments of ``lightning fit`` that change single options.
    """

    config: str
    options: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Condition:
    """One setting of what a table varies beside the method.

    Attributes:
        options: Command-line arguments that are added to those of every method.
        value: Place on the axis, e.g. 0.2 for a fifth of the labels; None where the settings have no order.
    """

    options: list[str] = field(default_factory=list)
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """A table as its YAML file describes it.

    Attributes:
        title: Headline.
        data: Configuration of the corpus, relative to the table's file, or several, of which each changes those before.
        methods: Rows, by name.
        options: Command-line arguments of every method, before its own.
        protocol: How people are divided, one of ``data_modules.protocols``.
        seeds: Training seeds; scores are given as mean ± standard deviation over them.
        axis: Name of what the conditions vary, e.g. ``label noise``.
        conditions: Settings that each method is run under, by name; a table without any has one, named "".
        baseline: Method that the others are compared with; empty compares with none.
        oracle_epoch: Also keep what the field often reports: answers of the epoch that was best on the test people.
            They stand beside the honest ones, never in their place.
    """

    title: str
    data: str | list[str]
    methods: dict[str, Method]
    options: list[str] = field(default_factory=list)
    protocol: Protocol = field(default_factory=SubjectKFold)
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    axis: str = ""
    conditions: dict[str, Condition] = field(default_factory=lambda: {"": Condition()})
    baseline: str = ""
    oracle_epoch: bool = False


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
        # jsonargparse names the key and its valid values.
        raise ConfigurationError(f"{path} does not describe a table: {error}") from error
    if not table.methods or not table.seeds:
        raise ConfigurationError(f"{path} needs at least one method and one seed.")
    if not table.conditions:
        raise ConfigurationError(f"{path}: conditions is empty; leave it out or name at least one.")
    odd = [name for name in (*table.methods, *table.conditions) if "/" in name or name.startswith(".")]
    if odd:
        raise ConfigurationError(
            f"{path}: {odd[0]!r} cannot be a folder's name; choose one without / and without a leading dot."
        )
    if table.baseline and table.baseline not in table.methods:
        raise ConfigurationError(
            f"{path}: baseline: {table.baseline!r} is not among the methods {list(table.methods)}."
        )
    return table
