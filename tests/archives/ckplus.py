"""CK+ as its archives unpack, with noise in place of faces."""

from pathlib import Path
from typing import Literal

from tests.archives.faces import landmarks, text
from tests.archives.writing import SIZE, write_images

# Subject, sequence, number of frames, emotion; None: no label folder, "": an empty one.
SEQUENCES: list[tuple[str, str, int, int | Literal[""] | None]] = [
    ("S005", "001", 4, 3),
    ("S005", "002", 5, 5),
    ("S005", "004", 5, 7),
    ("S010", "001", 4, None),
    ("S010", "002", 5, 7),
    ("S010", "003", 4, ""),
    ("S010", "004", 4, 1),
    ("S010", "006", 6, 5),
    ("S999", "001", 4, 2),
    ("S999", "002", 4, 4),
    ("S999", "003", 5, 5),
    ("S999", "005", 4, 6),
    ("S999", "006", 4, 7),
]
UNITS = "   1.0000000e+00   0.0000000e+00\n   2.0000000e+00   4.0000000e+00\n   2.5000000e+01   0.0000000e+00\n"
BOX = (8, 6, 15, 20)
"""Left, top, width and height of the points in the first frame."""


def write_ckplus(root: Path, images: str = "cohn-kanade-images", emotion: str = "Emotion", facs: str = "FACS") -> None:
    """Write an archive with its four folders, the first three under the names given."""
    for seed, (subject, sequence, frames, code) in enumerate(SEQUENCES):
        place = Path(subject) / sequence
        stems = [f"{subject}_{sequence}_{number:08}" for number in range(1, frames + 1)]
        write_images((root / images / place / f"{stem}.png" for stem in stems), seed, gray=seed % 4 > 0)
        if code is not None:
            (root / emotion / place).mkdir(parents=True)
        if isinstance(code, int):
            (root / emotion / place / f"{stems[-1]}_emotion.txt").write_text(f"   {code:.7e}\n")
        (root / facs / place).mkdir(parents=True)
        (root / facs / place / f"{stems[-1]}_facs.txt").write_text(UNITS)
        (root / "Landmarks" / place).mkdir(parents=True)
        for step, stem in enumerate(stems):
            (root / "Landmarks" / place / f"{stem}_landmarks.txt").write_text(_landmarks(step))
    (root / images / "S005" / ".DS_Store").write_bytes(b"\0")
    (root / emotion / "S005" / "001" / ".DS_Store").write_bytes(b"\0")


def _landmarks(step: int) -> str:
    left, top, width, height = BOX
    assert max(left + width, top + height) < SIZE
    points = [(left + step + width * i / 67, top + height * (67 - i) / 67) for i in range(68)]
    return "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)


def draw_landmarks(root: Path) -> None:
    """Put landmarks of a drawn face that smiles more and more in place of those of an archive that is written."""
    for path in (root / "Landmarks").rglob("*_landmarks.txt"):
        step = int(path.name.split("_")[2])
        path.write_text(text(landmarks(smile=4.0 * (step - 1), shift=(2.0 * step, 1.0))))
