"""The engines by name."""

from functools import cache
from typing import get_args

from lightmannet.adaptation.engine import Engine, EngineName
from lightmannet.adaptation.fused import FusedEngine
from lightmannet.adaptation.reference import ReferenceEngine
from lightmannet.errors import ConfigurationError


def check_engine(name: EngineName) -> None:
    """Do nothing for the name of an engine.

    Raises:
        ConfigurationError: There is no such engine.
    """
    if name not in get_args(EngineName):
        raise ConfigurationError(f"engine is one of {', '.join(get_args(EngineName))}, not {name!r}.")


def resolve(name: EngineName) -> EngineName:
    """Return which engine ``auto`` is: ``fused``, the faster one in every measurement of docs/performance.md."""
    return "fused" if name == "auto" else name


@cache
def make_engine(name: EngineName) -> Engine:
    """Return the engine that adapts to one task at a time.

    Raises:
        ConfigurationError: There is no such engine, or it needs learn2learn, which is not installed.
    """
    check_engine(name)
    return ReferenceEngine() if resolve(name) == "learn2learn" else FusedEngine()
