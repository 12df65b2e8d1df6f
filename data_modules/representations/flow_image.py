"""The motion from onset to apex."""

from dataclasses import dataclass

from data_modules.representations.motion_image import MotionImages


@dataclass(frozen=True)
class ApexFlow(MotionImages):
    """One motion image, from onset to apex; the result is (1, 3, size, size) in [-0.5, 0.5].

    Options, signs and scaling are those of ``MotionImages``.
    """

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the one pair: onset and apex."""
        return ((0, 1),)
