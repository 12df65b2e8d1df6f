"""Representations for LightmanNet's alignment; to add one, write a subclass of ``Aligned``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from lightmannet.networks.two_branch import TwoBranchNetwork

Inputs = Float[Tensor, "clip phase channel height width"]
Encoded = Float[Tensor, "clip feature"]


@dataclass(frozen=True)
class Aligned(ABC):
    """The representation f(x) by which micro- and macro-expressions are compared; the figure leaves it open."""

    phases: ClassVar[bool] = False
    """Whether the parts are the phases of a clip, in chronological order."""

    def has_head(self, network: TwoBranchNetwork) -> bool:
        """Return whether one of the network's two heads computes the representation and can learn."""
        return False

    @abstractmethod
    def __call__(
        self, network: TwoBranchNetwork, inputs: Inputs, features: Encoded
    ) -> Float[Tensor, "*part clip aligned"]:
        """Return the representation of each clip, or of each of its parts.

        Args:
            network: The network, or a copy that the inner loop adapts.
            inputs: The clips.
            features: The encoder's features of the clips.

        Raises:
            ConfigurationError: The encoder has no such representation.
        """


@dataclass(frozen=True)
class Features(Aligned):
    """The alignment head's outputs; without a head, the encoder's features."""

    def has_head(self, network: TwoBranchNetwork) -> bool:
        """Return whether the network has an alignment head."""
        return any(True for _ in network.alignment_head.parameters())

    def __call__(self, network: TwoBranchNetwork, inputs: Inputs, features: Encoded) -> Float[Tensor, "clip aligned"]:
        """Return the outputs of the alignment head."""
        aligned: Tensor = network.alignment_head(features)
        return aligned


@dataclass(frozen=True)
class Logits(Aligned):
    """The class scores of the MER head."""

    def has_head(self, network: TwoBranchNetwork) -> bool:
        """Return true: the MER head is always there."""
        return True

    def __call__(self, network: TwoBranchNetwork, inputs: Inputs, features: Encoded) -> Float[Tensor, "clip aligned"]:
        """Return the class scores."""
        logits: Tensor = network.mer_head(features)
        return logits


@dataclass(frozen=True)
class Maps(Aligned):
    """The encoder's last maps, place by place, from a second pass, without the alignment head."""

    def __call__(
        self, network: TwoBranchNetwork, inputs: Inputs, features: Encoded
    ) -> Float[Tensor, "part clip aligned"]:
        """Return the filters of each place."""
        return network.encoder.encode_maps(inputs).flatten(2).permute(2, 0, 1)


@dataclass(frozen=True)
class Phases(Aligned):
    """The encoder's features of single phases, from a second pass, without the alignment head.

    Each phase is aligned with its counterpart, or, with the kernel ``SoftDTW``, in chronological order at any speed.
    """

    phases = True

    def __call__(
        self, network: TwoBranchNetwork, inputs: Inputs, features: Encoded
    ) -> Float[Tensor, "part clip aligned"]:
        """Return the features of each phase."""
        return network.encoder.encode_phases(inputs).transpose(0, 1)
