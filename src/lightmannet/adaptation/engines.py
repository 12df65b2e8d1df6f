"""The engines by name."""

from functools import cache
from typing import get_args

from lightmannet.adaptation.engine import Engine, EngineName
from lightmannet.adaptation.fused import FusedEngine
from lightmannet.adaptation.reference import ReferenceEngine
from lightmannet.adaptation.vectorized import VectorizedEngine
from lightmannet.errors import ConfigurationError


def check_engine(name: EngineName) -> None:
    """Do nothing for the name of an engine.

    Raises:
        ConfigurationError: There is no such engine.
    """
    if name not in get_args(EngineName):
        raise ConfigurationError(f"engine is one of {', '.join(get_args(EngineName))}, not {name!r}.")


def resolve(name: EngineName, device: str) -> EngineName:
    """Return which engine ``auto`` is: the faster one in the measurements of docs/performance.md.

    Args:
        name: The engine asked for.
        device: Type of the device, e.g. ``cpu``.
    """
    if name != "auto":
        return name
    return "fused" if device == "cpu" else "vectorized"


@cache
def make_engine(name: EngineName, tasks: int | None = None) -> Engine:
    """Return an engine.

    Args:
        name: Which one.
        tasks: Tasks that ``vectorized`` takes at once; None for a single copy of a network, whose steps ``fused`` takes
            in its place.

    Raises:
        ConfigurationError: There is no such engine, or it needs learn2learn, which is not installed.
    """
    check_engine(name)
    if name == "vectorized" and tasks is not None:
        return VectorizedEngine(tasks)
    return ReferenceEngine() if name == "learn2learn" else FusedEngine()
