"""Reptile: move towards what training on a task makes of the weights."""

from dataclasses import replace
from itertools import cycle

import torch
from jaxtyping import Float
from torch import Tensor

from lightmannet.adaptation.vectorized import StackedEpisode
from lightmannet.episode import Episode
from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop import InnerSteps
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.maml import MAML
from lightmannet.networks import TwoBranchNetwork


class Reptile(MAML):
    """``θ_i`` by plain gradient steps on the task, then ``θ ← θ - β (θ - θ_i)``, averaged over a meta-batch.

    ``θ - θ_i`` is the gradient of ``½ |θ - θ_i|²`` with θ_i as a constant, so that is the loss here, and Lightning's
    optimiser and accumulation over tasks do the rest. In training the inner steps go down L_pri of D^s and of D^q in
    turn: Reptile needs different mini-batches (with one step or one batch it is joint training) but no held-out query,
    and the two show different people. At test time they go down L_pri of D^s.

    The inner steps are plain gradient descent and the outer one is AdamW; the paper has Adam with β1 = 0 inside and
    plain steps, whose size falls linearly, outside.

    Args:
        network: f_θ.
        inner: The inner loop; it is first order, with one fixed α.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: Inner rates are to be learned, which Reptile has no gradient for.

    Reference: Nichol, Achiam, Schulman 2018, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999, algorithm 2.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(steps=4),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        if inner.learn_learning_rate or inner.rates != "one":
            raise ConfigurationError(
                "Reptile takes the adapted weights as constants and cannot learn inner rates: set learn_learning_rate: "
                "false and rates: one."
            )
        super().__init__(network, replace(inner, first_order=True), warm_start, learning_rate, weight_decay)

    def outer_loss(self, task: Episode | StackedEpisode, steps: InnerSteps) -> Float[Tensor, "*task"]:
        """Return ``½ |θ - θ_i|²``, whose gradient is Reptile's."""
        batches = cycle([task.support, task.query])
        *_, copy = steps.path(lambda copy: steps.each(copy, self.inner_loss, next(batches), None))
        return steps.each(copy, self._distance)

    def _distance(self, adapted: TwoBranchNetwork) -> Float[Tensor, ""]:
        pairs = zip(self.network.parameters(), adapted.parameters(), strict=True)
        return 0.5 * torch.stack([(theta - theta_i.detach()).square().sum() for theta, theta_i in pairs]).sum()
