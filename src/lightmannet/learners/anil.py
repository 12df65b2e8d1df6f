"""ANIL: MAML whose inner loop moves the head alone."""

from dataclasses import replace

from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.maml import MAML
from lightmannet.networks import TwoBranchNetwork


class ANIL(MAML):
    """Almost no inner loop: with θ = (encoder φ, MER head w), ``w_i ← w - α ∇_w L_pri(D^s, φ, w)``; φ stays.

    The outer loop learns both through the inner steps. The steps recompute the features, as dropout changes them.

    Args:
        network: f_θ.
        inner: The inner loop; its ``parameters`` are set to ``heads``.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Reference: Raghu, Raghu, Bengio, Vinyals 2020, "Rapid Learning or Feature Reuse? Towards Understanding the
    Effectiveness of MAML", arXiv 1909.09157, section 4.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, replace(inner, parameters="heads"), warm_start, learning_rate, weight_decay)
