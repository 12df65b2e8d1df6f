"""The layers of OFF-ApexNet, as an encoder."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder

_FILTERS = (6, 16)


class OffApexNet(Encoder):
    """Two streams, one for horizontal and one for vertical motion, and two fully connected layers.

    Each stream sees u or v alone: 5×5 convolution with 6 filters, ReLU, 2×2 max-pooling, 5×5 convolution with 16
    filters, ReLU, 2×2 max-pooling. At 28×28 that makes 2 × 784 values, which go through two layers of 1024 with ReLU
    and dropout; a linear layer on top makes OFF-ApexNet, 2.66 million parameters. There is no normalisation. Optical
    strain is not looked at. Our reading where accounts differ: the ReLUs after the convolutions, dropout after both
    layers.

    Args:
        phases: Images per clip; u is stacked as channels of one stream, v of the other (ours; published for
            the apex alone).
        channels: Channels of an image, of which the first two are u and v, >= 2.
        size: Height and width of an image in pixels, >= 4; 28 as published.
        hidden: Width of the fully connected layers, and number of features; 1024 as published.
        dropout: Probability of dropping a value of a fully connected layer in training.

    Raises:
        ConfigurationError: Fewer than two channels, or size < 4.

    Reference: Gan, Liong, Yau, Huang, Tan 2019, "OFF-ApexNet on micro-expression recognition system", Signal
    Processing: Image Communication 74, arXiv 1805.08699.
    """

    def __init__(
        self, phases: int = 1, channels: int = 3, size: int = 28, hidden: int = 1024, dropout: float = 0.5
    ) -> None:
        super().__init__(phases, channels, size)
        if channels < 2 or size < 4:
            raise ConfigurationError(
                f"OffApexNet needs u and v as its first two channels and size >= 4, but has channels: {channels}, "
                f"size: {size}."
            )
        self.streams = nn.ModuleList(_stream(phases) for _ in range(2))
        self.perceptron = nn.Sequential(
            nn.Linear(2 * _FILTERS[1] * (size // 4) ** 2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.features = hidden

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.perceptron(self.encode_maps(inputs).flatten(1))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the last maps of both streams, those of u first, a quarter of the image high and wide."""
        self.check(inputs)
        return torch.cat([stream(inputs[:, :, number]) for number, stream in enumerate(self.streams)], dim=1)


def _stream(phases: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    seen = phases
    for filters in _FILTERS:
        layers += [nn.Conv2d(seen, filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        seen = filters
    return nn.Sequential(*layers)
