"""How options of this project's own commands are parsed."""

from typing import Any

from jsonargparse import ArgumentParser


class Switches(ArgumentParser):
    """Takes an option that is true or false, given alone, for true: ``--fresh`` is ``--fresh=true``."""

    def add_argument(self, *names: Any, **options: Any) -> Any:
        """Add an option; one of type bool may be given without a value."""
        if options.get("type") is bool:
            options |= {"nargs": "?", "const": True}
        return super().add_argument(*names, **options)
