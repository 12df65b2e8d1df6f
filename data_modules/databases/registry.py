"""All database readers by their short names."""

import os
from pathlib import Path

from data_modules.databases.base import Database
from data_modules.databases.casme import CASME
from data_modules.databases.casme2 import CASME2
from data_modules.databases.casme3 import CASME3
from data_modules.databases.casme_sq import CASMESquared
from data_modules.databases.ckplus import CKPlus
from data_modules.databases.ckplus_landmarks import CKPlusLandmarks
from data_modules.databases.ckplus_pairs import CKPlusPairs
from data_modules.databases.dfme import DFME
from data_modules.databases.folder import FolderDatabase
from data_modules.databases.jaffe import JAFFE
from data_modules.databases.kdef import KDEF
from data_modules.databases.kdef_landmarks import KDEFLandmarks
from data_modules.databases.london_faces import LondonFaces
from data_modules.databases.megc2019_list import MEGC2019List
from data_modules.databases.mmew import MMEW
from data_modules.databases.mmew_pairs import MMEWPairs
from data_modules.databases.mmi import MMI
from data_modules.databases.oulu_casia import OuluCASIA
from data_modules.databases.own import OwnDatabase
from data_modules.databases.samm import SAMM
from data_modules.databases.samm_lv import SAMMLongVideos
from data_modules.databases.smic import SMIC
from data_modules.databases.table import TABLES, TableDatabase
from data_modules.databases.yale_faces import YaleFaces

READERS: dict[str, type[Database]] = {
    reader.description.name: reader
    for reader in (
        CASME,
        CASME2,
        SAMM,
        SMIC,
        MEGC2019List,
        CASMESquared,
        CASME3,
        MMEW,
        DFME,
        SAMMLongVideos,
        CKPlus,
        OuluCASIA,
        MMI,
        KDEF,
        KDEFLandmarks,
        CKPlusPairs,
        CKPlusLandmarks,
        JAFFE,
        YaleFaces,
        LondonFaces,
        MMEWPairs,
    )
}
"""Micro-expression databases come first."""


def own_reader(path: str) -> type[OwnDatabase] | None:
    """Return the reader of own clips at a path, a folder or a table; None if it is neither."""
    place = os.path.expanduser(path)
    if os.path.isdir(place):
        return FolderDatabase
    return TableDatabase if os.path.isfile(place) and Path(place).suffix.lower() in TABLES else None
