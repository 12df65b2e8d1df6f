"""The four-block convolutional encoder of few-shot learning, with a normalisation that is safe in adaptation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder


class Conv4(Encoder):
    """Four blocks of 3×3 convolution, GroupNorm, ReLU; max-pooling after the first three, then flattened.

    GroupNorm looks at one clip alone, so neither adaptation nor prediction mixes clips. The last map is flattened and
    not averaged, because the place of motion on the face is what distinguishes most expressions.

    Args:
        phases: Images per clip; they are stacked as channels.
        channels: Channels of an image.
        size: Height and width of an image in pixels, >= 16.
        width: Filters of the first two blocks, a multiple of 8; the last two have twice as many.
        dropout: Probability of dropping a feature in training.

    Raises:
        ConfigurationError: size < 16, or a width that is not a multiple of 8.

    Reference: Vinyals et al. 2016, "Matching Networks for One Shot Learning", arXiv 1606.04080, section 4.1 (there with
    64 filters, BatchNorm and four poolings).
    """

    def __init__(
        self, phases: int = 1, channels: int = 3, size: int = 28, width: int = 32, dropout: float = 0.5
    ) -> None:
        super().__init__(phases, channels, size)
        if size < 16 or width < 8 or width % 8:
            raise ConfigurationError(
                f"Conv4 needs size >= 16 and a width that is a multiple of 8, but has size: {size}, width: {width}."
            )
        widths = [width, width, 2 * width, 2 * width]
        blocks: list[nn.Module] = []
        seen = phases * channels
        for block, filters in enumerate(widths):
            blocks += [nn.Conv2d(seen, filters, 3, padding=1), nn.GroupNorm(8, filters), nn.ReLU()]
            if block < 3:
                blocks.append(nn.MaxPool2d(2))
            seen = filters
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.features = 2 * width * (size // 8) ** 2

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.dropout(torch.flatten(self.encode_maps(inputs), 1))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the maps of the last block, an eighth of the image high and wide, before they are flattened."""
        self.check(inputs)
        return self.blocks(torch.flatten(inputs, 1, 2))
