"""How motion is scaled to [-0.5, 0.5] in a motion image, and conversion between scalings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules.flow import HIGH, LOW, STRAIN
from lightmannet.errors import ConfigurationError

Form = Literal["absolute", "stretched", "centred"]


@dataclass(frozen=True)
class Scaling:
    """The meaning of the stored values of u, v and strain.

    Attributes:
        form: ``absolute``: all images are divided by the same numbers, so amplitude is kept, no motion is 0 in u and v
            and -0.5 in strain. ``stretched``: each channel of each image goes from its least to its greatest value
            over the whole range, as the public MEGC2019 images do: amplitude is lost, and no value means no motion.
            ``centred``: stretched images whose u and v are moved so that their median, which stands for no motion, is
            0, and scaled so that the strongest motion is 0.5 or -0.5.
        full_motion: Of ``absolute``: motion that is stored as 0.5, as a share of the image's width. Motion in pixels
            is a share, too: 0.75 pixels of 28 are 0.027.
        full_strain: Of ``absolute``: strain (unitless) that is stored as 0.5; no strain is -0.5.

    Raises:
        ConfigurationError: ``absolute`` without two positive numbers, or another form with them.
    """

    form: Form
    full_motion: float = 0.0
    full_strain: float = 0.0

    def __post_init__(self) -> None:
        given = self.full_motion > 0, self.full_strain > 0
        if self.form == "absolute" and not all(given):
            raise ConfigurationError("scaling: absolute needs full_motion > 0 and full_strain > 0")
        if self.form != "absolute" and any(given):
            raise ConfigurationError(f"scaling: {self.form} images have no amplitude, so no full_motion or full_strain")

    def __str__(self) -> str:
        if self.form != "absolute":
            return self.form
        return f"absolute, up to {self.full_motion:.3g} of the width and a strain of {self.full_strain:.3g}"


STRETCHED = Scaling("stretched")
CENTRED = Scaling("centred")


def rescale(
    images: Float[Tensor, "*batch 3 height width"], source: Scaling | None, target: Scaling | None
) -> Float[Tensor, "*batch 3 height width"]:
    """Return motion images in another scaling, clipped to [-0.5, 0.5].

    Args:
        images: Channels u, v, strain.
        source: Scaling of ``images``; None for a constant factor that is not known.
        target: Scaling of the result; None if it is not known, which only images of unknown scaling fit.

    Raises:
        ConfigurationError: A scaling is unknown, or the target needs amplitude that is lost.
    """
    if source == target:
        return images
    if target is None:
        raise ConfigurationError(
            f"motion images of {source} scaling cannot be converted to images of unknown scaling; set the scaling of "
            "the others to centred"
        )
    if target.form == "absolute":
        if source is None or source.form != "absolute":
            raise ConfigurationError(
                f"motion images of {source or 'unknown'} scaling cannot be converted to {target} scaling, as their "
                "amplitude is not known; set the scaling of the others to centred"
            )
        motion = source.full_motion / target.full_motion
        factor = images.new_tensor([motion, motion, source.full_strain / target.full_strain])[:, None, None]
        rest = images.new_tensor([0.0, 0.0, LOW])[:, None, None]
        return ((images - rest) * factor + rest).clamp(LOW, HIGH)
    stretched = torch.from_numpy(stretch(images.numpy())).to(images.dtype)
    return stretched if target.form == "stretched" else _centre(stretched)


def refuse_stretched(scaling: Scaling | None, changes: Mapping[str, bool], where: str) -> None:
    """Refuse changes that scale, turn or remove motion where no motion has no fixed value.

    Mirroring is none of them: the stretched u of the mirrored face is the negative of that of the face. Nor do images
    of unknown scaling forbid any, as they differ from absolute ones by a constant factor alone.

    Args:
        scaling: Scaling of the images.
        changes: Whether each change is asked for, by its name.
        where: What asks for them, for the message.

    Raises:
        ConfigurationError: The scaling is ``stretched`` and a change is asked for.
    """
    asked = [name for name, wanted in changes.items() if wanted]
    if scaling == STRETCHED and asked:
        raise ConfigurationError(
            f"{where}: {', '.join(asked)} cannot be right for images of stretched scaling, in which no motion has no "
            "fixed value; set the corpus's scaling to centred or absolute, or leave these changes out"
        )


def stretch(channels: Float[np.ndarray, "*batch 3 height width"]) -> Float[np.ndarray, "*batch 3 height width"]:
    """Return each channel of each image stretched over [-0.5, 0.5]; one without variation becomes no motion.

    Args:
        channels: u, v and strain in any unit.
    """
    low = channels.min(axis=(-2, -1), keepdims=True)
    span = channels.max(axis=(-2, -1), keepdims=True) - low
    rest = np.zeros((3, 1, 1), channels.dtype)
    rest[STRAIN] = LOW
    return np.where(span > 0, (channels - low) / np.where(span > 0, span, 1) + LOW, rest)


def _centre(images: Float[Tensor, "*batch 3 height width"]) -> Float[Tensor, "*batch 3 height width"]:
    """Return stretched images with the median of u and of v at 0 and the strongest motion at the end of the range."""
    motion = images[..., :STRAIN, :, :]
    # quantile: torch's median of an even number of pixels is the smaller of two, which differs in a mirrored image.
    motion = motion - motion.flatten(-2).quantile(0.5, dim=-1)[..., None, None]
    strongest = motion.abs().amax((-2, -1), keepdim=True)
    motion = motion * torch.where(strongest > 0, HIGH / strongest, 1.0)
    return torch.cat([motion, images[..., STRAIN:, :, :]], dim=-3)
