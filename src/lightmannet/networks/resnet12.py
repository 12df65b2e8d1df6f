"""The residual network of few-shot learning."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder
from lightmannet.networks.normalization import make_normalization

_GROUPS = 8
_SLOPE = 0.1


class ResNet12(Encoder):
    """Four residual blocks of three 3×3 convolutions, max-pooling after the first three, then flattened.

    Each convolution is normalised; LeakyReLU (slope 0.1) follows the first two and the sum with the shortcut, a
    normalised 1×1 convolution. Flattened and not averaged, as Lee et al. have it. Ours: GroupNorm with 8 groups, no
    pooling after the last block (a 28-pixel image would keep one place of the face), plain dropout in place of
    DropBlock, and default widths of a quarter of Oreshkin's, for small data.

    Args:
        phases: Images per clip; they are stacked as channels.
        channels: Channels of an image.
        size: Height and width of an image in pixels, >= 16.
        widths: Filters of the blocks, multiples of 8; (64, 128, 256, 512) in Oreshkin et al., (64, 160, 320, 640) in
            Lee et al.
        normalization: ``group``, safe in adaptation; or ``batch`` as published, only for methods that do not adapt.
        dropout: Probability of dropping a feature in training.

    Raises:
        ConfigurationError: size < 16, or a width that is not a multiple of 8.

    References: Oreshkin, Rodríguez López, Lacoste 2018, "TADAM: Task dependent adaptive metric for improved few-shot
    learning", arXiv 1805.10123; Lee, Maji, Ravichandran, Soatto 2019, "Meta-Learning with Differentiable Convex
    Optimization", arXiv 1904.03758, section 4.1.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = 28,
        widths: tuple[int, int, int, int] = (16, 32, 64, 128),
        normalization: Literal["group", "batch"] = "group",
        dropout: float = 0.5,
    ) -> None:
        super().__init__(phases, channels, size)
        if size < 16:
            raise ConfigurationError(f"ResNet12 needs size >= 16, but has size: {size}.")
        blocks: list[nn.Module] = []
        seen = phases * channels
        for number, filters in enumerate(widths):
            blocks.append(_Block(seen, filters, normalization))
            if number < 3:
                blocks.append(nn.MaxPool2d(2))
            seen = filters
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.features = widths[3] * (size // 8) ** 2

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.dropout(self.encode_maps(inputs).flatten(1))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the maps of the last block, an eighth of the image high and wide, before they are flattened."""
        self.check(inputs)
        return self.blocks(inputs.flatten(1, 2))


class _Block(nn.Module):
    def __init__(self, channels: int, filters: int, normalization: Literal["group", "batch"]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, seen in enumerate((channels, filters, filters)):
            # No bias: the normalisation would cancel it.
            layers.append(nn.Conv2d(seen, filters, 3, padding=1, bias=False))
            layers.append(make_normalization(normalization, filters, _GROUPS))
            if number < 2:
                layers.append(nn.LeakyReLU(_SLOPE))
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels, filters, 1, bias=False), make_normalization(normalization, filters, _GROUPS)
        )
        self.activation = nn.LeakyReLU(_SLOPE)

    def forward(self, maps: Float[Tensor, "clip channel row column"]) -> Float[Tensor, "clip filter row column"]:
        return self.activation(self.layers(maps) + self.shortcut(maps))
