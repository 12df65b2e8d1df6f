"""Meta-SGD: MAML that learns one inner rate for each single weight."""

from dataclasses import replace

from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.maml import MAML
from lightmannet.networks import TwoBranchNetwork


class MetaSGD(MAML):
    """``θ_i ← θ - α ⊙ ∇_θ L_pri(D^s, θ)`` with α of θ's shape, learned together with θ; its signs may turn.

    All of α starts at one value, where the paper draws it at random, and more than one step may be taken, with the same
    α; the paper takes one.

    Args:
        network: f_θ.
        inner: The inner loop; its ``rates`` are set to ``weight`` and start at its ``learning_rate``.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, for θ and α, > 0.
        weight_decay: Decoupled weight decay of AdamW for θ, >= 0; α does not decay.

    Reference: Li, Zhou, Chen, Li 2017, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", arXiv 1707.09835,
    eq. 2 and algorithm 1.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, replace(inner, rates="weight"), warm_start, learning_rate, weight_decay)
