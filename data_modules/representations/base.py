"""What every representation of a clip offers: which frames it wants, and the array that it makes of them."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32

from data_modules.scaling import Scaling
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError, DataError

SMALLEST, LARGEST = 28, 224
"""Bounds of the height and width of a representation, in pixels."""


class Representation(ABC):
    """What a network sees of a clip.

    A frozen dataclass of options: ``moments`` says which frames are wanted, ``render`` makes the network's input of
    them. It knows neither files nor faces: the frames come cropped to ``working_size`` and in ``color``.

    Attributes:
        size: Height and width of the result in pixels, 28..224.
        color: What the frames must be.
        kind: ``motion`` has the channels u, v, strain of ``data_modules.flow``; ``difference`` is signed change of
            brightness, 0 for none; ``frames`` are the frames themselves.
        version: Number of the algorithm, raised whenever the same options give another result.
    """

    size: int
    color: Literal["gray", "rgb"]
    kind: ClassVar[Literal["motion", "difference", "frames"]]
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not SMALLEST <= self.size <= LARGEST:
            raise ConfigurationError(f"size={self.size}: from {SMALLEST} to {LARGEST} pixels are possible")
        if self.color not in ("gray", "rgb"):
            raise ConfigurationError(f"color={self.color!r}: gray or rgb")

    @property
    def working_size(self) -> int:
        """Height and width in pixels that frames must be cropped to before ``render``."""
        return self.size

    @property
    @abstractmethod
    def phases(self) -> int:
        """Images a clip."""

    @property
    def channels(self) -> int:
        """Channels an image."""
        return _CHANNELS[self.color]

    @property
    def scaling(self) -> Scaling | None:
        """How motion is scaled; None where the result is no motion image."""
        return None

    @abstractmethod
    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return the numbers of the frames that ``render`` wants, ascending; a short clip's may repeat.

        Args:
            onset: Number of the frame in which the expression starts.
            apex: Number of the frame in which it is strongest.
            offset: Number of the frame in which it has ended.

        Raises:
            DataError: The moments that this representation goes by are not in the order of time.
        """

    def render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        """Return what the network sees, in [-0.5, 0.5].

        Args:
            frames: The frames of ``moments()``, in its order, ``working_size`` high and wide.

        Raises:
            DataError: Another number, size or colour of frames.
        """
        wanted = (len(self.moments(0, 0, 0)), self.working_size, self.working_size, _CHANNELS[self.color])
        if frames.shape != wanted or frames.dtype != np.uint8:
            raise DataError(
                f"{type(self).__name__} was given frames of shape {frames.shape}, {frames.dtype}; "
                f"crop the frames of its moments to {wanted} (frame, height, width, channel), uint8"
            )
        return self._render(frames)

    @abstractmethod
    def _render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        """Return what ``render`` promises; ``frames`` have been checked."""

    def fingerprint(self) -> str:
        """Return a text that differs whenever the result may: class, all options, version of the algorithm."""
        return f"{self!r} version {self.version}"


def evenly_spaced(first: int, last: int, count: int) -> tuple[int, ...]:
    """Return ``count`` frame numbers from ``first`` to ``last``, both included, as evenly spaced as whole numbers are.

    Raises:
        DataError: ``last`` lies before ``first``.
    """
    check_order(("onset", first), ("offset", last))
    gaps = count - 1
    # Whole numbers throughout: the nearest frame, the later one of two that are equally near.
    return tuple(first + (2 * i * (last - first) + gaps) // (2 * gaps) for i in range(count))


def check_order(earlier: tuple[str, int], later: tuple[str, int]) -> None:
    """Check that one named moment does not come after another.

    Raises:
        DataError: It does; names both.
    """
    if earlier[1] > later[1]:
        raise DataError(
            f"{earlier[0]} {earlier[1]} comes after {later[0]} {later[1]}: correct the frame numbers of the clip"
        )


_CHANNELS = {"gray": 1, "rgb": 3}
