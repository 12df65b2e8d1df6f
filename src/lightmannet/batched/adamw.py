"""AdamW over stacked parameters, some of whose runs may sit out an update."""

from typing import Any

import torch
from torch import Tensor


class StackedAdamW:
    """``torch.optim.AdamW`` of each run by itself; a run that sits out is left as it is, its count of updates, too.

    Args:
        optimizer: AdamW over stacked parameters, whose groups say what to do; its step sizes may change.
        runs: Number of runs.

    Attributes:
        updates: Updates that each run has taken.

    Reference: Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2.
    """

    def __init__(self, optimizer: torch.optim.AdamW, runs: int) -> None:
        self._groups: list[dict[str, Any]] = optimizer.param_groups
        first: Tensor = self._groups[0]["params"][0]
        self.updates = torch.zeros(runs, dtype=torch.float64, device=first.device)
        self._moments: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def step(self, gradients: dict[int, Tensor], taking_part: Tensor | None, factors: Tensor | None) -> None:
        """Take one update.

        Args:
            gradients: Gradient by id of the parameter; one without a gradient stays as it is.
            taking_part: Which runs take part; None is all of them.
            factors: What the step size of each run is multiplied with in this update; None is 1.
        """
        self.updates += 1 if taking_part is None else taking_part
        for group in self._groups:
            for parameter in group["params"]:
                if (gradient := gradients.get(id(parameter))) is not None:
                    size = group["lr"] if factors is None else group["lr"] * _each(factors, parameter)
                    self._update(parameter, gradient, group, taking_part, size)

    def _update(
        self,
        parameter: Tensor,
        gradient: Tensor,
        group: dict[str, Any],
        taking_part: Tensor | None,
        size: float | Tensor,
    ) -> None:
        first, second = self._moments.setdefault(
            id(parameter), (torch.zeros_like(parameter), torch.zeros_like(parameter))
        )
        beta1, beta2 = group["betas"]
        if taking_part is not None:
            shares = _each(taking_part, parameter)
            first.lerp_(gradient, (1 - beta1) * shares)
            second.lerp_(gradient.square(), (1 - beta2) * shares)
            size = size * shares
        else:
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        # A run that has not begun would divide 0 by 0.
        begun = self.updates.clamp_min(1)
        correction1 = _each(1 - beta1**begun, parameter)
        correction2 = _each((1 - beta2**begun).sqrt(), parameter)
        parameter.mul_(1 - size * group["weight_decay"])
        denominator = (second.sqrt() / correction2).add_(group["eps"])
        parameter.sub_(first / denominator * (size / correction1))


def _each(values: Tensor, parameter: Tensor) -> Tensor:
    """Return one value a run so that it multiplies a stacked parameter."""
    return values.to(parameter.dtype).reshape(-1, *[1] * (parameter.ndim - 1))
