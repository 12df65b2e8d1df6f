"""What is logged on the way through a cell, kept until somebody wants it."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger

Line = tuple[int | None, dict[str, float]]
"""A step and the values logged at it, by name."""


class Scalars(Logger):
    """Keeps what is logged in memory, so that sending it has no part in a cell: not in its time, nor in what can fail.

    Attributes:
        lines: What was logged, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    @property
    def name(self) -> str:
        """Name that Lightning asks for."""
        return "scalars"

    @property
    def version(self) -> int:
        """Version that Lightning asks for."""
        return 0

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keep scalars."""
        self.lines.append((step, {name: float(value) for name, value in metrics.items()}))

    def log_hyperparams(self, params: Any = None, *args: Any, **kwargs: Any) -> None:
        """Keep nothing: a result has its options."""
