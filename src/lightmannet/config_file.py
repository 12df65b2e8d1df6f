"""Configurations are plain values: reading one creates no object and runs no code."""

import os
from collections.abc import Iterator, Sequence

import yaml

from lightmannet.errors import ConfigurationError
from lightmannet.packaged import config_path

LIMIT = 100_000
"""Largest number of values in a configuration after expanding aliases; complete runs have some hundreds."""

_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")}
_PLAIN |= {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}


def check_yaml_arguments(arguments: Sequence[str]) -> None:
    """Check each ``--config`` file and each value of a command line.

    Missing files and values that are not YAML are left to the parser.

    Args:
        arguments: Arguments after the program's name.

    Raises:
        ConfigurationError: As ``check_config_file``, an impossible file name, or a value that contains itself, has too
            many values by aliases, or is nested too deeply.
    """
    for path in _named(arguments):
        if "\0" in path:
            raise ConfigurationError(f"--config: {path!r} is not a file name.")
        if os.path.isfile(path):
            check_config_file(path)
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if not (option.startswith("-") and equals):
            option, value = "the command line", argument
        try:
            root = yaml.compose(value, Loader=yaml.SafeLoader)
        except RecursionError:
            raise ConfigurationError(f"{option}: the value is nested too deeply. Give a flat one.") from None
        except (yaml.YAMLError, ValueError):
            continue
        _nodes(root, option, "the value")


def with_packaged_configs(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the names of the package's configurations replaced by paths.

    Args:
        arguments: Arguments after the program's name, e.g. ``["fit", "--config", "lightmannet"]``.
    """
    found, follows = [], False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if follows:
            argument = config_path(argument)
        elif equals and option in ("--config", "-c"):
            argument = f"{option}={config_path(value)}"
        follows = argument in ("--config", "-c")
        found.append(argument)
    return found


def check_config_file(path: str) -> None:
    """Check that a file is YAML of plain values, and not too large after expanding aliases.

    Args:
        path: An existing file.

    Raises:
        ConfigurationError: It is not YAML, has a tag for a Python object, contains itself or has too many aliases.
    """
    try:
        with open(path, "rb") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    # ValueError: an invalid escaped character.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not a readable YAML file: {error}. Correct it.") from error
    for node in _nodes(root, path, "the file"):
        if node.tag not in _PLAIN:
            raise ConfigurationError(
                f"{path}, line {node.start_mark.line + 1}: the tag {node.tag!r} creates an object, but a "
                "configuration has only plain values. Remove the tag."
            )


def _nodes(root: yaml.Node | None, place: str, what: str) -> list[yaml.Node]:
    """Return ``root`` and all nodes below it, aliased nodes several times."""
    nodes, found = [root] if root is not None else [], []
    while nodes:
        node = nodes.pop()
        found.append(node)
        if len(found) > LIMIT:
            raise ConfigurationError(
                f"{place}, line {node.start_mark.line + 1}: {what} contains itself or more than {LIMIT} values through "
                "aliases (*name). Write them out."
            )
        if isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return found


def _named(arguments: Sequence[str]) -> Iterator[str]:
    for number, argument in enumerate(arguments):
        if argument.startswith(("--config=", "-c=")):
            yield argument.split("=", 1)[1]
        elif argument in ("--config", "-c") and number + 1 < len(arguments):
            yield arguments[number + 1]
