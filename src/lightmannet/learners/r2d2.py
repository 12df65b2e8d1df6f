"""R2-D2: a ridge-regression head, solved in closed form on the support."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.ridge import ridge_regression
from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.metric import Classifier, MetricLearner
from lightmannet.networks import TwoBranchNetwork


class R2D2(MetricLearner):
    """Scores ``a f(x) W`` with ``W = Xᵀ(XXᵀ + λI)⁻¹ Y``; X are the support's features, Y its one-hot labels.

    The encoder, λ and a are learned through the closed form; λ and a as logarithms. The paper also adds a learned
    number to all scores, which leaves the softmax as it is and is left out.

    Args:
        network: f is its encoder.
        strength: Start value of λ, > 0; ours.
        scale: Start value of a, > 0; ours, as the regression's answers lie about between 0 and 1.
        warm_start: Where the encoder starts.
        learning_rate: Step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW for the network, >= 0; λ and a do not decay.

    Raises:
        ConfigurationError: A strength or scale that is not positive.

    Reference: Bertinetto, Henriques, Torr, Vedaldi 2019, "Meta-learning with differentiable closed-form solvers",
    arXiv 1805.08136, eq. 6 and 7.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        strength: float = 1.0,
        scale: float = 10.0,
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, warm_start, learning_rate, weight_decay)
        if strength <= 0 or scale <= 0:
            raise ConfigurationError(
                f"R2D2 needs strength > 0 and scale > 0, but has strength: {strength}, scale: {scale}."
            )
        self.log_strength = nn.Parameter(torch.tensor(math.log(strength)))
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def classifier(self, features: Float[Tensor, "clip feature"], labels: Int64[Tensor, " clip"]) -> Classifier:
        """Return the scaled answers of the ridge regression."""
        targets = F.one_hot(labels, self.network.mer_head.out_features).to(features.dtype)
        weight = ridge_regression(features, targets, self.log_strength.exp().to(features.dtype))
        return lambda queries: self.log_scale.exp() * (queries @ weight)
