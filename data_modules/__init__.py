"""Micro- and macro-expression data: readers, protocols, episodes and the two data modules."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_modules.auxiliary import CorpusMacro, MagnifiedMicro
    from data_modules.base import SubjectDisjointDataModule
    from data_modules.clip_corpus import ClipCorpus
    from data_modules.conventional import ConventionalDataModule
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
    from data_modules.databases.megc2019 import MEGC2019
    from data_modules.databases.megc2019_list import MEGC2019List
    from data_modules.databases.mmew import MMEW
    from data_modules.databases.mmew_pairs import MMEWPairs
    from data_modules.databases.mmi import MMI
    from data_modules.databases.oulu_casia import OuluCASIA
    from data_modules.databases.samm import SAMM
    from data_modules.databases.samm_lv import SAMMLongVideos
    from data_modules.databases.smic import SMIC
    from data_modules.databases.table import TableDatabase
    from data_modules.databases.yale_faces import YaleFaces
    from data_modules.episodic import EpisodicDataModule
    from data_modules.evaluation import OwnPerson, TrainingSupport, UnseenPeople
    from data_modules.macro_sets import MacroSets
    from data_modules.motion_files import MotionFile, MotionFiles
    from data_modules.protocols import HoldOutDatabase, LeaveOneSubjectOut, SingleDatabase, SubjectKFold
    from data_modules.rendered.source import RenderedFaces
    from data_modules.representations.difference import Difference
    from data_modules.representations.flow_image import ApexFlow
    from data_modules.representations.frame_clip import FrameClip
    from data_modules.representations.landmark_flow import LandmarkFlow
    from data_modules.representations.pair_flow import PairFlow
    from data_modules.representations.phase_flow import PhaseFlow
    from data_modules.synthetic.macro import SyntheticMacro
    from data_modules.synthetic.motion import SyntheticMotion
    from data_modules.video.crop import AnnotatedBox, WholeFrame, YuNet
    from data_modules.video.eyes import CascadeEyes, DetectedEyes, FixedEyes

__all__ = [
    "CASME",
    "CASME2",
    "CASME3",
    "DFME",
    "JAFFE",
    "KDEF",
    "MEGC2019",
    "MMEW",
    "MMI",
    "SAMM",
    "SMIC",
    "AnnotatedBox",
    "ApexFlow",
    "CASMESquared",
    "CKPlus",
    "CKPlusLandmarks",
    "CKPlusPairs",
    "CascadeEyes",
    "ClipCorpus",
    "ConventionalDataModule",
    "CorpusMacro",
    "DetectedEyes",
    "Difference",
    "EpisodicDataModule",
    "FixedEyes",
    "FolderDatabase",
    "FrameClip",
    "HoldOutDatabase",
    "KDEFLandmarks",
    "LandmarkFlow",
    "LeaveOneSubjectOut",
    "LondonFaces",
    "MEGC2019List",
    "MMEWPairs",
    "MacroSets",
    "MagnifiedMicro",
    "MotionFile",
    "MotionFiles",
    "OuluCASIA",
    "OwnPerson",
    "PairFlow",
    "PhaseFlow",
    "RenderedFaces",
    "SAMMLongVideos",
    "SingleDatabase",
    "SubjectDisjointDataModule",
    "SubjectKFold",
    "SyntheticMacro",
    "SyntheticMotion",
    "TableDatabase",
    "TrainingSupport",
    "UnseenPeople",
    "WholeFrame",
    "YaleFaces",
    "YuNet",
]

_MODULES = {
    "CASME": "databases.casme",
    "CASME2": "databases.casme2",
    "CASME3": "databases.casme3",
    "DFME": "databases.dfme",
    "JAFFE": "databases.jaffe",
    "MEGC2019": "databases.megc2019",
    "MMEW": "databases.mmew",
    "MMI": "databases.mmi",
    "SAMM": "databases.samm",
    "SMIC": "databases.smic",
    "AnnotatedBox": "video.crop",
    "ApexFlow": "representations.flow_image",
    "CASMESquared": "databases.casme_sq",
    "CKPlus": "databases.ckplus",
    "CKPlusPairs": "databases.ckplus_pairs",
    "ClipCorpus": "clip_corpus",
    "ConventionalDataModule": "conventional",
    "CorpusMacro": "auxiliary",
    "DetectedEyes": "video.eyes",
    "Difference": "representations.difference",
    "EpisodicDataModule": "episodic",
    "FixedEyes": "video.eyes",
    "FolderDatabase": "databases.folder",
    "FrameClip": "representations.frame_clip",
    "HoldOutDatabase": "protocols",
    "KDEFLandmarks": "databases.kdef_landmarks",
    "LandmarkFlow": "representations.landmark_flow",
    "LeaveOneSubjectOut": "protocols",
    "MEGC2019List": "databases.megc2019_list",
    "MacroSets": "macro_sets",
    "MagnifiedMicro": "auxiliary",
    "MotionFile": "motion_files",
    "MotionFiles": "motion_files",
    "OuluCASIA": "databases.oulu_casia",
    "OwnPerson": "evaluation",
    "PairFlow": "representations.pair_flow",
    "PhaseFlow": "representations.phase_flow",
    "RenderedFaces": "rendered.source",
    "SAMMLongVideos": "databases.samm_lv",
    "SingleDatabase": "protocols",
    "SubjectDisjointDataModule": "base",
    "SubjectKFold": "protocols",
    "SyntheticMacro": "synthetic.macro",
    "SyntheticMotion": "synthetic.motion",
    "TableDatabase": "databases.table",
    "TrainingSupport": "evaluation",
    "UnseenPeople": "evaluation",
    "WholeFrame": "video.crop",
    "KDEF": "databases.kdef",
    "YaleFaces": "databases.yale_faces",
    "LondonFaces": "databases.london_faces",
    "MMEWPairs": "databases.mmew_pairs",
    "CKPlusLandmarks": "databases.ckplus_landmarks",
    "CascadeEyes": "video.eyes",
    "YuNet": "video.crop",
}
"""Module of each name. They are imported when first used, so that what only lists or reads files starts at once."""


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` and return it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # jsonargparse looks for classes among a module's variables
    return value


def __dir__() -> list[str]:
    return __all__
