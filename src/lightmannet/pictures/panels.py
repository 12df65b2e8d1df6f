"""Drawings over a face: arrows of its motion, and a heat map of the evidence for a class."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

Image = UInt8[np.ndarray, "height width 3"]

_ARROWS = 16  # per row
_LONGEST = 1.5  # length of a long arrow, in distances between arrows
_MOST = 10.0  # largest magnification; motion that needs more is noise
_FLAT = 3.0  # standard deviation of brightness, 0..255, of smoothed camera noise
_FAINT = 0.15  # heat below it is not shown
_ORANGE, _DARK = (255, 150, 20), (20, 20, 20)


def motion_panel(frame: Image, flow: Float32[np.ndarray, "2 height width"]) -> tuple[Image, float]:
    """Return a face with arrows of its motion, and their magnification.

    Each arrow shows the mean motion around its foot. Arrows shorter than a fifth of the long ones or two pixels, and
    those in areas without structure, where motion cannot be seen, are left out.

    Args:
        frame: The onset's face, red, green and blue.
        flow: u, v in its pixels.
    """
    height, width = frame.shape[:2]
    drawn = np.ascontiguousarray(frame // 2 + 96)
    means = [cv2.resize(part, (_ARROWS, _ARROWS), interpolation=cv2.INTER_AREA) for part in flow]
    lengths = np.hypot(*means) * (_structure(frame) > _FLAT)
    long = float(np.quantile(lengths, 0.98))
    factor = min(_LONGEST * width / _ARROWS / max(long, 1e-6), _MOST)
    thickness = max(1, width // 150)
    for row, column in zip(*np.nonzero(factor * lengths > max(0.2 * factor * long, 2.0)), strict=True):
        x, y = (column + 0.5) * width / _ARROWS, (row + 0.5) * height / _ARROWS
        foot = round(x), round(y)
        tip = round(x + factor * float(means[0][row, column])), round(y + factor * float(means[1][row, column]))
        for color, wide in ((_DARK, thickness + 2), (_ORANGE, thickness)):
            cv2.arrowedLine(drawn, foot, tip, color, wide, cv2.LINE_AA, tipLength=0.3)
    return drawn, factor


def heat_panel(frame: Image, heat: Float32[np.ndarray, "height width"]) -> Image:
    """Return a grey face with colour, from yellow to red, where ``heat`` is high.

    Args:
        frame: A face, red, green and blue.
        heat: 0..1, of the same height and width.
    """
    gray = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    strong = cv2.applyColorMap((255 - 205 * heat).clip(0, 255).astype(np.uint8), cv2.COLORMAP_AUTUMN)
    color = cv2.cvtColor(strong, cv2.COLOR_BGR2RGB)[..., :3]
    weight = 0.85 * ((heat - _FAINT) / (1 - _FAINT)).clip(0, 1)[..., None] ** 0.7
    return (gray * (1 - weight) + color * weight).round().astype(np.uint8)


def _structure(frame: Image) -> Float32[np.ndarray, "row column"]:
    """Return the standard deviation of brightness around the foot of each arrow."""
    gray = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), len(frame) / 112)
    mean, square = (cv2.resize(part, (_ARROWS, _ARROWS), interpolation=cv2.INTER_AREA) for part in (gray, gray**2))
    return np.sqrt((square - mean**2).clip(0))
