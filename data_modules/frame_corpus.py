"""Corpora whose inputs are computed from frames, so that a user's own clip can be processed in the same way."""

from data_modules.apex import MissingApex
from data_modules.corpus import CorpusSource
from data_modules.representations.base import Representation
from data_modules.video.crop import Crop


class FrameCorpus(CorpusSource):
    """A source whose clips are computed from frames by ``clip_inputs``.

    Attributes:
        representation: The network's input for a clip.
        crop: How the face is cropped.
        missing_apex: How to treat clips without a usable apex.
    """

    representation: Representation
    crop: Crop
    missing_apex: MissingApex
