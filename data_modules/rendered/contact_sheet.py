"""A picture of rendered faces: people in rows, expressions in columns, and the true motion as arrows."""

from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import draw_face
from data_modules.rendered.geometry import LEFT
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.scene import Scene, State, at_rest

SHOWN: tuple[Mapping[int, float], ...] = (
    {},
    {6: 0.7, 12: 1.0},
    {4: 1.0, 9: 1.0},
    {1: 1.0, 2: 1.0, 5: 1.0, 26: 1.0},
    {14: 1.0},
)
"""Action units and intensities of each column; the last is shown on the person's left only."""


def contact_sheet(seed: int, people: int = 8, size: int = 128, arrows: bool = True) -> UInt8[np.ndarray, "high wide 3"]:
    """Return a sheet of people in rows and expressions in columns.

    Columns: at rest, smile (AU 6 and 12), anger and disgust (4, 9), surprise (1, 2, 5, 26), dimple on the person's left
    (14); with ``arrows``, the true motion of the smile and of the surprise from the face at rest.

    Args:
        seed: Seed of the people.
        people: Number of people.
        size: Height and width of each picture, pixels.
        arrows: Whether to add the columns with arrows.
    """
    rows = []
    for person in range(people):
        scene = Scene(draw_face(np.random.default_rng([seed, person])), Camera(size))
        states = [_state(column) for column in SHOWN]
        pictures = [scene.render(state, np.random.default_rng([seed, person, 1])) for state in states]
        if arrows:
            pictures += [_arrows(pictures[0], scene.displacement(states[0], states[i])) for i in (1, 3)]
        rows.append(np.concatenate(pictures, axis=1))
    return np.concatenate(rows, axis=0)


def _state(shown: Mapping[int, float]) -> State:
    units = at_rest()
    for unit, intensity in shown.items():
        units[UNITS.index(unit), [LEFT] if unit == 14 else slice(None)] = intensity
    return State(units)


def _arrows(picture: UInt8[np.ndarray, "size size 3"], flow: np.ndarray) -> UInt8[np.ndarray, "size size 3"]:
    size = len(picture)
    drawn = picture // 2 + 100
    step = size // 20
    for row in range(step // 2, size, step):
        for column in range(step // 2, size, step):
            u, v = flow[:, row, column]
            if np.hypot(u, v) > 0.006 * size:
                end = round(column + float(u) * 1.5), round(row + float(v) * 1.5)
                cv2.arrowedLine(drawn, (column, row), end, (180, 20, 20), 1, cv2.LINE_AA, tipLength=0.35)
    return drawn
