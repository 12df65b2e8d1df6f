"""Pictures of u, v and strain side by side, and motion images as PNG files."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_SIDE = 224  # pixels of a panel, at least
_GAP = 8
_WHITE, _BLUE, _RED, _DARK = (
    np.array(color, np.float64) for color in ((255,) * 3, (33, 102, 172), (178, 24, 43), (20,) * 3)
)


def channel_panels(motion: Float[np.ndarray, "3 size size"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return u, v and strain side by side: to the right and down red, to the left and up blue, no motion white.

    u and v share one scale, their largest motion; strain has its own, from white to black.

    Args:
        motion: u, v and strain; 0 is no motion.
    """
    size = motion.shape[-1]
    factor = -(-_SIDE // size)
    largest = np.abs(motion[:2]).max() or 1.0
    panels = [_two_sided(channel / largest) for channel in motion[:2]]
    panels.append(_between(_WHITE, _DARK, motion[2] / (motion[2].max() or 1.0)))
    large = [panel.repeat(factor, axis=0).repeat(factor, axis=1) for panel in panels]
    gap = np.full((size * factor, _GAP, 3), 255, np.uint8)
    framed = np.concatenate([large[0], gap, large[1], gap, large[2]], axis=1)
    title = np.full((28, framed.shape[1], 3), 255, np.uint8)
    names = ("u: right red, left blue", "v: down red, up blue", "strain")
    for number, name in enumerate(names):
        place = (number * (size * factor + _GAP) + 4, 20)
        cv2.putText(title, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (20, 20, 20), 1, cv2.LINE_AA)
    return np.concatenate([title, framed])


def encode_png(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """Return the bytes of a PNG file.

    Args:
        pixels: Red, green and blue.
    """
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return data.tobytes()


def _two_sided(values: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return colours for -1 (blue) over 0 (white) to 1 (red)."""
    return np.where(values[..., None] < 0, _between(_WHITE, _BLUE, -values), _between(_WHITE, _RED, values))


def _between(
    low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"], values: Float[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    share = values.clip(0, 1)[..., None]
    return (low * (1 - share) + high * share).round().astype(np.uint8)
