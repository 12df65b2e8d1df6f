"""``--data PATH`` on a command line: one's own clips, with as many classes as they have."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import data_modules
from data_modules.databases.own import OwnDatabase
from data_modules.databases.registry import own_reader
from data_modules.databases.table import TABLES
from data_modules.schemes import LABELS
from lightmannet.errors import ConfigurationError
from lightmannet.packaged import config_path

_CORPUS = "--data.init_args.corpus.init_args"
_DEFAULT_CLASSES = 3


def with_own_data(words: Sequence[str]) -> list[str]:
    """Return a command line in which ``--data`` with a folder, a table or the name of a corpus is written out.

    Args:
        words: The words after the program's name, e.g. ``["fit", "--config", "lightmannet.yaml", "--data", "mine"]``.

    Raises:
        ConfigurationError: A path where there is nothing.
        DataError: A folder or table whose clips cannot be listed.
    """
    found: list[str] = []
    waiting: list[str] = []  # a method's configuration that comes later would replace the corpus
    rest = list(words)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if not equals and option in ("--data", "--config", "-c") and rest:
            value = rest.pop(0)
            given = [word, value]
        else:
            given = [word]
        written = _written_out(value) if option == "--data" and value else None
        if written is None:
            found += given
        elif any(other.startswith(("--config", "-c")) for other in found):
            found += written
        else:
            waiting += written
        if option in ("--config", "-c"):
            found += waiting
            waiting = []
    return found + waiting


def set_classes(config: Any) -> None:
    """Give the network and the tasks of a run on one's own clips as many classes as these have.

    Args:
        config: The run's options, changed in place; those of runs on other clips are left alone.

    Raises:
        DataError: The clips cannot be listed.
    """
    corpus = config.get("data.init_args.corpus")
    options = (corpus.get("init_args") if corpus is not None else None) or {}
    readers = [_own(part) for part in options.get("micro") or []]
    if options.get("scheme") != LABELS or not readers or None in readers:
        return
    classes = len({label for reader in readers if reader is not None for label in reader.labels()})
    network = config.get("model.init_args.network.init_args")
    if network is not None and "n_classes" in network:
        network["n_classes"] = classes
    data = config.get("data.init_args")
    if data.get("n_way") == _DEFAULT_CLASSES:
        data["n_way"] = classes


def _own(part: Any) -> OwnDatabase | None:
    """Return the reader that a configuration names, if it is one of one's own clips."""
    kind = getattr(data_modules, str(part.get("class_path")).rpartition(".")[2], None)
    if not isinstance(kind, type) or not issubclass(kind, OwnDatabase):
        return None
    return kind(**dict(part.get("init_args") or {}))


def _written_out(value: str) -> list[str] | None:
    """Return the words that a value of ``--data`` stands for; None for a class or a file of options."""
    reader = own_reader(value)
    if reader is None:
        named = config_path(value, "data")
        if named != value and Path(named).parent.name == "data":
            return [f"--config={named}"]
        if os.sep in value or Path(value).suffix.lower() in TABLES:
            if os.path.isfile(value):
                return None
            raise ConfigurationError(f"--data {value}: there is no such folder or table of clips.")
        return None
    clips = reader(value)
    part = {"class_path": f"data_modules.{reader.__name__}", "init_args": {"root": value}}
    overlay = config_path("folder" if reader is data_modules.FolderDatabase else "table", "data")
    readers = json.dumps([part])
    macro = [f"{_CORPUS}.macro={readers}"] if "macro" in clips.kinds() else []
    return [f"--config={overlay}", f"{_CORPUS}.micro={readers}", *macro]
