"""The base class of encoders, modules that turn clips into features."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import ConfigurationError


class Encoder(nn.Module, ABC):
    """Parent of the encoders, which checks the shape of clips.

    An encoder implements ``_encode`` and sets ``features``; where it has maps or features a phase to show, it overrides
    ``encode_maps`` or ``encode_phases`` as well.

    Args:
        phases: Images per clip, >= 1.
        channels: Channels of an image, >= 1.
        size: Height and width of an image in pixels, >= 1.

    Attributes:
        features: Number of features of a clip.
        shape: Phases, channels, height and width of the clips that it takes.

    Raises:
        ConfigurationError: phases, channels or size below 1.
    """

    features: int

    def __init__(self, phases: int, channels: int, size: int) -> None:
        super().__init__()
        if min(phases, channels, size) < 1:
            raise ConfigurationError(
                f"{type(self).__name__} needs phases, channels and size >= 1, but has phases: {phases}, "
                f"channels: {channels}, size: {size}."
            )
        self.shape: tuple[int, int, int, int] = (phases, channels, size, size)

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the features of each clip.

        Raises:
            ConfigurationError: Clips of another shape than the encoder was built for.
        """
        self.check(inputs)
        return self._encode(inputs)

    @abstractmethod
    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        """Return the features of clips whose shape has been checked."""

    def encode_maps(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip filter row column"]:
        """Return the last maps with spatial resolution.

        Raises:
            ConfigurationError: The encoder has none, or clips of another shape than it was built for.
        """
        raise ConfigurationError(
            f"{type(self).__name__} has no maps of the face. Use an encoder that has them, e.g. Conv4."
        )

    def encode_phases(
        self, inputs: Float[Tensor, "clip phase channel height width"]
    ) -> Float[Tensor, "clip phase feature"]:
        """Return the features of each phase of each clip.

        Raises:
            ConfigurationError: The encoder has none, or clips of another shape than it was built for.
        """
        raise ConfigurationError(
            f"{type(self).__name__} has no features of single phases. Use an encoder that has them, e.g. ClipEncoder."
        )

    def check(self, inputs: Float[Tensor, "clip phase channel height width"]) -> None:
        """Check the shape of clips.

        Raises:
            ConfigurationError: Clips of another shape than the encoder was built for.
        """
        if tuple(inputs.shape[1:]) != self.shape:
            raise ConfigurationError(
                f"{type(self).__name__} takes clips of (phases, channels, height, width) = {self.shape}, but these are "
                f"{tuple(inputs.shape[1:])}. Set the encoder's phases, channels and size to those of the data."
            )
