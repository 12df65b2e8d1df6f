"""LightmanNet: meta-auxiliary learning for micro-expression recognition, as Lightning modules."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightmannet.inference.recogniser import Recogniser

__all__ = ["load"]


def load(folder: str | Path) -> "Recogniser":
    """Return a recogniser of a bundle; see ``lightmannet.inference.recogniser.load``."""
    from lightmannet.inference.recogniser import load as load_bundle  # which imports torch

    return load_bundle(folder)
