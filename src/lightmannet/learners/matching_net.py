"""Matching networks: a vote of the support clips, weighted by likeness."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.metric import Classifier, MetricLearner
from lightmannet.networks import TwoBranchNetwork


class MatchingNet(MetricLearner):
    """``p(y = k | x) = Σ_{j: y_j = k} a_j`` with attention ``a_j ∝ exp(s cos(f(x), f(x_j)))`` over the support clips.

    Left out: the full context embeddings (LSTMs that let an embedding depend on the whole support). Both sides share f.

    Args:
        network: f is its encoder.
        scale: s > 0; 1 in the paper. Ours is larger, because cosines alone leave all clips about equally heavy.
        warm_start: Where the encoder starts.
        learning_rate: Step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: A scale that is not positive.

    Reference: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, "Matching Networks for One Shot Learning",
    arXiv 1606.04080, eq. 1 and section 2.1.1.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        scale: float = 10.0,
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, warm_start, learning_rate, weight_decay)
        if scale <= 0:
            raise ConfigurationError(f"MatchingNet needs scale > 0, but has scale: {scale}.")
        self.scale = scale

    def classifier(self, features: Float[Tensor, "clip feature"], labels: Int64[Tensor, " clip"]) -> Classifier:
        """Return the logarithms of the classes' shares of attention."""
        members = F.one_hot(labels, self.network.mer_head.out_features).to(features.dtype)

        def scores(queries: Float[Tensor, "clip feature"]) -> Float[Tensor, "clip class"]:
            cosines = F.normalize(queries, dim=1) @ F.normalize(features, dim=1).T
            shares = torch.softmax(self.scale * cosines, dim=1) @ members
            return shares.clamp(min=torch.finfo(shares.dtype).tiny).log()

        return scores
