"""Linear probe: ordinary supervised learning, then a new head on frozen features, fitted to the support."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.adaptation.logistic import logistic_regression
from lightmannet.adaptation.maml import refuse_batch_normalisation
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Predictor
from lightmannet.learners.metric import SupportClassifier
from lightmannet.learners.supervised import Supervised
from lightmannet.networks import TwoBranchNetwork


class LinearProbe(Supervised):
    """Supervised learning of the encoder; at test time logistic regression on its features of the support.

    Features have length 1, and ``Σ_j -log softmax(W x_j + b)[y_j] + λ/2 |W|²`` is minimised to convergence. A class
    that the support does not show gets probability 0. Without a support the trained head answers.

    Args:
        network: The network that learns.
        strength: λ > 0; 1, scikit-learn's default, in the paper's code.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.
        label_smoothing: Share of the target spread evenly over the classes, in [0, 1), in training only.
        clips: What to learn from in training, see ``Supervised``.
        macro_epochs: Epochs on macro-expressions alone before that, >= 0.

    Raises:
        ConfigurationError: A strength that is not positive.

    Reference: Tian, Wang, Krishnan, Tenenbaum, Isola 2020, "Rethinking Few-Shot Image Classification: a Good Embedding
    Is All You Need?", arXiv 2003.11539, eq. 4, without its distillation.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        strength: float = 1.0,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.0,
        clips: Literal["micro", "both"] = "micro",
        macro_epochs: int = 0,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay, label_smoothing, clips, macro_epochs)
        if strength <= 0:
            raise ConfigurationError(f"LinearProbe needs strength > 0, but has strength: {strength}.")
        self.strength = strength

    @torch.no_grad()
    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor with a head fitted to the support; the learner stays as it was.

        Raises:
            ConfigurationError: The network has batch normalisation.
        """
        refuse_batch_normalisation(self.network)
        training = self.network.training
        features = F.normalize(self.network.eval().encode(support.inputs), dim=1)
        self.network.train(training)
        weight, bias = logistic_regression(features, support.labels, self.network.mer_head.out_features, self.strength)

        def scores(features: Float[Tensor, "clip feature"]) -> Float[Tensor, "clip class"]:
            return F.linear(F.normalize(features, dim=1), weight.to(features.dtype), bias.to(features.dtype))

        return Predictor(SupportClassifier(self.network, scores, support.labels))
