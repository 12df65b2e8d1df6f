"""Motion in phases from onset to offset."""

from dataclasses import dataclass
from typing import Literal

from data_modules.representations.base import evenly_spaced
from data_modules.representations.motion_image import MotionImages
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class PhaseFlow(MotionImages):
    """Motion images of equally long phases from onset to offset; the result is (phases, 3, size, size).

    Phases are fractions of the expression, not seconds, so that phase 1 of a short micro-expression lines up with
    phase 1 of a long macro-expression. The apex annotation, the least reliable of the three, is not needed. The other
    options, signs and scaling are those of ``MotionImages``.

    Args:
        phases: Number of phases, at least 1. A clip with fewer frames repeats some, which gives phases without motion.
        reference: ``previous``: the motion during each phase, so that rise and fall differ in sign and steps are small
            enough for flow estimation. ``onset``: the motion from the onset to the end of each phase, which exceeds the
            estimation error even for very short phases, and is small again at the offset.

    Raises:
        ConfigurationError: An option outside its range.
    """

    phases: int = 4
    reference: Literal["onset", "previous"] = "previous"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.phases < 1:
            raise ConfigurationError(f"phases={self.phases}: at least 1 is needed")
        if self.reference not in ("onset", "previous"):
            raise ConfigurationError(f"reference={self.reference!r}: onset or previous")

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return ``phases + 1`` frame numbers from onset to offset; the apex is not used."""
        return evenly_spaced(onset, offset, self.phases + 1)

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the start and end frame of each phase's motion."""
        return tuple((0 if self.reference == "onset" else end - 1, end) for end in range(1, self.phases + 1))
