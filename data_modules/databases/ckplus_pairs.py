"""CK+ as pairs of small pictures: the first and the last frame of the sequences with an emotion, 48 x 48 pixels."""

import re
from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, folders, listing, require
from data_modules.video.image_folder import SUFFIXES
from lightmannet.errors import DataError

_COUNTS = {
    "surprise": 80,
    "happiness": 63,
    "disgust": 55,
    "anger": 43,
    "sadness": 27,
    "fear": 24,
    "contempt": 17,
}
_NEUTRAL = "neutral"
_NAME = re.compile(r"(?P<person>S\d{3})_(?P<sequence>\d{3})_\d+", re.IGNORECASE)


class CKPlusPairs(PairDatabase):
    """Reader of the pairs of CK+, a folder for each emotion and one of neutral faces.

    A sequence's neutral and expressive picture have its person and number in their names. The pictures are cut out each
    on its own, so that the head jitters: take ``PairFlow``.

    Args:
        root: Folder of the folders; None takes the environment variable ``CKPLUS_PAIRS_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="ckplus_pairs",
        title="CK+ pairs",
        variable="CKPLUS_PAIRS_ROOT",
        fps=1,  # stills
        emotions=tuple(_COUNTS),
        expected={"macro": Expected(clips=309, subjects=117, emotions=_COUNTS)},
        certainty="one source",
        licence="as CK+: research only, no redistribution",
        request="Send the signed agreement to the Affect Analysis Group of the University of Pittsburgh.",
        tree="""\
CKPLUS_PAIRS/
  neutral/S005_001_00000001.png …      or in CK+/
  disgust/S005_001_00000011.png …      also anger, contempt, fear, happiness, sadness, surprise""",
        people="ckplus",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the pictures."""
        neutral = require(root, (_NEUTRAL, f"CK+/{_NEUTRAL}"), "the folder of neutral faces")
        stills = []
        for folder in folders(neutral.parent):
            word = folder.name.lower()
            if word != _NEUTRAL and word not in _COUNTS:
                report.fault(
                    folder.name, f"a folder named like an emotion is expected: {', '.join(_COUNTS)} or neutral"
                )
                continue
            for path in files(folder, SUFFIXES):
                name = _NAME.fullmatch(path.name.split(".")[0])
                if name is None:
                    report.fault(f"{folder.name}/{path.name}", name_fault(path, "S005_001_00000011.png"))
                    continue
                person, sequence = name["person"].upper(), name["sequence"]
                stills.append(Still(person, sequence, None if word == _NEUTRAL else word, sequence, path))
        if not any(still.emotion for still in stills):
            raise DataError(f"no expressive picture is in {neutral.parent}, {listing(neutral.parent)}")
        return stills
