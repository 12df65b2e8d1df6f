"""The three databases of MEGC2019 beside each other, and the list of their clips in its two forms."""

from pathlib import Path
from typing import Literal

from tests.archives.casme2 import ROWS as CASME2_ROWS
from tests.archives.casme2 import write_casme2
from tests.archives.samm import ROWS as SAMM_ROWS
from tests.archives.samm import write_samm
from tests.archives.smic import CLIPS, write_smic

OFFICIAL = "combined_3class_gt.csv"
HTNET = "combined_3_class2_for_optical_flow.csv"
LABELS = {"happiness": 1, "surprise": 2, "disgust": 0, "repression": 0}
SMIC_LABELS = {"ne": 0, "po": 1, "sur": 2}
LISTED: list[tuple[str, str, str, int]] = [
    *(
        ("casme2", f"sub{subject}", str(clip), LABELS[str(emotion)])
        for subject, clip, *_, emotion in CASME2_ROWS
        # The official list lacks this clip of disgust.
        if emotion in LABELS and (subject, clip) != ("04", "EP12_01f")
    ),
    *(
        ("smic", f"s{subject:02}", f"s{subject:02}_{clip.split('_', 1)[1]}", SMIC_LABELS[clip.split("_")[1]])
        for subject, clips in CLIPS.items()
        for clip in clips
    ),
    *(
        ("samm", subject, clip, LABELS.get(emotion.lower(), 0))
        for subject, clip, *_, emotion, _, _ in SAMM_ROWS
        if emotion != "Other"
    ),
]
"""Database, person, clip and class; persons of SAMM padded as in HTNet's file."""


def write_megc2019_list(
    root: Path, form: Literal["official", "htnet"] = "official", listed: list[tuple[str, str, str, int]] = LISTED
) -> None:
    """Write the three archives into folders of their own, and the list into the root."""
    for name, write in (("casme2", write_casme2), ("smic", write_smic), ("samm", write_samm)):
        (root / name).mkdir()
        write(root / name)
    write_list(root, form, listed)


def write_list(
    root: Path, form: Literal["official", "htnet"] = "official", listed: list[tuple[str, str, str, int]] = LISTED
) -> None:
    """Write the list in one of its forms: the official one has no header, and persons of SAMM without zeros."""
    if form == "official":
        lines = [f"{d},{s.lstrip('0') if d == 'samm' else s},{clip},{label}" for d, s, clip, label in listed]
        (root / OFFICIAL).write_text("\n".join(lines) + "\n")
    else:
        # imagename names the persons of SMIC twice, in another way.
        lines = [f"{d},{s},{clip},{label},,{s}_{clip}.jpg," for d, s, clip, label in listed]
        header = "dataset,sub,filename_o,label,apex,imagename,sub_filename"
        (root / HTNET).write_text("\n".join([header, *lines]) + "\n")
