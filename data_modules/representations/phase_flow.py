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
    phase 1 of a long macro-expression. Where the apex lies shows in the motion itself, and its annotation, the least
    reliable of the three, is not needed. Options beside the two below, signs and scaling are those of ``MotionImages``.

    Args:
        phases: Number of phases, at least 1. A clip of fewer frames repeats some, and such a phase has no motion.
        reference: ``previous``: the motion during each phase, so that rise and fall differ in sign and the phases are
            short steps that flow estimation follows well. ``onset``: the motion from the onset to the end of each
            phase, which is larger than its errors even where a phase is very short, and small again at the offset.

    Raises:
        ConfigurationError: An option out of its range.
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
        """Return ``phases + 1`` frame numbers from onset to offset; the apex is of no account."""
        return evenly_spaced(onset, offset, self.phases + 1)

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return, for each phase, the frame that its motion starts from and the one at its end."""
        return tuple((0 if self.reference == "onset" else end - 1, end) for end in range(1, self.phases + 1))
