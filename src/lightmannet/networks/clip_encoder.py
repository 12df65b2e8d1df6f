"""An encoder of single phases, followed by a mixture of the phases."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.attention import TransformerLayer
from lightmannet.networks.conv4 import Conv4
from lightmannet.networks.encoder import Encoder


class ClipEncoder(Encoder):
    """A ``Conv4`` shared by all phases, then attention or a convolution over the phases, then their mean.

    Each phase's image becomes features of its own (Conv4, a linear layer), to which a learned vector adds the number
    of the phase. What mixes the phases looks at one clip alone, so it is safe in adaptation. With one phase it is an
    ordinary image encoder. The layout is ours; a frame encoder under a temporal transformer is that of, e.g., Arnab et
    al., factorised encoder.

    Args:
        phases: Images per clip.
        channels: Channels of an image.
        size: Height and width of an image in pixels, >= 16.
        width: First width of Conv4, a multiple of 8.
        width_of_phase: Features of a phase and of the clip, a multiple of ``heads``.
        temporal: What mixes the phases: one transformer layer (``attention``), or a residual 1-D ``convolution`` over
            three phases at a time.
        heads: Heads of the attention.
        dropout: Probability of dropping a feature in training.

    Raises:
        ConfigurationError: size < 16, a width not a multiple of 8, a ``width_of_phase`` not a multiple of
            ``heads``, or an unknown ``temporal``.

    Reference: Arnab et al. 2021, "ViViT: A Video Vision Transformer", arXiv 2103.15691, model 2.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = 28,
        width: int = 32,
        width_of_phase: int = 128,
        temporal: Literal["attention", "convolution"] = "attention",
        heads: int = 4,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(phases, channels, size)
        self.frame = Conv4(1, channels, size, width, dropout)
        self.projection = nn.Linear(self.frame.features, width_of_phase)
        self.position = nn.Parameter(0.02 * torch.randn(phases, width_of_phase))
        if temporal == "attention":
            self.temporal: nn.Module = TransformerLayer(width_of_phase, heads)
        elif temporal == "convolution":
            self.temporal = _Convolution(width_of_phase)
        else:
            raise ConfigurationError(f"temporal is 'attention' or 'convolution', not {temporal!r}.")
        self.norm = nn.LayerNorm(width_of_phase)
        self.features = width_of_phase

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.norm(self.temporal(self.encode_phases(inputs) + self.position)).mean(1)

    def encode_phases(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip phase feature"]:
        """Return the features of each phase, from its own image alone, before phases are numbered and mixed."""
        self.check(inputs)
        return self.projection(self.frame(inputs.flatten(0, 1).unsqueeze(1))).unflatten(0, inputs.shape[:2])

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the last maps of Conv4, averaged over the phases."""
        self.check(inputs)
        return self.frame.encode_maps(inputs.flatten(0, 1).unsqueeze(1)).unflatten(0, inputs.shape[:2]).mean(1)


class _Convolution(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.convolution = nn.Conv1d(features, features, 3, padding=1)

    def forward(self, tokens: Float[Tensor, "clip phase feature"]) -> Float[Tensor, "clip phase feature"]:
        return tokens + self.convolution(self.norm(tokens).transpose(1, 2)).relu().transpose(1, 2)
