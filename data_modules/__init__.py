"""Micro- and macro-expression data: readers, protocols, episodes and the two data modules."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_modules.auxiliary import CorpusMacro as CorpusMacro
    from data_modules.auxiliary import MagnifiedMicro as MagnifiedMicro
    from data_modules.base import SubjectDisjointDataModule as SubjectDisjointDataModule
    from data_modules.clip_corpus import ClipCorpus as ClipCorpus
    from data_modules.conventional import ConventionalDataModule as ConventionalDataModule
    from data_modules.databases.casme import CASME as CASME
    from data_modules.databases.casme2 import CASME2 as CASME2
    from data_modules.databases.casme3 import CASME3 as CASME3
    from data_modules.databases.casme_sq import CASMESquared as CASMESquared
    from data_modules.databases.ckplus import CKPlus as CKPlus
    from data_modules.databases.ckplus_landmarks import CKPlusLandmarks as CKPlusLandmarks
    from data_modules.databases.ckplus_pairs import CKPlusPairs as CKPlusPairs
    from data_modules.databases.dfme import DFME as DFME
    from data_modules.databases.folder import FolderDatabase as FolderDatabase
    from data_modules.databases.jaffe import JAFFE as JAFFE
    from data_modules.databases.kdef import KDEF as KDEF
    from data_modules.databases.kdef_landmarks import KDEFLandmarks as KDEFLandmarks
    from data_modules.databases.london_faces import LondonFaces as LondonFaces
    from data_modules.databases.megc2019 import MEGC2019 as MEGC2019
    from data_modules.databases.megc2019_list import MEGC2019List as MEGC2019List
    from data_modules.databases.mmew import MMEW as MMEW
    from data_modules.databases.mmew_pairs import MMEWPairs as MMEWPairs
    from data_modules.databases.mmi import MMI as MMI
    from data_modules.databases.oulu_casia import OuluCASIA as OuluCASIA
    from data_modules.databases.samm import SAMM as SAMM
    from data_modules.databases.samm_lv import SAMMLongVideos as SAMMLongVideos
    from data_modules.databases.smic import SMIC as SMIC
    from data_modules.databases.table import TableDatabase as TableDatabase
    from data_modules.databases.yale_faces import YaleFaces as YaleFaces
    from data_modules.episodic import EpisodicDataModule as EpisodicDataModule
    from data_modules.evaluation import OwnPerson as OwnPerson
    from data_modules.evaluation import TrainingSupport as TrainingSupport
    from data_modules.evaluation import UnseenPeople as UnseenPeople
    from data_modules.macro_sets import MacroSets as MacroSets
    from data_modules.motion_files import MotionFile as MotionFile
    from data_modules.motion_files import MotionFiles as MotionFiles
    from data_modules.protocols import HoldOutDatabase as HoldOutDatabase
    from data_modules.protocols import LeaveOneSubjectOut as LeaveOneSubjectOut
    from data_modules.protocols import SingleDatabase as SingleDatabase
    from data_modules.protocols import SubjectKFold as SubjectKFold
    from data_modules.rendered.source import RenderedFaces as RenderedFaces
    from data_modules.representations.difference import Difference as Difference
    from data_modules.representations.flow_image import ApexFlow as ApexFlow
    from data_modules.representations.frame_clip import FrameClip as FrameClip
    from data_modules.representations.landmark_flow import LandmarkFlow as LandmarkFlow
    from data_modules.representations.pair_flow import PairFlow as PairFlow
    from data_modules.representations.phase_flow import PhaseFlow as PhaseFlow
    from data_modules.synthetic.macro import SyntheticMacro as SyntheticMacro
    from data_modules.synthetic.motion import SyntheticMotion as SyntheticMotion
    from data_modules.video.crop import AnnotatedBox as AnnotatedBox
    from data_modules.video.crop import WholeFrame as WholeFrame
    from data_modules.video.crop import YuNet as YuNet
    from data_modules.video.eyes import CascadeEyes as CascadeEyes
    from data_modules.video.eyes import DetectedEyes as DetectedEyes
    from data_modules.video.eyes import FixedEyes as FixedEyes
    from data_modules.views import Views as Views

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
    "Views": "views",
    "WholeFrame": "video.crop",
    "KDEF": "databases.kdef",
    "YaleFaces": "databases.yale_faces",
    "LondonFaces": "databases.london_faces",
    "MMEWPairs": "databases.mmew_pairs",
    "CKPlusLandmarks": "databases.ckplus_landmarks",
    "CascadeEyes": "video.eyes",
    "YuNet": "video.crop",
}
"""Module of each name. Modules are imported on first use, so that commands which do not need them start quickly."""

__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` and return it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # jsonargparse looks for classes among a module's variables
    return value


def __dir__() -> list[str]:
    return [*_MODULES]
