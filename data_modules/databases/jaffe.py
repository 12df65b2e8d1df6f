"""JAFFE: 213 pictures of ten Japanese women, six posed expressions and neutral faces (Lyons et al. 1998)."""

import re
from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, listing
from data_modules.video.image_folder import SUFFIXES
from lightmannet.errors import DataError

_EMOTIONS = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "SA": "sadness",
    "SU": "surprise",
    "NE": None,
}
_NAME = re.compile(r"(?P<person>[A-Z]{2})\.(?P<emotion>[A-Z]{2})(?P<take>\d+)\..*", re.IGNORECASE)


class JAFFE(PairDatabase):
    """Reader of JAFFE.

    Each expression is paired with the first neutral face of its person. The words are those of the posed expressions.

    Args:
        root: Folder of the pictures; None takes the environment variable ``JAFFE_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="jaffe",
        title="JAFFE",
        variable="JAFFE_ROOT",
        fps=1,  # stills
        emotions=tuple(word for word in _EMOTIONS.values() if word is not None),
        expected={"macro": Expected(clips=183, subjects=10)},
        certainty="one source",
        licence="research only, no redistribution",
        request="Ask for it at zenodo.org (record 3451524).",
        tree="""\
JAFFE/
  KA.AN1.39.tiff …      person, expression and take, number; or in jaffe/ or jaffedbase/""",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the pictures."""
        folder = find(root, ("jaffedbase", "jaffe")) or root
        found = files(folder, SUFFIXES)
        if not found:
            raise DataError(f"no pictures: files such as KA.AN1.39.tiff are expected in {folder}, {listing(folder)}")
        stills = []
        for path in found:
            name = _NAME.fullmatch(path.name)
            if name is None or name["emotion"].upper() not in _EMOTIONS:
                report.fault(path.name, name_fault(path, f"KA.AN1.39.tiff, with one of {', '.join(_EMOTIONS)},"))
                continue
            clip = f"{name['emotion']}{name['take']}".upper()
            stills.append(Still(name["person"].upper(), "", _EMOTIONS[name["emotion"].upper()], clip, path))
        return stills
