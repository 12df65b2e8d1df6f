"""The parser of this project's own commands."""

from typing import Any

from jsonargparse import ArgumentParser


class Switches(ArgumentParser):
    """Allows boolean options without a value: ``--fresh`` means ``--fresh=true``."""

    def add_argument(self, *names: Any, **options: Any) -> Any:
        """Add an option; one of type bool may be given without a value."""
        if options.get("type") is bool:
            options |= {"nargs": "?", "const": True}
        return super().add_argument(*names, **options)
