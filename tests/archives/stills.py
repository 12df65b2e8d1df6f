"""Databases of stills as they are cloned or unpacked, with noise in place of faces."""

from pathlib import Path

from PIL import Image

from tests.archives.mmew import write_mmew
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


KDEF_EMOTIONS = ("NES", "AFS", "ANS", "DIS", "HAS", "SAS", "SUS")


def write_kdef(root: Path) -> None:
    """Write three takes of two persons, as DOS names them, with a view from the side each; AF01 and BF01 are one."""
    for seed, take in enumerate(("AF01", "BF01", "AM02")):
        names = [f"{take}{word}.JPG" for word in (*KDEF_EMOTIONS, "HAHL", "NEFR")]
        write_images((root / "KDEF_and_AKDEF" / "KDEF" / take / name for name in names), seed)
    (root / "KDEF_and_AKDEF" / "KDEF" / "AF01" / "Thumbs.db").write_bytes(b"\0")


def write_yale_faces(root: Path) -> None:
    """Write three persons as GIFs without extension or with another one; subject04.sad is somebody else."""
    folder = root / "yalefaces"
    folder.mkdir()
    (folder / "Readme.txt").write_text("")
    for seed, (person, end) in enumerate((("01", ""), ("04", ""), ("15", ".gif"))):
        for number, state in enumerate(("normal", "happy", "sad", "surprised", "glasses", "wink", "centerlight")):
            write_images([root / "x.png"], 10 * seed + number, gray=True)
            Image.open(root / "x.png").save(folder / f"subject{person}.{state}{end}", format="GIF")
    (root / "x.png").unlink()


def write_london_faces(root: Path) -> None:
    """Write three persons with the templates of their landmarks."""
    for seed, person in enumerate(("001", "002", "172")):
        places = (f"neutral_front/{person}_03.jpg", f"smiling_front/{person}_08.jpg")
        write_images((root / "inst" / place for place in places), seed)
        for place in places:
            (root / "inst" / place).with_suffix(".tem").write_text("189\n")
    (root / "DESCRIPTION").write_text("")
    (root / "data-raw").mkdir()


def write_mmew_pairs(root: Path) -> None:
    """Write MMEW with a neutral still of one person; the others' neutral faces are first frames."""
    write_mmew(root)
    write_images([root / "Macro_Expression" / "S02" / "neutral" / "S02-00-001.jpg"], 7)
