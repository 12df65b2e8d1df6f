"""One's own labelled clips as somebody might have them: moving noise, no faces."""

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.bundles import write_film

PEOPLE = ("anna", "ben", "cleo", "dan", "eve")
PEAKS = {"raised": 4, "still": 0}
"""Classes, and how far a part of the picture moves in pixels."""
_FRAMES = 9


def write_own_clips(folder: Path, people: Sequence[str] = PEOPLE, clips: int = 2) -> Path:
    """Write ``subject/class/clip`` with videos of 9 frames and return the folder."""
    random = np.random.default_rng(len(people))
    for person in people:
        for label, peak in PEAKS.items():
            for clip in range(clips):
                path = folder / person / label / f"{clip}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                still = cv2.GaussianBlur(random.integers(0, 256, (48, 48), dtype=np.uint8), (0, 0), 2) * 2
                frames = np.stack([still] * _FRAMES)
                for number in range(_FRAMES):
                    moved = round(peak * np.sin(np.pi * number / (_FRAMES - 1)))
                    frames[number, 8:24, 8:40] = still[8 + moved : 24 + moved, 8:40]
                write_film(path, frames)
    return folder


def write_own_table(path: Path, folder: Path) -> Path:
    """Write a table of the clips that ``write_own_clips`` wrote and return its path."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "subject", "label", "onset", "apex", "offset"])
        for clip in sorted(folder.rglob("*.mp4")):
            middle, last = _FRAMES // 2, _FRAMES - 1
            writer.writerow([clip.relative_to(path.parent), *clip.parts[-3:-1], 0, middle, last])
    return path
