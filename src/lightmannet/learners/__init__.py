"""The methods: one Lightning module a file, all with the two verbs ``adapt`` and ``predict``."""

from lightmannet.learners.anil import ANIL
from lightmannet.learners.fine_tuning import FineTuning
from lightmannet.learners.lightmannet import LightmanNet
from lightmannet.learners.linear_probe import LinearProbe
from lightmannet.learners.maml import MAML
from lightmannet.learners.maml_plus_plus import MAMLPlusPlus
from lightmannet.learners.matching_net import MatchingNet
from lightmannet.learners.maxl import MAXL
from lightmannet.learners.meta_sgd import MetaSGD
from lightmannet.learners.pca_logistic import PCALogistic
from lightmannet.learners.proto_net import ProtoNet
from lightmannet.learners.r2d2 import R2D2
from lightmannet.learners.reptile import Reptile
from lightmannet.learners.ridge import Ridge
from lightmannet.learners.supervised import Supervised
from lightmannet.learners.weighted_auxiliary import GradientSimilarity, UncertaintyWeighting

__all__ = [
    "ANIL",
    "MAML",
    "MAXL",
    "R2D2",
    "FineTuning",
    "GradientSimilarity",
    "LightmanNet",
    "LinearProbe",
    "MAMLPlusPlus",
    "MatchingNet",
    "MetaSGD",
    "PCALogistic",
    "ProtoNet",
    "Reptile",
    "Ridge",
    "Supervised",
    "UncertaintyWeighting",
]
