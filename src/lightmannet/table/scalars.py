"""Keep in memory what a cell logs, so that it can be sent to a dashboard later."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger

LoggedValues = tuple[int | None, dict[str, float]]
"""A step and the values logged at it, by name."""


class Scalars(Logger):
    """Keeps what is logged in memory, so that sending it neither costs time within a cell nor can make it fail.

    Attributes:
        lines: What was logged, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[LoggedValues] = []

    @property
    def name(self) -> str:
        """Name of the logger, which Lightning requires."""
        return "scalars"

    @property
    def version(self) -> int:
        """Version of the logger, which Lightning requires."""
        return 0

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keep scalars."""
        self.lines.append((step, {name: float(value) for name, value in metrics.items()}))

    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """Keep nothing: the result holds the options."""
