"""How each action unit moves the skin: where it pulls, in which direction, and where the skin folds.

Directions follow the Facial Action Coding System (Ekman, Friesen and Hager, 2002); sizes at intensity 1, a strong
macro-expression, are our own reading of it. They were not fitted to any data.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from data_modules.rendered.canvas import Canvas
from data_modules.rendered.face import Face
from data_modules.rendered.geometry import LEFT, RIGHT, SIGN, anchors

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)
"""Action units that can be shown, in the order of a state's rows."""


@dataclass(frozen=True)
class Pull:
    """One smooth, localized displacement on one side of the face; the other side moves symmetrically.

    Lengths are in half-widths of the face.

    Attributes:
        unit: Action unit.
        anchor: Point of the face it is attached to.
        x: Distance of its centre from the anchor, away from the midline.
        y: Distance downwards.
        wide: Standard deviation of the Gaussian along x.
        high: Standard deviation along y.
        outward: Displacement of the centre away from the midline at intensity 1.
        down: Displacement downwards.
    """

    unit: int
    anchor: str
    x: float
    y: float
    wide: float
    high: float
    outward: float
    down: float


PULLS = (
    # Inner and outer brow raiser, with the forehead above.
    Pull(1, "inner brow", -0.02, -0.02, 0.16, 0.17, -0.01, -0.13),
    Pull(2, "outer brow", 0.0, -0.02, 0.17, 0.17, 0.01, -0.13),
    # Brow lowerer: down, and the inner ends towards each other.
    Pull(4, "inner brow", 0.0, 0.0, 0.15, 0.14, -0.075, 0.09),
    Pull(4, "outer brow", -0.15, 0.0, 0.17, 0.12, -0.03, 0.055),
    # Upper lid raiser: the brow's skin a little; the lid itself is a slit's edge.
    Pull(5, "eye", 0.0, -0.16, 0.18, 0.07, 0.0, -0.015),
    # Cheek raiser: the cheek up, the skin beside the eye towards it.
    Pull(6, "cheek", 0.04, -0.04, 0.22, 0.16, 0.01, -0.075),
    Pull(6, "temple", 0.03, 0.04, 0.11, 0.13, -0.05, 0.0),
    # Lid tightener: beside the slit's edges, the skin under the eye towards the nose.
    Pull(7, "eye", 0.0, 0.13, 0.18, 0.07, -0.02, -0.025),
    # Nose wrinkler: sides of the nose and upper lip up, inner brows down.
    Pull(9, "wing", -0.04, -0.10, 0.12, 0.18, 0.0, -0.085),
    Pull(9, "inner brow", -0.06, 0.06, 0.13, 0.12, -0.02, 0.04),
    Pull(9, "upper lip", 0.02, -0.02, 0.16, 0.08, 0.0, -0.035),
    # Upper lip raiser.
    Pull(10, "upper lip", 0.0, -0.02, 0.19, 0.09, 0.0, -0.075),
    Pull(10, "wing", 0.12, 0.04, 0.14, 0.14, 0.02, -0.045),
    # Lip corner puller: corners up and outwards, cheeks up.
    Pull(12, "corner", 0.02, 0.0, 0.17, 0.15, 0.085, -0.095),
    Pull(12, "cheek", 0.05, 0.08, 0.20, 0.16, 0.02, -0.055),
    # Dimpler: the corner outwards, the cheek beside it inwards, both towards one point.
    Pull(14, "corner", -0.03, 0.0, 0.11, 0.11, 0.065, -0.01),
    Pull(14, "corner", 0.22, 0.0, 0.12, 0.14, -0.04, 0.0),
    # Lip corner depressor.
    Pull(15, "corner", 0.0, 0.03, 0.14, 0.14, 0.01, 0.09),
    Pull(15, "corner", -0.04, 0.26, 0.14, 0.12, 0.0, 0.03),
    # Chin raiser: chin boss and lower lip up.
    Pull(17, "chin", 0.0, 0.02, 0.22, 0.13, 0.0, -0.085),
    Pull(17, "lower lip", -0.12, 0.0, 0.20, 0.10, 0.0, -0.045),
    # Lip stretcher: corners outwards and a little down.
    Pull(20, "corner", 0.0, 0.04, 0.17, 0.15, 0.11, 0.025),
    # Lip tightener: corners inwards, lips narrow.
    Pull(23, "corner", 0.0, 0.0, 0.13, 0.12, -0.05, 0.0),
    Pull(23, "upper lip", -0.04, 0.0, 0.20, 0.05, 0.0, 0.022),
    Pull(23, "lower lip", -0.02, 0.0, 0.20, 0.06, 0.0, -0.028),
    # Lip pressor: the lips towards each other.
    Pull(24, "upper lip", 0.0, -0.02, 0.22, 0.06, 0.0, 0.042),
    Pull(24, "lower lip", 0.0, 0.02, 0.22, 0.07, 0.0, -0.05),
    # Jaw drop: the chin down, the cheeks in; the lips part at their slit.
    Pull(26, "jaw", 0.0, 0.02, 0.52, 0.27, 0.0, 0.20),
    Pull(26, "corner", 0.0, 0.06, 0.17, 0.18, -0.06, 0.03),
)

UPPER_LID = {5: -0.24, 7: 0.20, 6: 0.06}
"""Motion of the upper lid's edge downwards at intensity 1, as a share of the eye's opening."""

LOWER_LID = {6: 0.20, 7: 0.22, 9: 0.10, 12: 0.08}
"""Motion of the lower lid's edge upwards, likewise."""

UPPER_LIP = {10: 0.045, 25: 0.025}
"""Motion of the upper lip's edge upwards at intensity 1, half-widths of the face."""

LOWER_LIP = {25: 0.09, 26: 0.17}
"""Motion of the lower lip's edge downwards, likewise."""

GATE = 0.09
"""Width of the transition between the sides of the face, half-widths."""


def gate(x: np.ndarray, side: int) -> np.ndarray:
    """Return the weight of one side's muscles at each signed x; the weights of both sides add up to 1."""
    share: np.ndarray = 0.5 * (1 + np.tanh(SIGN[side] * x / GATE))
    return share


def fields(face: Face, canvas: Canvas) -> Float32[np.ndarray, "unit side 2 high wide"]:
    """Return the displacement of the skin by each unit on each side at intensity 1.

    Args:
        face: The face.
        canvas: The grid.

    Returns:
        u to the right and v downwards, half-widths of the face.
    """
    result = np.zeros((len(UNITS), 2, 2, canvas.side, canvas.side), np.float32)
    for side in (LEFT, RIGHT):
        share, places = gate(canvas.x, side), anchors(face, side)
        for pull in PULLS:
            x, y = places[pull.anchor]
            profile = share * canvas.bump(SIGN[side] * (x + pull.x), y + pull.y, pull.wide, pull.high)
            result[UNITS.index(pull.unit), side, 0] += SIGN[side] * pull.outward * profile
            result[UNITS.index(pull.unit), side, 1] += pull.down * profile
    return result


SkinFold = tuple[float, list[tuple[float, float]]]
"""Depth and the points of a line, signed x and y."""


def folds(face: Face, side: int) -> dict[int, list[SkinFold]]:
    """Return the lines along which each unit folds the skin on one side.

    Args:
        face: The face.
        side: ``LEFT`` or ``RIGHT``.

    Returns:
        Depth (the largest loss of light at intensity 1, 0..1) and points of each line, half-widths of
        the face.
    """
    at = anchors(face, side)
    brow_x, brow = at["inner brow"]
    outer_x, outer = at["outer brow"]
    eye_x, eye = at["temple"]
    wing_x, wing = at["wing"]
    corner_x, corner = at["corner"]
    chin = at["chin"][1]
    nasolabial = [
        (wing_x + 0.03, wing - 0.04),
        (wing_x + 0.12, wing + 0.08),
        (corner_x + 0.09, 0.5 * (wing + corner) + 0.06),
        (corner_x + 0.12, corner + 0.02),
    ]
    lines: dict[int, list[SkinFold]] = {
        1: [(0.22, [(0.0, brow - d), (brow_x + 0.15, brow - d - 0.03)]) for d in (0.24, 0.36, 0.48)],
        2: [(0.20, [(outer_x - 0.25, outer - d), (outer_x + 0.1, outer - d + 0.04)]) for d in (0.22, 0.33)],
        4: [
            (0.38, [(0.06, brow + 0.10), (0.065, brow - 0.02), (0.085, brow - 0.12)]),
            (0.14, [(0.0, brow + 0.14), (0.12, brow + 0.11)]),
        ],
        6: [(0.26, [(eye_x - 0.05, eye + dy), (eye_x + 0.10, eye + 2.6 * dy)]) for dy in (-0.045, 0.0, 0.045)]
        + [(0.20, [(face.eye - 0.18, 0.19), (face.eye + 0.02, 0.235), (face.eye + 0.2, 0.17)])],
        7: [(0.16, [(face.eye - 0.15, 0.12), (face.eye, 0.15), (face.eye + 0.15, 0.11)])],
        9: [(0.26, [(0.0, y), (0.10, y + slope)]) for y, slope in ((0.02, -0.03), (0.09, -0.04), (0.16, -0.05))]
        + [(0.30, nasolabial[:3])],
        10: [(0.30, nasolabial[:3])],
        12: [(0.34, nasolabial)],
        14: [(0.55, [(corner_x + 0.07, corner - 0.07), (corner_x + 0.09, corner), (corner_x + 0.07, corner + 0.07)])],
        15: [(0.26, [(corner_x + 0.02, corner + 0.06), (corner_x + 0.01, corner + 0.20)])],
        17: [
            (0.26, [(0.0, chin - 0.13), (0.10, chin - 0.125), (0.2, chin - 0.07)]),
            *((0.16, [(x, chin + y), (x + 0.03, chin + y + 0.012)]) for x, y in _DIMPLES),
        ],
        20: [(0.20, [(corner_x + 0.12, corner - 0.1), (corner_x + 0.15, corner + 0.12)])],
        23: [(0.12, [(0.02, face.mouth - 0.14), (0.05, face.mouth - 0.09)])],
        24: [(0.14, [(corner_x + 0.03, corner - 0.04), (corner_x + 0.03, corner + 0.06)])],
    }
    return {
        unit: [(depth, [(SIGN[side] * x, y) for x, y in line]) for depth, line in each] for unit, each in lines.items()
    }


_DIMPLES = ((0.02, -0.04), (0.09, -0.03), (0.15, 0.01), (0.04, 0.05), (0.11, 0.06), (0.01, 0.11))


def relief(canvas: Canvas, lines: list[SkinFold], width: float = 0.03) -> Float32[np.ndarray, "side side"]:
    """Return the loss of light in folds (positive) and the gain at their rims (negative).

    Args:
        canvas: The grid.
        lines: The folds.
        width: Width of a fold, half-widths of the face.
    """
    light = np.zeros((canvas.side, canvas.side), np.float32)
    for depth, points in lines:
        line = canvas.stroke(smooth(points), width * 0.8, width * 0.8)
        rim = canvas.stroke(smooth([(x, y + 1.8 * width) for x, y in points]), width, width * 0.8)
        light += depth * (line - 0.25 * rim)
    return light


def shades(face: Face, canvas: Canvas) -> Float32[np.ndarray, "unit side high wide"]:
    """Return the loss of light from each unit's folds and bulges on each side at intensity 1.

    Args:
        face: The face; age deepens the folds.
        canvas: The grid.

    Returns:
        Share of the light, positive where the skin becomes darker.
    """
    result = np.zeros((len(UNITS), 2, canvas.side, canvas.side), np.float32)
    for side in (LEFT, RIGHT):
        share, at = gate(canvas.x, side), anchors(face, side)
        x, y = at["cheek"]
        apple = canvas.bump(SIGN[side] * x, y + 0.02, 0.17, 0.12) - 0.8 * canvas.bump(
            SIGN[side] * x, y + 0.25, 0.2, 0.1
        )
        for unit, lines in folds(face, side).items():
            result[UNITS.index(unit), side] = share * (0.7 + 0.6 * face.age) * relief(canvas, lines)
        for unit, bulge in ((6, 0.045), (12, 0.045)):
            result[UNITS.index(unit), side] -= bulge * share * apple
    return result


def smooth(points: list[tuple[float, float]], count: int = 16) -> np.ndarray:
    """Return points on a smooth line through the given ones (Catmull-Rom)."""
    p = np.asarray(points, dtype=np.float64)
    if len(p) < 3:
        return p
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, count, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate([*pieces, p[-2:-1]])
