"""From the frames of one clip to a network's input, in training and for a user's own clip alike."""

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
    """Return a network's input for a clip, in [-0.5, 0.5].

    Args:
        reader: The clip's frames.
        numbers: Numbers of the frames from onset to offset that exist, ascending; for others the nearest is used.
        interval: Numbers of onset, apex and offset.
        representation: Turns frames into the input.
        crop: How the face is cropped.
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
