"""Yale faces: 165 pictures of 15 people, of which neutral, happy, sad and surprised faces make pairs."""

import re
from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, listing
from lightmannet.errors import DataError

_EMOTIONS = {"happy": "happiness", "sad": "sadness", "surprised": "surprise", "normal": None}
_OTHERS = ("glasses", "noglasses", "centerlight", "leftlight", "rightlight", "sleepy", "wink", "gif")
_NAME = re.compile(r"subject(?P<person>\d\d)\.(?P<state>[a-z]+)(\.[a-z]+)*", re.IGNORECASE)
_STRANGERS = ("subject04.sad",)
"""Pictures of somebody else than their names say."""


class YaleFaces(PairDatabase):
    """Reader of the Yale faces.

    Light, glasses, sleepy and winking faces are ignored. ``subject04.sad`` shows another person and is left out.
    The faces are not aligned: take ``PairFlow`` and a crop that finds the eyes.

    Args:
        root: Folder of the pictures; None takes the environment variable ``YALE_FACES_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="yale_faces",
        title="Yale faces",
        variable="YALE_FACES_ROOT",
        fps=1,  # stills
        emotions=tuple(word for word in _EMOTIONS.values() if word is not None),
        expected={"macro": Expected(clips=44, subjects=15, emotions={"happiness": 15, "sadness": 14, "surprise": 15})},
        certainty="one source",
        licence="research, by permission of the Yale Vision Group",
        request="Ask the Yale Vision Group; copies are in public repositories (leecarraher/pattern_recognition).",
        tree="""\
YALE_FACES/
  subject01.normal …      GIF, with or without a further extension; or in yalefaces/""",
        people="yale",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the pictures."""
        folder = find(root, ("yalefaces",)) or root
        found = [path for path in files(folder, ("",)) if path.name.lower().startswith("subject")]
        if not found:
            raise DataError(f"no pictures: files such as subject01.normal are expected in {folder}, {listing(folder)}")
        stills = []
        for path in found:
            name = _NAME.fullmatch(path.name)
            state = name["state"].lower() if name else ""
            if name is None or state not in (*_EMOTIONS, *_OTHERS):
                report.fault(path.name, name_fault(path, f"subject01.happy, with one of {', '.join(_EMOTIONS)},"))
            elif path.name.lower().startswith(_STRANGERS):
                report.note(path.name, "shows another person than its name says, so it is left out")
            elif state in _EMOTIONS:
                stills.append(Still(f"y{name['person']}", "", _EMOTIONS[state], state, path))
        return stills
