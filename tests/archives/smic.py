"""SMIC and its extended recordings as their archives unpack, with noise in place of faces."""

from pathlib import Path

from tests.archives.writing import double, write_images, write_workbook

EXTENDED = "SMIC-E_raw image"
WORKBOOK = "SMIC-HS-E_annotation.xlsx"
HEADER = (
    "Subject",
    "Filename",
    "Original",
    "OnsetF",
    "OffsetF",
    "Onset2F",
    "Offset2F",
    "Onset3F",
    "Offset3F",
    None,
    "FirstF",
    "LastF",
    "TotalMF1",
    "TotalMF2",
    "TotalMF3",
    "TotalVL",
    "Emotion",
)
WORDS = {"ne": "negative", "po": "positive", "sur": "surprise"}
# Clips and their first frame: camera counters of 5 (padded to 6), 6 and 8 digits.
CLIPS = {
    1: {"s1_ne_01": 34208, "s1_ne_02": 34300, "s1_po_01": 34400, "s1_po_02": 34500, "s1_sur_01": 99997, "s1_sur_02": 1},
    3: {
        "s3_ne_02": 308600,
        "s3_ne_19": 308700,
        "s3_po_08": 308800,
        "s3_po_09": 308900,
        "s3_sur_01": 308970,
        "s3_sur_02": 309000,
    },
    11: {
        "s11_ne_01": 17581039,
        "s11_ne_02": 17581100,
        "s11_po_01": 17581200,
        "s11_po_02": 17581300,
        "s11_sur_01": 17581400,
        "s11_sur_02": 17581500,
    },
}
LENGTH = 4
VIS = {11: {"s11_ne_01": 17581039, "s11_po_01": 17581200}}
GAP = ("s3_sur_01", 308972)
TWICE = "s3_ne_02"
"""The recording with two expressions."""


def write_smic(root: Path) -> None:
    """Write raw, cropped and extended frames of HS and of a few clips of VIS."""
    for subject, clips in CLIPS.items():
        for seed, (clip, first) in enumerate(clips.items(), subject):
            place = Path(f"s{subject}") / "micro" / WORDS[clip.split("_")[1]] / clip
            numbers = [number for number in range(first, first + LENGTH) if (clip, number) != GAP]
            for camera in ("HS", "VIS") if clip in VIS.get(subject, {}) else ("HS",):
                raw, cropped = (root / f"SMIC_all_{frames}" / camera / place for frames in ("raw", "cropped"))
                write_images((raw / f"image{number:06d}.bmp" for number in numbers), seed)
                write_images((cropped / f"reg_image{number:06d}.bmp" for number in numbers), seed)
        for frames in ("raw", "cropped"):
            calm = root / f"SMIC_all_{frames}" / "HS" / f"s{subject}" / "non_micro" / f"s{subject}_non_01"
            write_images([calm / "image000001.bmp", calm / "image000002.bmp"], seed=0)
    _write_extended(root / EXTENDED / "HS_long", "HS", CLIPS, inner="")
    _write_extended(root / EXTENDED / "VIS_long", "VIS", VIS, inner="VIS")
    double(root, "SMIC_all_cropped")


def _write_extended(root: Path, camera: str, subjects: dict[int, dict[str, int]], inner: str) -> None:
    rows: list[tuple[object, ...]] = []
    for subject, clips in subjects.items():
        for seed, (clip, onset) in enumerate(clips.items(), subject):
            first, offset = max(onset - 1, 1), onset + LENGTH - 1
            second = (offset + 1, offset + 4) if clip == TWICE else (None, None)
            last = (second[1] or offset) + 1
            # In some rows there is no number of the first frame.
            shown: object = "no data" if clip == "s1_po_01" else first
            emotion = WORDS[clip.split("_")[1]]
            spans = (onset, offset, *second, None, None)
            rows.append((subject, clip, None, *spans, None, shown, last, LENGTH, None, None, None, emotion))
            folder = root / f"SMIC-{camera}-E" / inner / f"s{subject:02d}" / clip
            write_images((folder / f"image{number:06d}.jpg" for number in range(first, last + 1)), seed)
    notes: list[tuple[object, ...]] = [(None,), (None, "Two clips hold more than one expression"), ("Note: counters",)]
    write_workbook(root / f"SMIC-{camera}-E_annotation.xlsx", {"Sheet1": [HEADER, *rows, *notes]})
