"""KDEF: 4,900 pictures of 70 people, seven posed expressions in two series and five views (Lundqvist et al. 1998)."""

from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.kdef_landmarks import EMOTIONS, NAME
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, folders, listing
from data_modules.video.image_folder import SUFFIXES
from lightmannet.errors import DataError

_VIEWS = ("FL", "HL", "HR", "FR")
"""Suffixes of the names of side views, which are ignored."""


class KDEF(PairDatabase):
    """Reader of KDEF's pictures from the front.

    Each person was photographed in two series, A and B, each with a neutral face of its own: AF01 and BF01 are one
    woman. The eyes lie at (0.372, 0.506) and (0.628, 0.506) of width and height, within a hundredth: take
    ``FixedEyes`` with these places.

    Args:
        root: Folder of the folders of takes; None takes the environment variable ``KDEF_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="kdef",
        title="KDEF",
        variable="KDEF_ROOT",
        fps=1,  # stills
        emotions=tuple(word for word in EMOTIONS.values() if word is not None),
        expected={
            "macro": Expected(
                clips=840,
                subjects=70,
                emotions={word: 140 for word in EMOTIONS.values() if word is not None},
            )
        },
        certainty="one source",
        licence="non-commercial research, no redistribution",
        request="Register at kdef.se, the Karolinska Directed Emotional Faces.",
        tree="""\
KDEF/
  AF01/AF01AFS.JPG …      series, sex and person; expression; S for the front; or in KDEF_and_AKDEF/KDEF/""",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the frontal pictures, in the folders of the takes or next to them."""
        folder = find(root, ("KDEF_and_AKDEF/KDEF", "KDEF")) or root
        found = [path for place in (folder, *folders(folder)) for path in files(place, SUFFIXES)]
        if not found:
            raise DataError(f"no pictures: files such as AF01/AF01HAS.JPG are expected in {folder}, {listing(folder)}")
        stills = []
        for path in found:
            # Some copies have two extensions: AF01HAS.JPG.jpg.
            stem = path.name.split(".")[0].upper()
            name = NAME.fullmatch(stem)
            if name is not None and name["emotion"] in EMOTIONS:
                stills.append(Still(name["person"], name["series"], EMOTIONS[name["emotion"]], stem, path))
            elif not stem.endswith(_VIEWS):
                report.fault(path.name, name_fault(path, f"AF01HAS.JPG, with one of {', '.join(EMOTIONS)},"))
        return stills
