"""The interface of representations: the frames that one needs, and the array that it computes from them."""

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

    A frozen dataclass of options: ``moments`` names the frames that are needed, ``render`` turns them into the
    network's input. It handles neither files nor faces: frames come cropped to ``working_size`` and in ``color``.

    Attributes:
        size: Height and width of the result in pixels, 28..224.
        color: Colour of the frames.
        kind: ``motion`` has the channels u, v, strain of ``data_modules.flow``; ``difference`` is signed change of
            brightness, 0 for none; ``frames`` are the frames themselves.
        version: Version of the algorithm, raised whenever the same options give another result.
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
        """Height and width, in pixels, of the frames that ``render`` takes."""
        return self.size

    @property
    def phases(self) -> int:
        """Images per clip."""
        return 1

    @property
    def channels(self) -> int:
        """Channels per image."""
        return _CHANNELS[self.color]

    @property
    def scaling(self) -> Scaling | None:
        """How motion is scaled; None where the result is no motion image."""
        return None

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        """Return the numbers of the frames that ``render`` takes, ascending; for a short clip, some repeat.

        By default these are onset and apex.

        Args:
            onset: Number of the frame in which the expression starts.
            apex: Number of the frame in which it is strongest.
            offset: Number of the frame in which it has ended.

        Raises:
            DataError: The moments that this representation uses are not in chronological order.
        """
        check_order(("onset", onset), ("apex", apex))
        return onset, apex

    def render(self, frames: Pixels) -> Float32[np.ndarray, "phase channel size size"]:
        """Return the network's input, in [-0.5, 0.5].

        Args:
            frames: The frames of ``moments()``, in its order, ``working_size`` high and wide.

        Raises:
            DataError: The frames have another number, size or colour.
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
        """Return what ``render`` returns; ``frames`` have been checked."""

    def fingerprint(self) -> str:
        """Return a text that changes whenever the result may change: class, options, version of the algorithm."""
        return f"{self!r} version {self.version}"


def evenly_spaced(first: int, last: int, count: int) -> tuple[int, ...]:
    """Return ``count`` frame numbers from ``first`` to ``last``, both included, evenly spaced up to rounding.

    Raises:
        DataError: ``last`` lies before ``first``.
    """
    check_order(("onset", first), ("offset", last))
    gaps = count - 1
    # In integers: the nearest frame, or the later one of two that are equally near.
    return tuple(first + (2 * i * (last - first) + gaps) // (2 * gaps) for i in range(count))


def check_order(earlier: tuple[str, int], later: tuple[str, int]) -> None:
    """Check that one named moment is not after another.

    Raises:
        DataError: It is; the message names both.
    """
    if earlier[1] > later[1]:
        raise DataError(
            f"{earlier[0]} {earlier[1]} comes after {later[0]} {later[1]}: correct the frame numbers of the clip"
        )


_CHANNELS = {"gray": 1, "rgb": 3}
