"""The layers of SSSNet, the shallow single-stream network, as an encoder."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError
from lightmannet.networks.encoder import Encoder
from lightmannet.networks.normalization import make_normalization

_GROUPS = 8


class SSSNet(Encoder):
    """Two convolutions and one fully connected layer on u, v and strain together.

    5×5 convolution with 32 filters, ReLU, 3×3 max-pooling; 3×3 convolution with 64 filters, ReLU, 2×2 max-pooling; no
    padding, and normalisation and dropout of whole maps after each pooling; then 256 features with ReLU and dropout. A
    linear layer on top makes SSSNet. Layers, widths and order as in its authors' code, whose images have 64 pixels.

    Args:
        phases: Images per clip; they are stacked as channels (ours).
        channels: Channels of an image.
        size: Height and width of an image in pixels, >= 22; 64 in the authors' code.
        widths: Filters of the convolutions, multiples of 8, and number of features.
        normalization: ``group`` with 8 groups (ours), safe in adaptation; or ``batch`` as in the authors' code, only
            for methods that do not adapt.
        dropout: Probability of dropping a map or a feature in training.

    Raises:
        ConfigurationError: size < 22, or filters that are not a multiple of 8.

    Reference: Varanka, Peng, Zhao 2021, "Micro-expression recognition with noisy labels", Electronic Imaging 33, doi
    10.2352/ISSN.2470-1173.2021.11.HVEI-157; layers from the GitHub repository tvaranka/meb.
    """

    def __init__(
        self,
        phases: int = 1,
        channels: int = 3,
        size: int = 28,
        widths: tuple[int, int, int] = (32, 64, 256),
        normalization: Literal["group", "batch"] = "group",
        dropout: float = 0.5,
    ) -> None:
        super().__init__(phases, channels, size)
        if size < 22:
            raise ConfigurationError(f"SSSNet needs size >= 22, but has size: {size}.")
        first, second, self.features = widths
        self.blocks = nn.Sequential(
            nn.Conv2d(phases * channels, first, 5),
            nn.ReLU(),
            nn.MaxPool2d(3),
            make_normalization(normalization, first, _GROUPS),
            nn.Dropout2d(dropout),
            nn.Conv2d(first, second, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            make_normalization(normalization, second, _GROUPS),
            nn.Dropout2d(dropout),
        )
        side = ((size - 4) // 3 - 2) // 2
        self.perceptron = nn.Sequential(nn.Linear(second * side**2, self.features), nn.ReLU(), nn.Dropout(dropout))

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.perceptron(self.encode_maps(inputs).flatten(1))

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the maps of the second block, about a sixth of the image high and wide."""
        self.check(inputs)
        return self.blocks(inputs.flatten(1, 2))
