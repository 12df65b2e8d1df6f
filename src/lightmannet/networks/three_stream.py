"""The three shallow streams of STSTNet, as an encoder."""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder
from lightmannet.networks.normalization import make_normalization
from lightmannet.networks.three_stream_ops import pooled_streams

_FILTERS = (3, 5, 8)
_SIZE = 28


class ThreeStream(Encoder):
    """Encode a 28 x 28 motion image with the layers of STSTNet, all but its last.

    Three streams of one 3 x 3 convolution each (3, 5 and 8 filters, padding 2), ReLU, normalisation, max-pooling
    (3, stride 3, padding 1) and dropout see the same image; their maps are stacked (16 x 10 x 10), average-pooled by 2
    and flattened to 400 features, filter by filter. A linear layer on top makes the STSTNet of the paper.

    Args:
        phases: Images per clip; they are stacked as channels.
        channels: Channels of an image.
        size: Height and width of an image in pixels; 28 alone.
        normalization: ``"batch"`` as published, only for methods that do not adapt; or ``"group"``, one group a stream
            (ours), which has no running statistics and uses no other clip, so that adapting a copy never changes the
            original and a clip's features never depend on the batch.
        dropout: Probability that a value is dropped while training.

    Raises:
        ConfigurationError: Another size than 28, or an unknown normalisation.

    Reference:
        Liong, Gan, See, Khor, Huang (2019), Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression
        Recognition, arXiv 1902.03634, figure 2 and table I.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = _SIZE,
        normalization: Literal["group", "batch"] = "group",
        dropout: float = 0.5,
    ) -> None:
        super().__init__(phases, channels, size)
        if size != _SIZE:
            raise ConfigurationError(f"ThreeStream takes images of {_SIZE}×{_SIZE} pixels, not size: {size}.")
        self.streams = nn.ModuleList(
            _Stream(phases * channels, filters, normalization, dropout) for filters in _FILTERS
        )
        self._as_published = normalization == "batch"
        self.pool = nn.AvgPool2d(2)
        self.features = sum(_FILTERS) * 5 * 5

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.encode_maps(inputs).flatten(1)

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the pooled maps of the three streams, 16 x 5 x 5, dropout included."""
        self.check(inputs)
        images = inputs.flatten(1, 2)
        together = self.training and self._as_published and _plain(images)
        return self.pool(
            self._together(images) if together else torch.cat([stream(images) for stream in self.streams], 1)
        )

    def _together(self, images: Float[Tensor, "clip channel 28 28"]) -> Float[Tensor, "clip filter 10 10"]:
        """Return what the streams do, computed at once; running statistics and dropout as ever."""
        norms: list[Any] = [stream.normalization for stream in self.streams]
        convolutions: list[Any] = [stream.convolution for stream in self.streams]
        maps, mean, variance = self._pooled(
            images,
            torch.cat([each.weight for each in convolutions]),
            torch.cat([each.bias for each in convolutions]),
            torch.cat([each.weight for each in norms]),
            torch.cat([each.bias for each in norms]),
            norms[0].eps,
        )
        values = len(images) * (_SIZE + 2) ** 2
        unbiased = variance * (values / (values - 1))
        for norm, its_mean, its_variance in zip(norms, mean.split(_FILTERS), unbiased.split(_FILTERS), strict=True):
            norm.num_batches_tracked.add_(1)
            norm.running_mean.lerp_(its_mean, norm.momentum)
            norm.running_var.lerp_(its_variance, norm.momentum)
        dropouts: list[Any] = [stream.dropout for stream in self.streams]
        # Contiguous, or dropout would draw in another order than from the maps of a stream alone.
        apart = zip(dropouts, maps.split(_FILTERS, 1), strict=True)
        return torch.cat([dropout(mine.contiguous()) for dropout, mine in apart], 1)

    def _pooled(
        self, images: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what ``pooled_streams`` does."""
        return pooled_streams(images, weight, bias, scale, shift, eps)


def _plain(images: Tensor) -> bool:
    """Return whether images are numbers on a CPU that ``pooled_streams`` takes: it cannot be vectorized."""
    vectorized = torch._C._functorch.is_functorch_wrapped_tensor(images)  # torch has no public name for this
    return (
        images.device.type == "cpu"
        and not vectorized
        and not images.requires_grad
        and not torch.is_autocast_enabled("cpu")
    )


class _Stream(nn.Module):
    def __init__(self, channels: int, filters: int, normalization: Literal["group", "batch"], dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, filters, kernel_size=3, padding=2)
        self.normalization = make_normalization(normalization, filters, groups=1)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=3, padding=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, images: Float[Tensor, "clip channel height width"]) -> Float[Tensor, "clip filter 10 10"]:
        # Normalising after the ReLU is unusual, but it is what was published.
        maps: Tensor = self.normalization(self.convolution(images).relu())
        pooled: Tensor = self.dropout(self.pool(maps))
        return pooled
