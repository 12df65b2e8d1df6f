"""The four-block convolutional encoder of few-shot learning, with a normalisation that is safe in adaptation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Conv4(nn.Module):
    """Four blocks of 3×3 convolution, GroupNorm, ReLU; max-pooling after the first three, then flattened.

    GroupNorm looks at one clip alone, so neither adaptation nor prediction mixes clips. The last map is flattened and
    not averaged, because where on the face something moves is most of what tells expressions apart.

    Args:
        channels: Input channels.
        width: Filters of the first two blocks; the last two have twice as many.
        size: Height and width of the input in pixels, >= 8.
        dropout: Probability of dropping a feature in training.

    Reference: Vinyals et al. 2016, "Matching Networks for One Shot Learning", arXiv 1606.04080, section 4.1 (there with
    64 filters, BatchNorm and four poolings).
    """

    def __init__(self, channels: int = 3, width: int = 32, size: int = 28, dropout: float = 0.5) -> None:
        super().__init__()
        widths = [width, width, 2 * width, 2 * width]
        blocks: list[nn.Module] = []
        for block, filters in enumerate(widths):
            blocks += [nn.Conv2d(channels, filters, 3, padding=1), nn.GroupNorm(8, filters), nn.ReLU()]
            if block < 3:
                blocks.append(nn.MaxPool2d(2))
            channels = filters
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.features = 2 * width * (size // 8) ** 2

    def forward(self, images: Float[Tensor, "clip channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the features of each clip."""
        return self.dropout(torch.flatten(self.blocks(images), 1))
