"""Configuration files are plain values: nothing in one is made or run while it is read."""

import os
from collections.abc import Iterator, Sequence

import yaml

from lightmannet.errors import ConfigurationError

LIMIT = 100_000
"""Values that a file may hold once its aliases are written out; complete runs hold some hundreds."""

_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")}
_PLAIN |= {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}


def check_config_files(words: Sequence[str]) -> None:
    """Check each file that a command line names as ``--config``; a file that is not there is left to the parser.

    Args:
        words: The words after the program's name.

    Raises:
        ConfigurationError: As ``check_config_file``, or a name that no file can have.
    """
    for path in _named(words):
        if "\0" in path:
            raise ConfigurationError(f"--config: {path!r} is no file's name.")
        if os.path.isfile(path):
            check_config_file(path)


def check_config_file(path: str) -> None:
    """Make sure that a file is YAML of plain values, not larger than it looks.

    Args:
        path: An existing file.

    Raises:
        ConfigurationError: It is no YAML, has a tag that names a Python object, or holds itself or too much by aliases.
    """
    try:
        with open(path, "rb") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    # ValueError: a character that YAML's escapes cannot mean.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no YAML file that can be read: {error}. Mend it.") from error
    nodes, seen = [root] if root is not None else [], 0
    while nodes:
        node, seen = nodes.pop(), seen + 1
        where = f"{path}, line {node.start_mark.line + 1}"
        if seen > LIMIT:
            raise ConfigurationError(
                f"{where}: the file holds itself, or more than {LIMIT} values, by aliases (*name). Write them out."
            )
        if node.tag not in _PLAIN:
            raise ConfigurationError(
                f"{where}: the tag {node.tag!r} asks for an object, but a configuration holds plain values and runs "
                "nothing. Remove the tag."
            )
        if isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def _named(words: Sequence[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        if word.startswith(("--config=", "-c=")):
            yield word.split("=", 1)[1]
        elif word in ("--config", "-c") and number + 1 < len(words):
            yield words[number + 1]
