"""The command ``lightmannet methods``: a table of all methods."""

import re
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from lightmannet.config_file import check_config_file
from lightmannet.errors import ConfigurationError
from lightmannet.packaged import comment_of, config_folder, docstring


def methods(configs: Path | None = None, parameters: bool = False) -> None:
    """List the methods: name, description, encoder and reference.

    Args:
        configs: Folder of the methods' configurations, by default the package's.
        parameters: Also count the parameters of each network, which takes some seconds.

    Raises:
        ConfigurationError: There is no configuration in the folder, or one that is not a complete run.
    """
    folder = configs or config_folder()
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigurationError(f"configs: there is no configuration of a method (*.yaml) in {folder.resolve()}")
    table = Table("name", "method", "encoder", *(["parameters"] if parameters else []), "reference", show_lines=True)
    for file in files:
        method, encoder = _classes(file)
        # Supervised learning has no reference of its own, but its network may have one.
        reference = _reference(method) or _reference(encoder) or "textbook"
        count = [f"{_parameters(file):,}"] if parameters else []
        table.add_row(file.stem, comment_of(file), encoder.rpartition(".")[2], *count, reference)
    Console().print(table)


def _classes(config: Path) -> tuple[str, str]:
    """Return the class paths of a configuration's method and encoder."""
    check_config_file(str(config))
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    try:
        model = content["model"]
        encoder = model["init_args"]["network"]["init_args"]["encoder"]
        return _class_path(model, "learners"), _class_path(encoder, "networks")
    except (KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{config} is not a complete run: it has no method with a network's encoder."
        ) from error


def _class_path(given: Any, room: str) -> str:
    path = str(given["class_path"] if isinstance(given, dict) else given)
    return path if "." in path else f"lightmannet.{room}.{path}"


def _parameters(config: Path) -> int:
    from lightmannet.lightning_cli import Lightning
    from lightmannet.silence import silence_lightning

    silence_lightning()
    model = Lightning([f"--config={config}"], run=False).model
    return sum(parameter.numel() for parameter in model.parameters())


def _reference(class_path: str) -> str:
    """Return the ``Reference:`` of a class's docstring, in one line."""
    found = re.search(r"References?:\s*(.+?)(?:\n\s*\n|\Z)", docstring(class_path), re.DOTALL)
    return " ".join(found[1].split()) if found else ""
