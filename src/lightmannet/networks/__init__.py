"""Networks: plain modules without Lightning, one encoder per file."""

from lightmannet.networks.aligned import Features, Logits, Maps, Phases
from lightmannet.networks.clip_encoder import ClipEncoder
from lightmannet.networks.conv4 import Conv4
from lightmannet.networks.dual_stream import DualStream
from lightmannet.networks.encoder import Encoder
from lightmannet.networks.flatten import Flatten
from lightmannet.networks.hierarchical_transformer import HierarchicalTransformer
from lightmannet.networks.off_apexnet import OffApexNet
from lightmannet.networks.resnet12 import ResNet12
from lightmannet.networks.sssnet import SSSNet
from lightmannet.networks.three_stream import ThreeStream
from lightmannet.networks.two_branch import TwoBranchNetwork

__all__ = [
    "ClipEncoder",
    "Conv4",
    "DualStream",
    "Encoder",
    "Features",
    "Flatten",
    "HierarchicalTransformer",
    "Logits",
    "Maps",
    "OffApexNet",
    "Phases",
    "ResNet12",
    "SSSNet",
    "ThreeStream",
    "TwoBranchNetwork",
]
