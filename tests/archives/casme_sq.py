"""CAS(ME)^2 as its archives unpack, with noise in place of faces."""

from pathlib import Path

import cv2
import numpy as np

from tests.archives.writing import SIZE, double, write_images, write_workbook

WORKBOOK = "CAS(ME)^2code_final.xlsx"
MACRO, MICRO = "macro-expression", "micro-expression"
# No header. An offset of 0, a number in the column of text, frames on both sides of img999.
ROWS: list[tuple[object, ...]] = [
    (1, "anger2_1", 997, 1001, 0, "4+7", "negative", MACRO, "anger"),
    (1, "disgust1_1", 12, 14, 17, 9, "negative", MICRO, "disgust"),
    (1, "happy2_1", 3, 5, 8, "6+12", "positive", MACRO, "happy"),
    (1, "happy2_2", 9, 11, 13, "12", "positive", MICRO, "happy"),
    (1, "happy2_3", 13, 16, 18, "1+2", "surprise", MACRO, None),
    (1, "happy2_4", 19, 21, 24, "R1", "surprise", MICRO, None),
    (2, "disgust1_1", 2, 4, 7, "4", "negative", MACRO, "disgust"),
    (2, "disgust1_2", 8, 10, 13, "L10", "negative", MICRO, "disgust"),
    (2, "happy2_1", 3, 5, 8, "12", "positive", MACRO, "happy"),
    (2, "happy2_2", 9, 11, 14, "12", "positive", MICRO, "happy"),
    (2, "happy2_3", 15, 17, 19, "1+2", "surprise", MACRO, None),
    (2, "happy2_4", 20, 22, 24, "5", "surprise", MICRO, None),
    (22, "disgust1_1", 2, 4, 7, "4", "negative", MACRO, "disgust"),
    (22, "disgust1_2", 8, 10, 13, "17", "others", MICRO, None),
    (22, "disgust1_3", 14, 16, 19, "4", "negative", MICRO, "disgust"),
    (22, "happy2_1", 3, 5, 8, "12", "positive", MACRO, "happy"),
    (22, "happy2_2", 9, 11, 14, "12", "positive", MICRO, "happy"),
    (22, "happy2_3", 15, 17, 19, "1+2", "surprise", MACRO, None),
    (22, "happy2_4", 20, 22, 24, "25", "surprise", MICRO, None),
]
PERSONS = [(None, "s15", 1), (None, "s16", 2), (None, "s40", 22)]
STIMULI = [("0101", "disgust1", "disgustingteeth"), ("0402", "anger2", "x"), ("0503", "happy2", "funnyfarting")]
# On disk the titles differ from the workbook's.
TITLES = {"disgust1": "0101disgustingteeth", "anger2": "0402beatingpregnantwoman", "happy2": "0503unnyfarting"}
UNCROPPED = ("s16", "happy2_4")


def write_casme_sq(root: Path) -> None:
    """Write an archive: the workbook and the frames in all four forms, two of the folders doubled."""
    write_workbook(root / WORKBOOK, {"CASFEcode_final": ROWS, "naming rule1": PERSONS, "naming rule2": STIMULI})
    subjects = {number: name for _, name, number in PERSONS}
    long: dict[tuple[str, str], set[int]] = {}
    for seed, (person, clip, onset, apex, offset, *_) in enumerate(ROWS):
        assert isinstance(person, int)
        assert isinstance(onset, int)
        assert isinstance(apex, int)
        assert isinstance(offset, int)
        subject, frames = subjects[person], range(onset, (offset or apex) + 1)
        write_images((root / "selectedpic" / subject / str(clip) / f"img{n:03d}.jpg" for n in frames), seed)
        if (subject, clip) != UNCROPPED:
            write_images((root / "cropped" / subject[1:] / str(clip) / f"img{n:03d}.jpg" for n in frames), seed)
        video = f"{subject[1:]}_{TITLES[str(clip).split('_')[0]]}"
        long.setdefault((subject, video), {1}).update(frames)
    for seed, ((subject, video), numbers) in enumerate(long.items()):
        write_images((root / "rawpic" / subject / video / f"img{n:03d}.jpg" for n in sorted(numbers)), seed)
        write_video(root / "rawvideo" / subject / f"{video}.avi", max(numbers), seed)
    double(root, "selectedpic")
    double(root, "cropped")


def write_video(path: Path, frames: int, seed: int) -> None:
    """Write a video of smooth noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(random.integers(0, 256, (SIZE, SIZE, 3), np.uint8), (0, 0), 2)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (SIZE, SIZE))
    assert video.isOpened()
    for number in range(frames):
        video.write(np.roll(texture, number // 4, axis=1))
    video.release()
