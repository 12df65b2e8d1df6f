"""CASME II as its archives unpack, with noise in place of faces."""

from pathlib import Path

from tests.archives.writing import double, write_images, write_workbook

WORKBOOK = "CASME2-coding-20140508.xlsx"
HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
# Names with and without suffixes, an apex that is not there, odd action units; text and numbers mixed.
ROWS: list[tuple[object, ...]] = [
    ("01", "EP02_01f", None, 46, 49, 51, None, 12, "happiness"),
    ("01", "EP03_02", None, 1, 4, 6, None, "4+7", "disgust"),
    ("01", "EP19_05f", None, 97, 99, 103, None, "L1+L2", "surprise"),
    ("04", "EP12_01f", None, 8, "/", 14, None, "4+R10", "disgust"),
    ("04", "EP12_02f", None, 8, 10, 14, None, "?", "repression"),
    ("04", "EP13_06f", None, 7, 11, 13, None, "R12A", "happiness"),
    ("04", "EP19_01f", None, 5, 8, 11, None, "1+2+25", "surprise"),
    ("07", "EP06_02_01", None, 91, 95, 97, None, "12", "happiness"),
    ("07", "EP06_02_02", None, 98, 101, 103, None, "14", "repression"),
    ("07", "EP01_01", None, 9, 12, 15, None, "1+2", "surprise"),
    ("09", "EP09f", None, 1, 3, 5, None, "4", "others"),
    ("09", "EP02_01f", None, 2, 5, 8, None, "4+9", "disgust"),
    ("09", "EP05_02", None, 2, 5, 8, None, "12", "happiness"),
    ("09", "EP15_04", None, 2, 5, 8, None, "1+5", "surprise"),
]


def write_casme2(root: Path, rows: list[tuple[object, ...]] = ROWS) -> None:
    """Write an archive: the workbook and the frames in their three folders, one of them doubled."""
    write_workbook(root / WORKBOOK, {"Sheet1": [HEADER, *rows], "Sheet2": [], "Sheet3": []})
    for seed, (subject, clip, _, onset, _, offset, *_) in enumerate(rows):
        assert isinstance(onset, int)
        assert isinstance(offset, int)
        place = Path(f"sub{subject}") / str(clip)
        inside = range(onset, offset + 1)
        write_images((root / "CASME2_RAW_selected" / place / f"img{n}.jpg" for n in inside), seed)
        write_images((root / "CASME2-RAW" / place / f"img{n}.jpg" for n in range(1, offset + 3)), seed)
        write_images((root / "Cropped" / place / f"reg_img{n}.jpg" for n in inside), seed)
    (root / "CASME2_RAW_selected" / "sub01" / "EP02_01f.lnk").write_bytes(b"a stray shortcut")
    double(root, "CASME2_RAW_selected")
