"""Motion images (u, v, strain) in [-0.5, 0.5] from displacement fields in pixels."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules.flow import HIGH, LOW, SIZE, optical_strain
from data_modules.scaling import Scaling, stretch
from data_modules.synthetic.fields import Field

FLOW_RANGE = 0.75
"""Displacement in pixels that is stored as 0.5; larger ones are clipped."""

STRAIN_RANGE = 0.5
"""Optical strain that is stored as 0.5 (no strain is -0.5); larger ones are clipped."""

SCALING = Scaling("absolute", FLOW_RANGE / SIZE, STRAIN_RANGE)
"""Scaling of what ``to_images`` returns without stretching."""


def to_images(field: Field, stretched: bool = False) -> Float[Tensor, "clip 3 height width"]:
    """Return the motion images of displacement fields.

    Args:
        field: Displacement (u, v) in pixels.
        stretched: Stretch each channel of each image to the whole range, as in the public MEGC2019 images, instead of
            scaling all by one factor; a constant channel becomes no motion.

    Returns:
        float32 in [-0.5, 0.5]: ``u / (2 FLOW_RANGE)``, ``v / (2 FLOW_RANGE)`` and ``strain / STRAIN_RANGE - 0.5``,
        clipped; or the stretched channels.
    """
    strain = optical_strain(field)[:, None]
    if stretched:
        images = stretch(np.concatenate([field, strain], axis=1))
    else:
        images = np.concatenate([field / (2 * FLOW_RANGE), strain / STRAIN_RANGE + LOW], axis=1).clip(LOW, HIGH)
    return torch.from_numpy(images.astype(np.float32))
