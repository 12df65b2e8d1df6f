"""Positions of a face's parts at rest: anchors of the muscles, outline, lids, lips and the 68 landmarks."""

import numpy as np
from jaxtyping import Float, Float64

from data_modules.rendered.face import Face

LEFT, RIGHT = 0, 1
"""Side of the person: their left is on the image's right, where x is positive."""

SIGN = (1.0, -1.0)
"""Sign of x on each side."""

TEMPLE = 0.1
"""Height of the boundary between jaw (below) and skull (above) in the outline."""

SKULL = -1.34
"""Height of the top of the skull."""

Points = Float64[np.ndarray, "point 2"]
Numbers = Float[np.ndarray, "..."]


def anchors(face: Face, side: int) -> dict[str, tuple[float, float]]:
    """Return the points at which muscles pull, on one side of the face.

    Args:
        face: The face.
        side: ``LEFT`` or ``RIGHT``.

    Returns:
        Distance from the midline and height of each point, in half-widths of the face.
    """
    brow, corner = (SIGN[side] * skew * width for skew, width in zip(face.skew, (0.5, face.mouth_half), strict=True))
    return {
        "inner brow": (face.brow_inner + 0.04, face.brow + brow),
        "outer brow": (face.brow_outer - 0.1, face.brow - 0.02 + brow),
        "temple": (face.eye + face.eye_half + 0.14, 0.0),
        "eye": (face.eye, 0.0),
        "cheek": (face.eye + 0.14, 0.55 * face.nose),
        "wing": (face.nose_half, face.nose - 0.08),
        "upper lip": (0.14, face.mouth - face.upper_lip),
        "corner": (face.mouth_half, face.mouth - face.mouth_curve + corner),
        "lower lip": (0.12, face.mouth + face.lower_lip),
        "chin": (0.0, 0.35 * face.mouth + 0.65 * face.chin),
        "jaw": (0.0, face.chin),
    }


def outline(face: Face, y: Numbers) -> Numbers:
    """Return half the width of the face at each height, 0 beyond chin and skull."""
    down = np.clip((y - TEMPLE) / (face.chin - TEMPLE), 0, 1)
    up = np.clip((y - TEMPLE) / (SKULL - TEMPLE), 0, 1)
    return np.where(y > TEMPLE, (1 - down**face.jaw) ** 0.56, np.sqrt(1 - up**2.6))


def lids(face: Face, x: Numbers) -> tuple[Numbers, Numbers]:
    """Return the heights of the edges of the upper and lower lid at each signed x; outside the eyes both coincide."""
    along = (np.abs(x) - face.eye) / face.eye_half
    corners = -face.eye_tilt * np.clip(along, -1, 1)
    inside = np.clip(1 - along**2, 0, None)
    # The upper lid is highest towards the nose, the lower lid lowest away from it.
    upper = face.eye_open * inside**0.75 * (1 - 0.15 * np.clip(along, -1, 1))
    lower = 0.58 * face.eye_open * inside**0.85 * (1 + 0.2 * np.clip(along, -1, 1))
    return corners - upper, corners + lower


def lip_line(face: Face, x: Numbers) -> Numbers:
    """Return the height of the line between the lips at each signed x, level beyond the corners."""
    along = np.clip(x / face.mouth_half, -1, 1)
    dip = 0.012 * (np.exp(-((along / 0.25) ** 2)) - np.exp(-(((np.abs(along) - 0.4) / 0.25) ** 2)))
    return face.mouth - face.mouth_curve * along**2 + dip + face.skew[1] * face.mouth_half * along


def lip_edges(face: Face, x: Numbers) -> tuple[Numbers, Numbers]:
    """Return the heights of the upper edge of the upper lip and the lower edge of the lower lip at each signed x."""
    along = np.clip(x / face.mouth_half, -1, 1)
    bow = 1 - 0.22 * np.exp(-((along / 0.16) ** 2))
    upper = face.upper_lip * np.clip(1 - np.abs(along) ** 1.6, 0, None) ** 0.9 * bow
    lower = face.lower_lip * np.clip(1 - along**2, 0, None) ** 0.8
    line = lip_line(face, x)
    return line - upper, line + lower


def brow_line(face: Face, x: Numbers) -> Numbers:
    """Return the height of the middle of the brow at each signed x."""
    along = np.clip((np.abs(x) - face.brow_inner) / (face.brow_outer - face.brow_inner), -0.2, 1.2)
    arch = face.brow_arch * (1 - ((along - 0.62) / 0.62) ** 2)
    return face.brow - arch + 0.5 * face.brow_arch + 0.5 * face.skew[0] * np.sign(x)


def landmarks(face: Face) -> Float64[np.ndarray, "68 2"]:
    """Return the usual 68 points (jaw, brows, nose, eyes, lips) of the face at rest.

    Returns:
        Signed x and y in half-widths of the face; within each part from the image's left to its right, eyes and lips
        clockwise as seen in the image.
    """
    k = np.arange(9)
    y = face.chin * np.sin(np.pi / 2 * k / 8)
    half = np.stack([-outline(face, y), y], axis=1)
    jaw = np.concatenate([half, _mirrored(half[:-1])])
    x = np.linspace(-face.brow_outer, -face.brow_inner, 5)
    brows = np.concatenate([np.stack([s, brow_line(face, s)], axis=1) for s in (x, -x[::-1])])
    bridge = np.stack([np.zeros(4), np.linspace(0, face.nose - 0.1, 4)], axis=1)
    wings = np.linspace(-0.75, 0.75, 5) * face.nose_half
    base = np.stack([wings, face.nose + 0.03 - 0.1 * (wings / face.nose_half) ** 2], axis=1)
    eyes = []
    for middle in (-face.eye, face.eye):
        x = middle + face.eye_half * np.array([-1, -0.4, 0.4, 1, 0.4, -0.4])
        upper, lower = lids(face, x)
        eyes.append(np.stack([x, np.where(k[:6] < 4, upper, lower)], axis=1))
    outer = face.mouth_half * np.array([-1, -0.62, -0.26, 0, 0.26, 0.62, 1, 0.62, 0.26, 0, -0.26, -0.62])
    inner = face.mouth_half * np.array([-0.85, -0.3, 0, 0.3, 0.85, 0.3, 0, -0.3])
    upper, lower = lip_edges(face, outer)
    lips = np.stack([outer, np.where(np.arange(12) < 7, upper, lower)], axis=1)
    # Just above and below the line, so that upper and lower lip separate when the mouth opens.
    line = np.stack([inner, lip_line(face, inner) + 1e-6 * np.array([-1, -1, -1, -1, -1, 1, 1, 1])], axis=1)
    return np.concatenate([jaw, brows, bridge, base, *eyes, lips, line])


def _mirrored(points: Points) -> Points:
    return points[::-1] * [-1, 1]
