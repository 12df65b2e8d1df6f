"""LightmanNet: meta-auxiliary learning for micro-expression recognition, as Lightning modules."""

import importlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightmannet.packaged import described

if TYPE_CHECKING:
    from lightmannet.inference.recogniser import Recogniser
    from lightmannet.loading import from_config, load_run
    from lightmannet.table.frame import results

__all__ = ["__version__", "datasets", "from_config", "load", "load_run", "methods", "results"]

_PLACES = {
    "from_config": "lightmannet.loading",
    "load_run": "lightmannet.loading",
    "results": "lightmannet.table.frame",
}
"""Where the functions are that take seconds to import."""


def methods() -> dict[str, str]:
    """Return the methods that come with the package: the names that ``from_config`` takes, and a sentence each."""
    return described()


def datasets() -> dict[str, str]:
    """Return the corpora that ``from_config`` takes by name as ``data``, and a sentence each."""
    return described("data")


def load(folder: str | Path, any_face: bool = False, allow: Collection[str] = ()) -> "Recogniser":
    """Return a recogniser of a bundle; see ``lightmannet.inference.recogniser.load``."""
    from lightmannet.inference.recogniser import load as load_bundle  # which imports torch

    return load_bundle(folder, any_face, allow)


def __getattr__(name: str) -> Any:
    """Return the package's version, or import what takes seconds to import."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lightmannet")
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
