"""Mean motion of classes as arrows, side by side."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_SIDE, _GAP, _TITLE = 224, 8, 30  # pixels
_DARK, _LIGHT, _RED = (20, 20, 20), (255, 255, 255), (178, 24, 43)


def class_panels(
    rows: Sequence[Float[np.ndarray, "class 2 height width"]], names: Sequence[str], classes: Sequence[str]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return arrows of mean motion, a row of panels for each of ``rows``, a column a class.

    Args:
        rows: Mean u and v of each class, in any unit; the longest arrow of each row is as long as that of the others.
        names: Title of each row.
        classes: Title of each column.
    """
    lines = []
    for name, means in zip(names, rows, strict=True):
        largest = float(np.hypot(means[:, 0], means[:, 1]).max()) or 1.0
        titles = [f"{kind}, {name}" for kind in classes]
        panels = [_titled(_arrows(mean / largest), title) for mean, title in zip(means, titles, strict=True)]
        gap = np.full((len(panels[0]), _GAP, 3), 255, np.uint8)
        lines.append(np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1))
    return np.concatenate(lines)


def _arrows(motion: Float[np.ndarray, "2 height width"]) -> UInt8[np.ndarray, "side side 3"]:
    """Return arrows of motion, the longest of which is 1, at every second pixel, over its amount in grey."""
    size = motion.shape[-1]
    amount = cv2.resize(np.hypot(*motion), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    drawn = np.repeat((255 - 110 * amount)[..., None], 3, axis=2).astype(np.uint8)
    step = _SIDE / size
    for row in range(0, size, 2):
        for column in range(0, size, 2):
            u, v = motion[:, row, column]
            if np.hypot(u, v) < 0.08:
                continue
            x, y = (column + 0.5) * step, (row + 0.5) * step
            tip = round(x + 3.5 * step * u), round(y + 3.5 * step * v)
            cv2.arrowedLine(drawn, (round(x), round(y)), tip, _RED, 1, cv2.LINE_AA, tipLength=0.35)
    return drawn


def _titled(panel: UInt8[np.ndarray, "side side 3"], title: str) -> UInt8[np.ndarray, "taller side 3"]:
    head = np.full((_TITLE, panel.shape[1], 3), _LIGHT, np.uint8)
    cv2.putText(head, title, (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _DARK, 1, cv2.LINE_AA)
    return np.concatenate([head, panel])
