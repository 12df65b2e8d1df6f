"""Face Research Lab London Set: neutral and smiling faces of 102 people, CC BY 4.0 (DeBruine and Jones 2017)."""

import re
from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, folders, listing
from data_modules.video.image_folder import SUFFIXES
from lightmannet.errors import DataError

_FOLDERS = ("neutral_front", "smiling_front")
_STATES = {"03": None, "08": "happiness", "neutral": None, "smiling": "happiness"}
_NAME = re.compile(r"(?P<person>\d{3})_(?P<state>03|08|neutral|smiling)", re.IGNORECASE)


class LondonFaces(PairDatabase):
    """Reader of the London set, a neutral and a smiling face per person: it has a single class, so add other sets.

    Args:
        root: Folder of the two folders; None takes the environment variable ``LONDON_FACES_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="london_faces",
        title="Face Research Lab London Set",
        variable="LONDON_FACES_ROOT",
        fps=1,  # stills
        emotions=("happiness",),
        expected={"macro": Expected(clips=102, subjects=102, emotions={"happiness": 102})},
        certainty="one source",
        licence="CC BY 4.0, with signed consent",
        request="Clone the GitHub repository debruine/webmorphR.stim, or get it at figshare.com (5047666).",
        tree="""\
LONDON_FACES/
  neutral_front/001_03.jpg …      or in inst/; or all in one folder, as 001_neutral.jpg
  smiling_front/001_08.jpg …                                            001_smiling.jpg""",
        people="london",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the pictures; the landmark templates next to them (``.tem``) are ignored."""
        first = find(root, (f"inst/{_FOLDERS[0]}", _FOLDERS[0]))
        folder = first.parent if first else root
        places = [place for place in folders(folder) if place.name.lower() in _FOLDERS] if first else [folder]
        found = [path for place in places for path in files(place, SUFFIXES)]
        if not found:
            raise DataError(
                f"no pictures: folders {' and '.join(_FOLDERS)} are expected in {folder}, {listing(folder)}"
            )
        stills = []
        for path in found:
            name = _NAME.fullmatch(path.name.split(".")[0])
            if name is None:
                report.fault(path.name, name_fault(path, "001_03.jpg (neutral) or 001_08.jpg (smiling)"))
                continue
            emotion = _STATES[name["state"].lower()]
            stills.append(Still(f"L{name['person']}", "", emotion, "smiling" if emotion else "neutral", path))
        return stills
