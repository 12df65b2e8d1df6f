"""The challenge release of DFME as it unpacks, with noise in place of faces."""

from pathlib import Path

from tests.archives.writing import double, write_images, write_workbook

ANNOTATION = "full_release_annotation"
WORKBOOK = f"{ANNOTATION}/training_full_with_AU.xlsx"
HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU")
# One person's frame rate is that of all their clips; the splits number different people alike.
TRAIN: list[tuple[object, ...]] = [
    ("sub0001", "sub0001_01", 0, 3, 5, "disgust", 2, 500, "4"),
    ("sub0001", "sub0001_02", 109, 112, 115, "happiness", 4, 500, "AD38"),
    ("sub0001", "sub0001_03", 20, 23, 25, "surprise", 6, 500, "L1+L2"),
    ("sub0016", "sub0016_01", 7, 9, 12, "anger", 0, 300, "M58"),
    ("sub0016", "sub0016_02", 7, 9, 12, "happiness", 4, 300, "12"),
    ("sub0016", "sub0016_03", 7, 9, 12, "surprise", 6, 300, "1+2"),
    ("sub0111", "sub0111_01", 7, 9, 12, "contempt", 1, 200, "R14"),
    ("sub0111", "sub0111_02", 7, 9, 12, "happiness", 4, 200, "12"),
    ("sub0111", "sub0111_03", 7, 9, 12, "surprise", 6, 200, "AD31"),
]
TEST_A: list[tuple[object, ...]] = [
    ("sub0001", "sub0001_01", 20, 22, 25, "fear", 3, 300, "4"),
    ("sub0001", "sub0001_02", 20, 22, 25, "happiness", 4, 300, "12"),
    ("sub0001", "sub0001_03", 20, 22, 25, "surprise", 6, 300, "AD39"),
]
TEST_B: list[tuple[object, ...]] = [
    ("sub0001", "sub0001_01", 20, 22, 25, "sadness", 5, 200, "15"),
    ("sub0001", "sub0001_02", 20, 22, 25, "happiness", 4, 200, "6+12"),
    ("sub0001", "sub0001_03", 20, 22, 25, "surprise", 6, 200, "5"),
]
SPLITS = {
    "train_data": ("training_full_with_AU.xlsx", TRAIN),
    "test_data_A": ("testA_full_with_AU.xlsx", TEST_A),
    "test_data_B": ("testB_full_with_AU.xlsx", TEST_B),
}


def write_dfme(root: Path) -> None:
    """Write an archive: three workbooks and three folders of clips, two of them doubled."""
    seed = 0
    for folder, (workbook, rows) in SPLITS.items():
        write_workbook(root / ANNOTATION / workbook, {"Sheet1": [HEADER, *rows]})
        for row in rows:
            seed += 1
            onset, offset = row[2], row[4]
            assert isinstance(onset, int)
            assert isinstance(offset, int)
            clip = root / folder / str(row[1])
            write_images((clip / f"{number:05d}.png" for number in range(onset, offset + 1)), seed)
    double(root, "train_data")
    double(root, "test_data_B")
