"""Micro- and macro-expression data: readers, protocols, episodes and the two data modules."""

from data_modules.auxiliary import CorpusMacro, MagnifiedMicro, SyntheticMacro
from data_modules.base import SubjectDisjointDataModule
from data_modules.clip_corpus import ClipCorpus
from data_modules.conventional import ConventionalDataModule
from data_modules.databases.casme import CASME
from data_modules.databases.casme2 import CASME2
from data_modules.databases.casme3 import CASME3
from data_modules.databases.casme_sq import CASMESquared
from data_modules.databases.ckplus import CKPlus
from data_modules.databases.dfme import DFME
from data_modules.databases.kdef_landmarks import KDEFLandmarks
from data_modules.databases.megc2019 import MEGC2019
from data_modules.databases.megc2019_list import MEGC2019List
from data_modules.databases.mmew import MMEW
from data_modules.databases.mmi import MMI
from data_modules.databases.oulu_casia import OuluCASIA
from data_modules.databases.samm import SAMM
from data_modules.databases.samm_lv import SAMMLongVideos
from data_modules.databases.smic import SMIC
from data_modules.episodic import EpisodicDataModule
from data_modules.evaluation import OwnPerson, TrainingSupport, UnseenPeople
from data_modules.joined import JoinedCorpora
from data_modules.motion_files import MotionFile, MotionFiles
from data_modules.protocols import HoldOutDatabase, LeaveOneSubjectOut, SingleDatabase, SubjectKFold
from data_modules.rendered.source import RenderedFaces
from data_modules.representations.difference import Difference
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.frame_clip import FrameClip
from data_modules.representations.landmark_flow import LandmarkFlow
from data_modules.representations.pair_flow import PairFlow
from data_modules.representations.phase_flow import PhaseFlow
from data_modules.synthetic.motion import SyntheticMotion
from data_modules.video.crop import AnnotatedBox, WholeFrame, YuNet
from data_modules.video.eyes import DetectedEyes, FixedEyes

__all__ = [
    "CASME",
    "CASME2",
    "CASME3",
    "DFME",
    "MEGC2019",
    "MMEW",
    "MMI",
    "SAMM",
    "SMIC",
    "AnnotatedBox",
    "ApexFlow",
    "CASMESquared",
    "CKPlus",
    "ClipCorpus",
    "ConventionalDataModule",
    "CorpusMacro",
    "DetectedEyes",
    "Difference",
    "EpisodicDataModule",
    "FixedEyes",
    "FrameClip",
    "HoldOutDatabase",
    "JoinedCorpora",
    "KDEFLandmarks",
    "LandmarkFlow",
    "LeaveOneSubjectOut",
    "MEGC2019List",
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
    "TrainingSupport",
    "UnseenPeople",
    "WholeFrame",
    "YuNet",
]
