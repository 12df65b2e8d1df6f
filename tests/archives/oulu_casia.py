"""Oulu-CASIA as its archives unpack, with noise in place of faces."""

from pathlib import Path
from typing import Literal

from tests.archives.writing import write_images

EMOTIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
PEOPLE = ("P001", "P002", "P080")
FRAMES = 4


def write_oulu_casia(
    root: Path, outer: Literal["PreProcess_Img", "PreProcessImg", "PreProcess"] = "PreProcess_Img"
) -> None:
    """Write an archive: cropped and original frames of both cameras under strong light, one stray file."""
    folders = [f"{outer}/{camera}_Acropped" for camera in ("VL", "NI")] + ["OriginalImg/VL", "OriginalImg/NI"]
    for seed, folder in enumerate(folders):
        for person in PEOPLE:
            for emotion in EMOTIONS:
                clip = root / folder / "Strong" / person / emotion
                write_images((clip / f"{number:03}.jpeg" for number in range(FRAMES)), seed, gray="NI" in folder)
    (root / folders[0] / "Strong" / "Thumbs.db").write_bytes(b"a stray file")
