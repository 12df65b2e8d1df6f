"""MAML++: MAML with learned rates for each layer and step, and a loss after each step."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lightmannet.adaptation.vectorized import StackedEpisode
from lightmannet.episode import Episode
from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop import InnerSteps, cross_entropy
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.maml import MAML
from lightmannet.networks import TwoBranchNetwork


class MAMLPlusPlus(MAML):
    """MAML made stable by two of the six changes that its paper proposes.

    - Rates for each layer and step: ``θ^t ← θ^{t-1} - α_t ⊙ ∇ L_pri(D^s, θ^{t-1})``, with one learned α a step and
      parameter tensor.
    - Multi-step loss: the outer loss is ``Σ_t v_t L_pri(D^q, θ^t)`` over the T inner steps. In epoch e of the first E
      after the warm start, ``v_t = (1 - e/E) / T`` for t < T and the last step has the rest of a sum of 1; from epoch E
      on, the last step has all.

    Left out: batch normalisation with statistics, weights and biases a step (three of the changes; it is refused in
    adaptation), first-order epochs at the start, and the cosine schedule of β. The released code keeps every v_t above
    0.03 / T until epoch E; ours goes down to zero evenly.

    Args:
        network: f_θ.
        inner: The inner loop, steps >= 1; its ``rates`` are set to ``layer_and_step`` and start at its
            ``learning_rate``.
        multi_step_epochs: E, >= 0; 0 scores the last step only.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, for θ and α, > 0.
        weight_decay: Decoupled weight decay of AdamW for θ, >= 0; α does not decay.

    Raises:
        ConfigurationError: No inner step, or a negative number of epochs.

    Reference: Antoniou, Edwards, Storkey 2019, "How to train your MAML", arXiv 1810.09502, section 4.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(steps=3),
        multi_step_epochs: int = 5,
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        if inner.steps < 1 or multi_step_epochs < 0:
            raise ConfigurationError(
                f"MAMLPlusPlus needs steps >= 1 and multi_step_epochs >= 0, but has steps: {inner.steps}, "
                f"multi_step_epochs: {multi_step_epochs}."
            )
        super().__init__(network, replace(inner, rates="layer_and_step"), warm_start, learning_rate, weight_decay)
        self.multi_step_epochs = multi_step_epochs

    def step_weights(self, epoch: int) -> list[float]:
        """Return v_1 to v_T in ``epoch``, counted from the end of the warm start."""
        steps = self.inner.steps
        each = max(0.0, 1 - epoch / self.multi_step_epochs) / steps if self.multi_step_epochs else 0.0
        return [each] * (steps - 1) + [1 - each * (steps - 1)]

    def graph_constants(self) -> Any:
        """Return the weights of the steps in this epoch."""
        return tuple(self.step_weights(self.current_epoch - self.warm_start.epochs))

    def outer_loss(self, task: Episode | StackedEpisode, steps: InnerSteps) -> Float[Tensor, "*task"]:
        """Return the weighted sum of the query's losses after each inner step."""
        path = steps.down(self.inner_loss, task.support, None)
        next(path)  # θ itself
        weights = self.step_weights(self.current_epoch - self.warm_start.epochs)
        losses = [
            weight * steps.each(copy, cross_entropy, task.query)
            # The same copy moves on with each step: its loss has to be taken before the next one.
            for weight, copy in zip(weights, path, strict=True)
            if weight > 0
        ]
        return torch.stack(losses).sum(0)
