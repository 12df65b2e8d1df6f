"""Several adapted networks as one, their probabilities averaged as in testing, and then calibrated."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST = 1e-12
"""Least probability whose logarithm is taken: keeps gradients and losses finite where a class is ruled out."""


class Ensemble(nn.Module):
    """Answers with the logarithm of the mean probability, one network a draw of support clips.

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
    """Answers with calibrated probabilities.

    Args:
        network: Maps inputs to class scores.
        temperature: What the scores are divided by before the softmax.
    """

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.eval()

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return the probability of each class."""
        return torch.softmax(self.network(inputs) / self.temperature, 1)
