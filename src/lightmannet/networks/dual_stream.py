"""A dual-stream shallow network after DSSN, as an encoder."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder
from lightmannet.networks.normalization import make_normalization

_GROUPS = 8


class DualStream(Encoder):
    """Two shallow streams, one for the magnitude of the flow and one for optical strain, merged map by map.

    In DSSN each stream is an AlexNet cut after its second convolution, with weights from ImageNet and images of 227
    pixels; the maps are merged, flattened, dropped out and classified by one linear layer. Ours, for small images and
    no ImageNet: both convolutions 5×5 with stride 1, pooling 3×3 with stride 2 after each as in AlexNet, GroupNorm (8
    groups) in place of local response normalisation, fewer filters, weights learned from scratch.

    Args:
        phases: Images per clip; they are stacked as channels of each stream (ours; published for the apex alone).
        channels: Channels of an image: u, v and strain; 3 alone.
        size: Height and width of an image in pixels, >= 5.
        widths: Filters of the two convolutions, multiples of 8; AlexNet's (96, 256) as published.
        merge: ``multiply`` or ``add`` the streams' maps, or ``concatenate`` them; the published code multiplies.
        dropout: Probability of dropping a feature in training.

    Raises:
        ConfigurationError: Channels other than 3, size < 5, a width not a multiple of 8, or an unknown ``merge``.

    Reference: Khor, See, Liong, Phan, Lin 2019, "Dual-stream Shallow Networks for Facial Micro-expression Recognition",
    ICIP, doi 10.1109/ICIP.2019.8802965.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = 28,
        widths: tuple[int, int] = (16, 32),
        merge: Literal["multiply", "add", "concatenate"] = "multiply",
        dropout: float = 0.5,
    ) -> None:
        super().__init__(phases, channels, size)
        if channels != 3 or size < 5:
            raise ConfigurationError(
                f"DualStream needs the channels u, v, strain and size >= 5, but has channels: {channels}, size: {size}."
            )
        if merge not in ("multiply", "add", "concatenate"):
            raise ConfigurationError(f"merge is 'multiply', 'add' or 'concatenate', not {merge!r}.")
        self.merge = merge
        self.magnitude, self.strain = _stream(phases, widths), _stream(phases, widths)
        self.dropout = nn.Dropout(dropout)
        # Each pooling halves the side, rounding up.
        self.features = widths[1] * ((size + 3) // 4) ** 2 * (2 if merge == "concatenate" else 1)

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.dropout(self.encode_maps(inputs).flatten(1))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the merged maps of both streams, a quarter of the image high and wide."""
        self.check(inputs)
        # The small number keeps the derivative finite without motion.
        magnitude = self.magnitude((inputs[:, :, :2].square().sum(2) + 1e-6).sqrt())
        strain = self.strain(inputs[:, :, 2])
        if self.merge == "multiply":
            return magnitude * strain
        return magnitude + strain if self.merge == "add" else torch.cat([magnitude, strain], dim=1)


def _stream(phases: int, widths: tuple[int, int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    seen = phases
    for filters in widths:
        layers += [nn.Conv2d(seen, filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
        layers.append(make_normalization("group", filters, _GROUPS))
        seen = filters
    return nn.Sequential(*layers)
