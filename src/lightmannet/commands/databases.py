"""The command ``lightmannet databases``: what can be read, and where it is looked for."""

import os

from rich.console import Console
from rich.table import Table

from data_modules.databases.registry import READERS


def databases() -> None:
    """List the databases that can be read: kinds, where each is looked for, whether it is there, licence, request."""
    columns = ("name", "database", "kinds", "layout known from", "looked for in", "found", "licence", "how to get it")
    table = Table(*columns, show_lines=True)
    for name, reader in READERS.items():
        d = reader.description
        given = os.environ.get(d.variable)
        found = "not set" if not given else "yes" if os.path.isdir(os.path.expanduser(given)) else "[red]no such folder"
        place = f"${d.variable}" + (f"\n{given}" if given else "")
        table.add_row(name, d.title, "\n".join(d.expected), d.certainty, place, found, d.licence, d.request)
    console = Console()
    console.print(table)
    console.print(
        "A root can also be given as `root:` in configs/data/NAME.yaml. "
        "`lightmannet databases check NAME` reads all of one."
    )
