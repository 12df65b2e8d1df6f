"""Configurations are plain values: nothing in one is made or run while it is read."""

import os
from collections.abc import Iterator, Sequence

import yaml

from lightmannet.errors import ConfigurationError
from lightmannet.packaged import config_path

LIMIT = 100_000
"""Values that a configuration may hold once its aliases are written out; complete runs hold some hundreds."""

_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")}
_PLAIN |= {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}


def check_yaml_arguments(words: Sequence[str]) -> None:
    """Check a command line: each file that it names as ``--config``, and each value that it gives.

    A file that is not there, and a value that is no YAML, are left to the parser.

    Args:
        words: The words after the program's name.

    Raises:
        ConfigurationError: As ``check_config_file``, a name that no file can have, or a value that holds itself, or too
            much by aliases, or is nested too deeply to be read.
    """
    for path in _named(words):
        if "\0" in path:
            raise ConfigurationError(f"--config: {path!r} is no file's name.")
        if os.path.isfile(path):
            check_config_file(path)
    for word in words:
        option, equals, value = word.partition("=")
        if not (option.startswith("-") and equals):
            option, value = "the command line", word
        try:
            root = yaml.compose(value, Loader=yaml.SafeLoader)
        except RecursionError:
            raise ConfigurationError(f"{option}: the value is nested too deeply to be read. Give a flat one.") from None
        except (yaml.YAMLError, ValueError):
            continue
        _nodes(root, option, "the value")


def with_packaged_configs(words: Sequence[str]) -> list[str]:
    """Return a command line in which names of configurations that come with the package are paths.

    Args:
        words: The words after the program's name, e.g. ``["fit", "--config", "lightmannet"]``.
    """
    found, follows = [], False
    for word in words:
        option, equals, value = word.partition("=")
        if follows:
            word = config_path(word)
        elif equals and option in ("--config", "-c"):
            word = f"{option}={config_path(value)}"
        follows = word in ("--config", "-c")
        found.append(word)
    return found


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
    for node in _nodes(root, path, "the file"):
        if node.tag not in _PLAIN:
            raise ConfigurationError(
                f"{path}, line {node.start_mark.line + 1}: the tag {node.tag!r} asks for an object, but a "
                "configuration holds plain values and runs nothing. Remove the tag."
            )


def _nodes(root: yaml.Node | None, place: str, what: str) -> list[yaml.Node]:
    """Return all nodes below and with ``root``, one that is named twice twice."""
    nodes, found = [root] if root is not None else [], []
    while nodes:
        node = nodes.pop()
        found.append(node)
        if len(found) > LIMIT:
            raise ConfigurationError(
                f"{place}, line {node.start_mark.line + 1}: {what} holds itself, or more than {LIMIT} values, by "
                "aliases (*name). Write them out."
            )
        if isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return found


def _named(words: Sequence[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        if word.startswith(("--config=", "-c=")):
            yield word.split("=", 1)[1]
        elif word in ("--config", "-c") and number + 1 < len(words):
            yield words[number + 1]
