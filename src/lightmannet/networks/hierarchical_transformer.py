"""A transformer over four facial areas and then the face, after HTNet."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.attention import TransformerLayer
from lightmannet.networks.encoder import Encoder


class HierarchicalTransformer(Encoder):
    """Attention within the areas of both eyes and both corners of the mouth, aggregation, attention over the face.

    The image is cut into patches, each a token. The first level's layers see the four quarters of the face apart, with
    the same weights. Aggregation (3×3 convolution to twice the width, LayerNorm, 2×2 max-pooling over the whole face)
    lets neighbouring areas meet, the second level's layers see all tokens, and their normalised mean are the features.

    After HTNet in areas, order and aggregation; ours: the quarters are cut at the midlines of the image, not around
    landmarks, since flow images come without them; two levels (areas, face) where its code has a third of single
    patches; learned position vectors that differ between areas; smaller widths, depths and expansion; the aggregation's
    pooling is 2×2 where its is 3×3.

    Args:
        phases: Images per clip; they are stacked as channels (ours).
        channels: Channels of an image.
        size: Height and width of an image in pixels, a multiple of 2 × ``patch``.
        patch: Height and width of a patch in pixels; 7 as in HTNet's code.
        width: Features of a token in the first level, a multiple of ``heads``; twice as many in the second; 256 in
            HTNet's code.
        depths: Transformer layers of the two levels, >= 0.
        heads: Heads of the first level's attention; twice as many in the second.
        dropout: Probability of dropping a feature in training.

    Raises:
        ConfigurationError: A size not a multiple of 2 × ``patch``, a width not a multiple of ``heads``, or a
            negative depth.

    Reference: Wang, Zhang, Luo, Sankaranarayana 2023, "HTNet for micro-expression recognition", arXiv 2307.14637.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = 28,
        patch: int = 7,
        width: int = 64,
        depths: tuple[int, int] = (2, 2),
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(phases, channels, size)
        if patch < 1 or size % (2 * patch) or min(depths) < 0:
            raise ConfigurationError(
                "HierarchicalTransformer needs a size that is a multiple of 2 × patch and depths >= 0, but has size: "
                f"{size}, patch: {patch}, depths: {depths}."
            )
        side = size // patch
        self.patches = nn.Conv2d(phases * channels, width, patch, stride=patch)
        self.positions = nn.ParameterList(
            [
                nn.Parameter(0.02 * torch.randn(width, side, side)),
                nn.Parameter(0.02 * torch.randn(2 * width, side // 2, side // 2)),
            ]
        )
        self.areas = nn.Sequential(*(TransformerLayer(width, heads) for _ in range(depths[0])))
        self.aggregation = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.aggregation_norm = nn.LayerNorm(2 * width)
        self.pool = nn.MaxPool2d(2)
        self.face = nn.Sequential(*(TransformerLayer(2 * width, 2 * heads) for _ in range(depths[1])))
        self.norm = nn.LayerNorm(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.features = 2 * width

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.dropout(self.encode_maps(inputs).mean((2, 3)))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the normalised tokens of the second level as maps of the face."""
        self.check(inputs)
        maps = self.patches(inputs.flatten(1, 2)) + self.positions[0]
        maps = _in_blocks(self.areas, maps, 2)
        maps = self.aggregation_norm(self.aggregation(maps).movedim(1, 3)).movedim(3, 1)
        maps = self.pool(maps) + self.positions[1]
        return _in_blocks(nn.Sequential(self.face, self.norm), maps, 1)


def _in_blocks(
    layers: nn.Module, maps: Float[Tensor, "clip filter row column"], blocks: int
) -> Float[Tensor, "clip filter row column"]:
    """Apply ``layers`` to ``blocks`` × ``blocks`` parts of the face, each a sequence of its own."""
    # (clip, filter, block row, row, block column, column) to (clip, block row, block column, row, column, filter)
    parts = maps.unflatten(3, (blocks, -1)).unflatten(2, (blocks, -1)).permute(0, 2, 4, 3, 5, 1)
    tokens = layers(parts.flatten(3, 4).flatten(0, 2))
    return tokens.view(parts.shape).permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
