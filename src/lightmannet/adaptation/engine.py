"""What carries out the inner loop: an engine copies a network and takes gradient steps on the copy."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightmannet.networks.copies import Network

EngineName = Literal["auto", "learn2learn", "fused", "vectorized"]
Rates = float | Tensor | Callable[[int], Sequence[Tensor]]
"""α: one for all; or a function from the step's number to one for each moving parameter (a scalar, or of its shape)."""
StepRates = float | Tensor | Sequence[Tensor]
"""α of one step: one for all, or one for each moving parameter."""


class Engine(ABC):
    """learn2learn's two verbs, ``clone`` and ``adapt``; all engines compute the same meta-gradients."""

    @abstractmethod
    def clone(self, network: Network) -> Network:
        """Return a copy whose parameters are differentiable functions of the network's; buffers are its own."""

    @abstractmethod
    def adapt(self, moving: nn.Module, loss: Tensor, rates: StepRates, first_order: bool) -> None:
        """Take one gradient step on (a part of) a copy: ``θ' = θ - α ∇ loss``, in place.

        Args:
            moving: A copy that ``clone`` made, or a module within; parameters that ``loss`` does not reach stay, and
                so do those that need no gradient.
            loss: Scalar, computed from the copy.
            rates: α.
            first_order: Take the gradient as a constant in later derivatives.
        """

    def each(self, copy: Network, function: Callable[..., Tensor], *clips: Any) -> Tensor:
        """Return ``function(copy, *clips)``; an engine that holds several tasks returns one result a task, stacked."""
        return function(copy, *clips)


def updates(
    parameters: Sequence[Tensor], loss: Tensor, rates: StepRates, first_order: bool
) -> list[tuple[Tensor, Tensor, Tensor | float]]:
    """Return (parameter, gradient, rate) for each parameter that a step moves."""
    # allow_unused: a parameter that the loss does not reach stays as it is, say an alignment head under λ2 = 0.
    gradients = torch.autograd.grad(loss, parameters, create_graph=not first_order, allow_unused=True)
    each = repeat(rates, len(parameters)) if isinstance(rates, float) or _is_scalar(rates) else rates
    return [(p, g, rate) for p, g, rate in zip(parameters, gradients, each, strict=True) if g is not None]


def _is_scalar(rates: StepRates) -> bool:
    return isinstance(rates, Tensor) and rates.ndim == 0
