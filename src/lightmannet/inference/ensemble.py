"""Several adapted networks as one, with averaged and calibrated probabilities."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST = 1e-12
"""Lower bound of probabilities before the logarithm, to keep gradients and losses finite."""


class Ensemble(nn.Module):
    """Returns the logarithm of the mean probability over networks, one per support set.

    Args:
        networks: Each maps inputs to class scores; at least one.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.eval()

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return logits whose softmax is the mean of the networks' probabilities."""
        probabilities = torch.stack([torch.softmax(network(inputs), 1) for network in self.networks]).mean(0)
        return probabilities.clamp_min(SMALLEST).log()


class Calibrated(nn.Module):
    """Returns calibrated probabilities.

    Args:
        network: Maps inputs to class scores.
        temperature: Divisor of the scores before the softmax.
    """

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.eval()

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return the probability of each class."""
        return torch.softmax(self.network(inputs) / self.temperature, 1)
