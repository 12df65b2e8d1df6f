"""Micro- and macro-expression data: readers, protocols, episodes and the two data modules."""

from data_modules.base import SubjectDisjointDataModule
from data_modules.conventional import ConventionalDataModule
from data_modules.databases.megc2019 import MEGC2019
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import LeaveOneSubjectOut, SubjectKFold
from data_modules.synthetic.motion import SyntheticMotion

__all__ = [
    "MEGC2019",
    "ConventionalDataModule",
    "EpisodicDataModule",
    "LeaveOneSubjectOut",
    "SubjectDisjointDataModule",
    "SubjectKFold",
    "SyntheticMotion",
]
