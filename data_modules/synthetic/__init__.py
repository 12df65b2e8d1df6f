"""The embedded corpus: synthetic face motion, generated from action units; no real person, no download."""

from data_modules.synthetic.motion import SyntheticMotion

__all__ = ["SyntheticMotion"]
