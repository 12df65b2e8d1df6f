"""MAML, the meta-learner without an auxiliary branch."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop import InnerLoopLearner
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import TwoBranchNetwork


class MAML(InnerLoopLearner):
    """Model-agnostic meta-learning: ``θ_i ← θ - α ∇_θ L_pri(D^s, θ)`` in the inner loop.

    Args:
        network: f_θ.
        inner: The inner loop; ``first_order`` makes it FOMAML (section 5.2 of the paper).
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, algorithm 2.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop = InnerLoop(),
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, inner, warm_start, learning_rate, weight_decay)

    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return L_pri on the support set."""
        return F.cross_entropy(network(support.inputs), support.labels)
