"""JAFFE and the pairs of CK+ as they are cloned, with noise in place of faces."""

from pathlib import Path

from tests.archives.writing import write_images

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


def write_jaffe(root: Path) -> None:
    """Write two persons with two neutral faces and one picture an emotion."""
    for seed, person in enumerate(("KA", "YM")):
        names = [
            f"{person}.{word}.{seed}{number}.tiff"
            for number, word in enumerate(("NE1", "NE2", "AN1", "DI1", "FE1", "HA1", "SA1", "SU1"))
        ]
        write_images((root / "jaffe" / name for name in names), seed, gray=True)
    (root / "jaffe" / "README").write_text("")


def write_ckplus_pairs(root: Path) -> None:
    """Write two persons with a sequence an emotion."""
    for seed, person in enumerate(("S005", "S010")):
        for number, emotion in enumerate(EMOTIONS, 1):
            places = (f"neutral/{person}_{number:03}_00000001.png", f"{emotion}/{person}_{number:03}_00000014.png")
            write_images((root / "CK+" / place for place in places), 10 * seed + number, gray=True)
