"""From the frames of one clip to what a network sees of it: the one way, in training and for somebody's own clip."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from data_modules.representations.base import Representation
from data_modules.representations.landmark_flow import LandmarkFlow
from data_modules.video.crop import Box, Crop
from data_modules.video.frames import FrameReader, nearest
from data_modules.video.landmarks import LandmarkFrames


def clip_inputs(
    reader: FrameReader,
    numbers: Sequence[int],
    interval: tuple[int, int, int],
    representation: Representation,
    crop: Crop,
    box: Box | None = None,
) -> Float32[np.ndarray, "phase channel size size"]:
    """Return what a network sees of a clip, in [-0.5, 0.5].

    Args:
        reader: The clip's frames.
        numbers: Numbers of the frames from onset to offset that are there, ascending; the nearest is taken for others.
        interval: Numbers of onset, apex and offset.
        representation: What is seen of the frames.
        crop: How the face is cut out.
        box: The annotation's face box in the first frame, if there is one.

    Raises:
        DataError: A frame cannot be read, or has no face.
        ConfigurationError: The crop lacks something: a box, a model.
    """
    moments = [nearest(numbers, moment) for moment in representation.moments(*interval)]
    if isinstance(representation, LandmarkFlow) and isinstance(reader, LandmarkFrames):
        return representation.render_points(reader.points(moments))
    frames = reader.read(moments, representation.color)
    return representation.render(crop.square(frames, representation.working_size, box))
