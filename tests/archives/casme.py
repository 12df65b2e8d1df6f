"""CASME as its archives unpack, with noise in place of faces."""

from pathlib import Path

from tests.archives.writing import double, write_images, write_workbook

WORKBOOK = "casme.xlsx"
HEADER = ("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU", "Emotion")
# The first rows' frames are numbered without zeros, those of the rows from UNPADDED on with three digits.
UNPADDED = 7
ROWS: list[tuple[object, ...]] = [
    (1, "EP01_5", None, 8, 10, None, 13, None, "4", "disgust"),
    (1, "EP01_6", None, 97, 99, None, 102, None, "4+9", "tense"),
    (1, "EP03_1", None, 20, 23, 25, 26, None, "12", "happiness"),
    (1, "EP03_2", None, 30, 32, None, 35, None, 12, "happiness"),
    (1, "EP09_3", None, 40, 43, None, 46, None, "1+2", "surprise"),
    (1, "EP10", None, 50, 52, None, 55, None, "1+2", "surprise"),
    (7, "EP02_1", None, 60, 63, None, 66, None, "14", "repression"),
    (7, "EP02_2", None, 69, 72, None, 75, None, "4", "disgust"),
    (7, "EP03_1", None, 80, 82, None, 85, None, "12", "happiness"),
    (7, "EP09_1", None, 97, 99, None, 102, None, "1+5", "surprise"),
    (12, "EP04_1", None, 5, 7, None, 10, None, "15", "sadness"),
    (12, "EP04_2", None, 9, 11, None, 14, None, "4", "disgust"),
    (12, "EP04_3", None, 20, None, None, 25, None, "17", "repression"),
    (12, "EP05_1", None, 30, 33, None, 36, None, "12", "happiness"),
    (12, "EP06_1", None, 40, 42, None, 45, None, "1+2", "surprise"),
]


def write_casme(root: Path) -> None:
    """Write an archive: the workbook and the frames in their three folders, one of them doubled."""
    write_workbook(root / WORKBOOK, {"Sheet1": [HEADER, *ROWS]})
    for seed, (subject, clip, _, onset, _, _, offset, *_) in enumerate(ROWS):
        assert isinstance(subject, int)
        assert isinstance(onset, int)
        assert isinstance(offset, int)
        place = Path(f"sub{subject:02d}") / str(clip)
        digits = 1 if seed < UNPADDED else 3
        section = "A" if subject < 7 else "B"
        numbers = range(onset, offset + 1)
        raw = root / "RAW" / f"CASME_{section}" / f"Section {section}" / place
        write_images((root / "Cropped" / place / f"reg_{clip}-{n:0{digits}d}.jpg" for n in numbers), seed)
        write_images((root / "CASME_raw_selected" / place / f"{clip}-{n:0{digits}d}.jpg" for n in numbers), seed)
        write_images((raw / f"{clip}-{n:0{digits}d}.jpg" for n in range(onset - 2, offset + 3)), seed)
    double(root, "CASME_raw_selected")
