"""KDEF as landmarks: 68 points of 980 pictures of 70 persons, without the pictures."""

import re
from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, folders, listing
from lightmannet.errors import DataError

EMOTIONS = {
    "AFS": "fear",
    "ANS": "anger",
    "DIS": "disgust",
    "HAS": "happiness",
    "SAS": "sadness",
    "SUS": "surprise",
    "NES": None,
}
"""What the last letters of a name say; the last one, S, is the straight view."""

NAME = re.compile(r"(?P<series>[AB])(?P<person>[FM]\d{2})(?P<emotion>[A-Z]{3})", re.IGNORECASE)
"""Series (take), person and emotion: AF01 and BF01 are the same woman."""


class KDEFLandmarks(PairDatabase):
    """Reader of the landmarks of KDEF.

    Each person was photographed in two series, A and B, each with a neutral face of its own. There are no pictures, so
    the representation must be ``LandmarkFlow``.

    Args:
        root: Folder with the files; None takes the environment variable ``KDEF_LANDMARKS_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="kdef_landmarks",
        title="KDEF landmarks",
        variable="KDEF_LANDMARKS_ROOT",
        fps=1,  # stills
        emotions=tuple(word for word in EMOTIONS.values() if word is not None),
        expected={
            "macro": Expected(
                clips=840,
                subjects=70,
                emotions={word: 140 for word in EMOTIONS.values() if word is not None},
            )
        },
        certainty="several sources agree",
        licence="the landmarks: MIT; the pictures that they were found in: non-commercial, no redistribution",
        request="Clone the GitHub repository allambert/torch_itl, branch sanjeel_testbranch (datasets/KDEF).",
        tree="""\
KDEF_LANDMARKS/
  AF01NES.txt …      68 lines "x y"; or in KDEF_LANDMARKS/ or datasets/KDEF/KDEF_LANDMARKS/""",
        people="kdef",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the files."""
        folder = find(root, ("datasets/KDEF/KDEF_LANDMARKS", "KDEF/KDEF_LANDMARKS", "KDEF_LANDMARKS")) or root
        if len(inner := folders(folder)) == 1 and not files(folder, (".txt",)):
            folder = inner[0]
        found = files(folder, (".txt",))
        if not found:
            raise DataError(f"no landmarks: files such as AF01NES.txt are expected in {folder}, {listing(folder)}")
        stills = []
        for path in found:
            stem = path.name.split(".")[0].upper()
            name = NAME.fullmatch(stem)
            if name is None or name["emotion"] not in EMOTIONS:
                report.fault(path.name, name_fault(path, f"AF01HAS.txt, with one of {', '.join(EMOTIONS)},"))
                continue
            stills.append(Still(name["person"], name["series"], EMOTIONS[name["emotion"]], stem, path))
        return stills
