"""The command ``lightmannet methods``: what there is to compare with, in a line each."""

import inspect
import re
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from lightmannet.errors import ConfigurationError
from lightmannet.silence import silence_lightning


def methods(configs: str = "configs") -> None:
    """List the methods: name, what it is, network and number of parameters, where it comes from.

    Args:
        configs: Folder of the methods' configurations.

    Raises:
        ConfigurationError: There is no configuration in the folder.
    """
    from lightmannet.lightning_cli import Lightning

    files = sorted(Path(configs).glob("*.yaml"))
    if not files:
        raise ConfigurationError(f"configs: there is no method's configuration (*.yaml) in {Path(configs).resolve()}")
    table = Table("name", "method", "encoder", "parameters", "reference", show_lines=True)
    console = Console()
    silence_lightning()
    for file in track(files, "reading the configurations", console=console, transient=True):
        model = Lightning([f"--config={file}"], run=False).model
        parameters = sum(parameter.numel() for parameter in model.parameters())
        encoder = type(model.network.encoder)
        # Supervised learning has no reference of its own: what is compared there is the network.
        reference = _reference(type(model)) or _reference(encoder) or "textbook"
        table.add_row(file.stem, _line(file), encoder.__name__, f"{parameters:,}", reference)
    console.print(table)


def _line(config: Path) -> str:
    """Return the first sentence of the comment that a configuration begins with."""
    comment = re.match(r"(?:#.*\n)+", config.read_text(encoding="utf-8"))
    text = " ".join(line.lstrip("# ") for line in comment[0].splitlines()) if comment else ""
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def _reference(kind: type) -> str:
    """Return what a class's docstring says behind ``Reference:``, in one line."""
    found = re.search(r"References?:\s*(.+?)(?:\n\s*\n|\Z)", inspect.getdoc(kind) or "", re.DOTALL)
    return " ".join(found[1].split()) if found else ""
