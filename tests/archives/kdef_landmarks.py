"""The landmarks of KDEF as they are cloned, of a drawn face."""

from pathlib import Path

from tests.archives.faces import landmarks, text

# AF01 and BF01 are one person; AM02 was taken once.
TAKES = ("AF01", "BF01", "AM02")
MOTION = {
    "NES": (0.0, 0.0),
    "AFS": (-3.0, 9.0),
    "ANS": (-4.0, -8.0),
    "DIS": (-6.0, -4.0),
    "HAS": (18.0, 0.0),
    "SAS": (-8.0, 3.0),
    "SUS": (-2.0, 20.0),
}
"""Smile and brows of each emotion, in pixels."""


def write_kdef_landmarks(root: Path) -> None:
    """Write three takes of two persons; the head moves between the pictures."""
    folder = root / "KDEF_LANDMARKS"
    folder.mkdir(parents=True)
    for number, take in enumerate(TAKES):
        for step, (word, (smile, brows)) in enumerate(MOTION.items()):
            points = landmarks(smile * (1 + number / 10), brows, shift=(3.0 * step, -2.0 * step))
            (folder / f"{take}{word}.txt").write_text(text(points))
    (folder / ".DS_Store").write_bytes(b"\0")
