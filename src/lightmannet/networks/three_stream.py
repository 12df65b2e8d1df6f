"""The three shallow streams of STSTNet, as an encoder."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

_FILTERS = (3, 5, 8)
_SIZE = 28


class ThreeStream(nn.Module):
    """Encode a 28 x 28 motion image with the layers of STSTNet, all but its last.

    Three streams of one 3 x 3 convolution each (3, 5 and 8 filters, padding 2), ReLU, normalisation, max-pooling
    (3, stride 3, padding 1) and dropout see the same image; their maps are stacked (16 x 10 x 10), average-pooled by 2
    and flattened to 400 features, filter by filter. A linear layer on top makes the STSTNet of the paper.

    Args:
        channels: Channels of the image.
        normalization: ``"batch"`` as published; or ``"group"``, one group a stream (ours), which has no running
            statistics and uses no other clip, so that adapting a copy never changes the original and a clip's features
            never depend on the batch.
        dropout: Probability that a value is dropped while training.

    Attributes:
        features: Number of features of a clip, 400.

    Reference:
        Liong, Gan, See, Khor, Huang (2019), Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression
        Recognition, arXiv 1902.03634, figure 2 and table I.
    """

    def __init__(
        self, channels: int = 3, normalization: Literal["batch", "group"] = "batch", dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.streams = nn.ModuleList(_Stream(channels, filters, normalization, dropout) for filters in _FILTERS)
        self.pool = nn.AvgPool2d(2)
        self.features: int = sum(_FILTERS) * 5 * 5

    def forward(self, images: Float[Tensor, "clip channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the 400 features of each clip.

        Args:
            images: One 28 x 28 image a clip, in the range the network is trained in (``data_modules.flow`` for ours,
                0..255 for the released weights).

        Raises:
            ValueError: The images are not 28 x 28.
        """
        if images.shape[-2:] != (_SIZE, _SIZE):
            height, width = images.shape[-2:]
            raise ValueError(
                f"ThreeStream takes images of {_SIZE} x {_SIZE} pixels, not {width} x {height}: resize them"
            )
        maps = torch.cat([stream(images) for stream in self.streams], dim=1)
        features: Tensor = self.pool(maps).flatten(1)
        return features


class _Stream(nn.Module):
    def __init__(self, channels: int, filters: int, normalization: Literal["batch", "group"], dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, filters, kernel_size=3, padding=2)
        self.normalization = _normalization(normalization, filters)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=3, padding=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, images: Float[Tensor, "clip channel height width"]) -> Float[Tensor, "clip filter 10 10"]:
        # Normalising after the ReLU is unusual, but it is what was published.
        maps: Tensor = self.normalization(self.convolution(images).relu())
        pooled: Tensor = self.dropout(self.pool(maps))
        return pooled


def _normalization(name: Literal["batch", "group"], filters: int) -> nn.Module:
    if name == "batch":
        return nn.BatchNorm2d(filters)
    if name == "group":
        return nn.GroupNorm(1, filters)
    raise ValueError(f"normalization is 'batch' or 'group', not {name!r}")
