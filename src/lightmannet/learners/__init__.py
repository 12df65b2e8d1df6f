"""The methods: one Lightning module a file, all with the two verbs ``adapt`` and ``predict``."""

from lightmannet.learners.lightmannet import LightmanNet
from lightmannet.learners.maml import MAML
from lightmannet.learners.supervised import Supervised

__all__ = ["MAML", "LightmanNet", "Supervised"]
