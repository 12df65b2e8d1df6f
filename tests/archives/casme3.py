"""Part A of CAS(ME)^3 as its archives unpack, with noise in place of faces."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import xlwt

from tests.archives.writing import write_images, write_workbook

MICRO = "part_A/annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
MACRO = "part_A/annotation/cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx"
BOTH = "part_A/annotation/CAS(ME)3_part_A_v2.xls"
HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")

# Every cell is text. Two expressions in one video, a capital J, a capital Others, an apex at the onset.
ROWS: list[tuple[str, ...]] = [
    ("spNO.1", "a", "355", "359", "360", "5", "II", "others"),
    ("spNO.1", "a", "363", "366", "368", "4", "III", "disgust"),
    ("spNO.1", "b", "166", "168", "171", "12", "I", "happy"),
    ("spNO.1", "c", "7", "9", "12", "R2+R1", "II", "surprise"),
    ("spNO.3", "d", "5", "8", "10", "26+25", "VII", "Others"),
    ("spNO.3", "d", "15", "18", "20", "L14", "VII", "sad"),
    ("spNO.3", "e", "5", "8", "10", "12", "I", "happy"),
    ("spNO.3", "f", "95", "98", "101", "1+2", "II", "surprise"),
    ("spNO.14", "J", "1012", "1015", "1018", "14", "VII", "anger"),
    ("spNO.14", "k", "5", "8", "10", "T18", "VII", "happy"),
    ("spNO.14", "k", "15", "15", "20", "B28", "VII", "surprise"),
]
# The known errors, and after them what they are corrected to.
WRONG: list[tuple[str, ...]] = [
    ("spNO.149", "d", "112", "83", "358", "T28+14", "VII", "fear"),
    ("spNO.214", "c", "5", "5", "3460", "17+4", "VII", "disgust"),
    ("spNO.216", "d", "3647", "2668", "2694", "38", "VII", "others"),
    ("spNO.216", "e", "0", "0", "25", "14", "VII", "others"),
    ("spNO.40", "e", "1812", "1824", "0", "18", "VII", "others"),
    ("spNO.40", "e", "2327", "2363", "0", "14", "VII", "others"),
]
REPAIRED = {
    "spNO.149/d_112": (112, 160, 358),
    "spNO.214/c_5": (5, None, 34),
    "spNO.216/d_3647": (2647, 2668, 2694),
    "spNO.216/e_0": (1, None, 25),
    "spNO.215/l_0": (1, 357, 750),
    "spNO.40/e_1812": (1812, 1824, 1845),
    "spNO.40/e_2327": (2327, 2363, 2403),
}
MACRO_ROWS: list[tuple[str, ...]] = [
    ("spNO.1", "a", "37", "45", "65", "4+15+R10", "VII", "disgust"),
    ("spNO.1", "b", "79", "90", "99", "r18", "VII", "others"),
    ("spNO.1", "c", "20", "25", "40", "12", "I", "happiness"),
    ("spNO.1", "c", "50", "55", "70", "1+2", "II", "surprise"),
    ("spNO.3", "d", "30", "35", "50", "15", "V", "sadness"),
    ("spNO.3", "e", "30", "35", "50", "12", "I", "happiness"),
    ("spNO.3", "f", "30", "35", "50", "5", "II", "surprise"),
    ("spNO.14", "J", "30", "35", "50", "4", "III", "anger"),
    ("spNO.14", "k", "30", "35", "50", "12", "I", "happiness"),
    ("spNO.14", "k", "60", "65", "80", "25", "II", "surprise"),
    ("spNO.215", "l", "0", "357", "750", "14+24", "VII", "others"),
]

MacroLabel = Literal["Subject", "sub", "v2"]


def write_casme3(root: Path, macro: MacroLabel = "Subject") -> None:
    """Write an archive: the workbooks, the videos as images and the packages of clips.

    Args:
        root: An empty folder.
        macro: Where macro-expressions are written: in the workbook of emotions, whose header begins with ``Subject`` or
            with ``sub``, or in the workbook of both kinds, which has no emotions.
    """
    write_workbook(root / MICRO, {"label": [HEADER, *ROWS, *WRONG], "Sheet1": [], "Sheet3": []})
    if macro == "v2":
        write_v2(root / BOTH)
    elif macro == "Subject":
        write_workbook(root / MACRO, {"Sheet1": [HEADER, *MACRO_ROWS]})
    else:
        short = [(*row[:5], row[7]) for row in MACRO_ROWS]
        write_workbook(root / MACRO, {"Sheet1": [("sub", "seq", "onset", "apex", "offset", "emotion"), *short]})
    videos: dict[tuple[str, str], set[int]] = {}
    for seed, row in enumerate([*ROWS, *WRONG, *MACRO_ROWS]):
        subject, letter, written = row[:3]
        onset, apex, offset = REPAIRED.get(f"{subject}/{letter}_{written}", tuple(map(int, row[2:5])))
        assert onset is not None
        assert offset is not None
        numbers = _some(onset, apex, offset)
        videos.setdefault((subject, letter), set()).update(numbers)
        package = "Part_A_MaE_clip" if row in MACRO_ROWS else "Part_A_ME_clip"
        # Whether a package names a clip by the wrong or by the right onset is not known.
        name = f"{subject.replace('NO', 'No')}_{letter}_{written if written == '0' else onset}"
        write_images((root / package / "frame" / name / f"{n}.jpg" for n in numbers), seed)
    for seed, ((subject, letter), found) in enumerate(videos.items()):
        video = root / "part_A" / "data" / "part_A_split" / "part_A" / subject / letter
        write_images((video / "color" / f"{n}.jpg" for n in sorted(found)), seed)
        write_images([video / "depth" / f"{min(found)}.png"], seed, gray=True)


def write_v2(path: Path, types: Sequence[str] = ("Macro-expression", "Micro-expression")) -> None:
    """Write the .xls workbook of both kinds, without emotions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlwt.Workbook()
    sheet = book.add_sheet("AU+Emotion")
    header = (*HEADER[:6], "Expression type", "Objective class")
    rows = [(*row[:6], kind, row[6]) for kind, rows in zip(types, (MACRO_ROWS, ROWS), strict=True) for row in rows]
    for number, row in enumerate([header, *rows]):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    blinks = book.add_sheet("eye blink")
    for column, title in enumerate(("Subject", "Filename", "Onset", "Offset")):
        blinks.write(0, column, title)
    book.save(str(path))


def _some(onset: int, apex: int | None, offset: int) -> list[int]:
    """Return the frames to write: of a long clip not all, as if frames were lost."""
    if offset - onset < 12:
        return list(range(onset, offset + 1))
    middle = apex or onset + 2
    return sorted({onset, onset + 1, middle, offset - 1, offset})
