"""LightmanNet: meta-auxiliary learning for micro-expression recognition, as Lightning modules."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightmannet.inference.recogniser import Recogniser
    from lightmannet.loading import load_run

__all__ = ["__version__", "load", "load_run"]


def load(folder: str | Path) -> "Recogniser":
    """Return a recogniser of a bundle; see ``lightmannet.inference.recogniser.load``."""
    from lightmannet.inference.recogniser import load as load_bundle  # which imports torch

    return load_bundle(folder)


def __getattr__(name: str) -> Any:
    """Return the package's version, or import what takes seconds to import."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lightmannet")
    if name == "load_run":
        from lightmannet.loading import load_run

        return load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
