"""Prototypical networks: the nearest class mean in feature space."""

from typing import Literal

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from lightmannet.errors import ConfigurationError
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.metric import Classifier, MetricLearner
from lightmannet.networks import TwoBranchNetwork


class ProtoNet(MetricLearner):
    """``p(y = k | x) ∝ exp(-s d(f(x), c_k))`` with prototypes ``c_k``, the mean of f over class k's support clips.

    Args:
        network: f is its encoder.
        distance: d, the ``squared_euclidean`` distance (the paper's choice) or the ``cosine`` one, 1 - cos.
        scale: s > 0. The paper has 1. None takes, by our choice, 1 / √d for squared distances of d features, which grow
            with d and would leave one class alone with all probability, and 10 for cosines, which differ too little.
        warm_start: Where the encoder starts.
        learning_rate: Step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: A scale that is not positive.

    Reference: Snell, Swersky, Zemel 2017, "Prototypical Networks for Few-shot Learning", arXiv 1703.05175, eq. 1 and 2.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        distance: Literal["squared_euclidean", "cosine"] = "squared_euclidean",
        scale: float | None = None,
        warm_start: WarmStart = WarmStart(),
        learning_rate: float = 2e-4,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(network, warm_start, learning_rate, weight_decay)
        if scale is not None and scale <= 0:
            raise ConfigurationError(f"ProtoNet needs scale > 0, but has scale: {scale}.")
        self.distance = distance
        default = 10.0 if distance == "cosine" else network.encoder.features**-0.5
        self.scale = default if scale is None else scale

    def classifier(self, features: Float[Tensor, "clip feature"], labels: Int64[Tensor, " clip"]) -> Classifier:
        """Return minus the scaled distances to the prototypes."""
        members = F.one_hot(labels, self.network.mer_head.out_features).to(features.dtype)
        prototypes = members.T @ features / members.sum(0).clamp(min=1)[:, None]

        def scores(queries: Float[Tensor, "clip feature"]) -> Float[Tensor, "clip class"]:
            if self.distance == "cosine":
                distances = 1 - F.normalize(queries, dim=1) @ F.normalize(prototypes, dim=1).T
            else:
                distances = (queries[:, None] - prototypes).square().sum(-1)
            return -self.scale * distances

        return scores
