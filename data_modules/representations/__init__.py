"""What a network sees of a clip: frames, their difference, or the motion between them."""

from data_modules.representations.base import Representation
from data_modules.representations.difference import Difference
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.frame_clip import FrameClip
from data_modules.representations.phase_flow import PhaseFlow

__all__ = ["ApexFlow", "Difference", "FrameClip", "PhaseFlow", "Representation"]
