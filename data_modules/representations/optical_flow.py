"""Optical flow between two frames: the one file that knows how scikit-image and OpenCV compute it."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from lightmannet.errors import DataError

FlowMethod = Literal["tvl1", "dis"]

Flow = Callable[
    [UInt8[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]], Float32[np.ndarray, "2 height width"]
]
"""From two gray frames to the motion from the first to the second, u and v in pixels."""

SMALLEST_FRAME = 16
"""Height and width in pixels below which there are too few patches and pyramid levels to estimate flow."""

_ATTACHMENT, _WARPS, _ITERATIONS = 50, 3, 5


def optical_flow(
    first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"], method: FlowMethod
) -> Float32[np.ndarray, "2 height width"]:
    """Return the motion from ``first`` to ``second`` by the named method; see ``tvl1`` and ``dis``."""
    return tvl1(first, second) if method == "tvl1" else dis(first, second)


def computed_with(method: FlowMethod) -> str:
    """Return name and version of a method's library, as another version may give another flow."""
    return f"scikit-image {version('scikit-image')}" if method == "tvl1" else f"OpenCV {cv2.__version__}"


def tvl1(
    first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
) -> Float32[np.ndarray, "2 height width"]:
    """Return the motion from ``first`` to ``second`` by TV-L1: smooth with sharp edges, robust to outliers.

    Args:
        first: Gray frame, 0..255, at least 16 pixels high and wide.
        second: Later frame of the same size.

    Returns:
        u (pixels to the right) and v (pixels downwards) of each pixel of ``first``, so that
        ``second(x + u, y + v) = first(x, y)``. On smooth textures of 128 pixels (8 bits, without noise) that move by
        Gaussian bumps of 1, 2 and 4 pixels, the mean end-point error is below 0.05, 0.07 and 0.1 pixels.

    Raises:
        DataError: Frames of different size or too small.

    Reference:
        Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical flow", DAGM 2007, as
        ``skimage.registration.optical_flow_tvl1``.
    """
    from skimage.registration import optical_flow_tvl1  # takes a third of a second

    _check(first, second)
    # In [0, 1], the range that the weights are meant for. For moving bumps (1 to 4 pixels, noise of 0 or 2 gray levels)
    # the default attachment of 15 smooths larger motion away and 100 follows the noise; more than 3 x 5 iterations per
    # level take up to three times as long without gain.
    v, u = optical_flow_tvl1(  # type: ignore[no-untyped-call]
        first.astype(np.float32) / 255,
        second.astype(np.float32) / 255,
        attachment=_ATTACHMENT,
        num_warp=_WARPS,
        num_iter=_ITERATIONS,
        dtype=np.float32,
    )
    return np.stack([u, v])


def dis(
    first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
) -> Float32[np.ndarray, "2 height width"]:
    """Return the motion from ``first`` to ``second`` by dense inverse search: faster, and as good with little noise.

    Args:
        first: Gray frame, 0..255, at least 16 pixels high and wide.
        second: Later frame of the same size.

    Returns:
        u and v as from ``tvl1``. On the same textures the mean end-point error is below 0.05, 0.06 and 0.1 pixels.

    Raises:
        DataError: Frames of different size or too small.

    Reference:
        Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, as OpenCV's ``DISOpticalFlow`` with
        its preset MEDIUM, but at full resolution.
    """
    return dis_estimator("medium")(first, second)


def dis_estimator(preset: Literal["medium", "ultrafast"]) -> Flow:
    """Return a function that computes ``dis`` and reuses its memory between calls; not thread-safe.

    Args:
        preset: ``ultrafast`` skips the variational refinement and uses fewer patches and iterations: a third of the
            time.
    """
    names = {"medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST}
    estimator = cv2.DISOpticalFlow.create(names[preset])
    # The presets stop at half or a quarter of the resolution. At half, bumps as wide as moving skin in frames of 112
    # pixels come out a third too small; at full resolution a tenth, as with TV-L1.
    estimator.setFinestScale(0)

    def estimate(
        first: UInt8[np.ndarray, "height width"], second: UInt8[np.ndarray, "height width"]
    ) -> Float32[np.ndarray, "2 height width"]:
        _check(first, second)
        flow = estimator.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None)  # type: ignore[call-overload]
        return np.ascontiguousarray(flow.transpose(2, 0, 1))

    return estimate


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape or min(first.shape) < SMALLEST_FRAME:
        raise DataError(
            f"optical flow between frames of {first.shape} and {second.shape} pixels (height, width): "
            f"crop both to one size of at least {SMALLEST_FRAME}"
        )
