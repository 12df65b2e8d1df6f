"""Comparing clips with a support set in feature space: what the metric-based methods share."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.maml import refuse_batch_normalisation
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Predictor
from lightmannet.learners.episodic import EpisodicLearner
from lightmannet.networks import TwoBranchNetwork

Classifier = Callable[[Float[Tensor, "clip feature"]], Float[Tensor, "clip class"]]


class MetricLearner(EpisodicLearner):
    """A support set makes a classifier of features; the encoder is learned so that it answers well for the query.

    There is no inner gradient step. The network's MER head learns in the warm start only. A class that the support does
    not show gets probability 0, so in training every class of a query must be in its support.
    """

    @abstractmethod
    def classifier(self, features: Float[Tensor, "clip feature"], labels: Int64[Tensor, " clip"]) -> Classifier:
        """Return a function from features to class scores, made from the support's features and labels.

        What it says of classes that the support does not show is not used, but must be finite.
        """

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor that compares clips with the support; in training it is differentiable.

        Raises:
            ConfigurationError: The network has batch normalisation.
        """
        refuse_batch_normalisation(self.network)
        features = _full(self.network.encode(support.inputs))
        with torch.autocast(features.device.type, enabled=False):
            classifier = self.classifier(features, support.labels)
        return Predictor(SupportClassifier(self.network, classifier, support.labels))

    def predict(self, clips: Clips) -> Float[Tensor, "clip class"]:
        """Refuse: without a support set there is nothing to compare with.

        Raises:
            ConfigurationError: There are clips to recognise.
        """
        if len(clips):
            raise ConfigurationError(
                f"{type(self).__name__} compares clips with a support set, and plain batches of clips have none. Take "
                "the EpisodicDataModule."
            )
        return clips.inputs.new_zeros(0, self.network.mer_head.out_features)


class SupportClassifier(nn.Module):
    """A network whose MER head is replaced by a classifier that a support set made.

    Args:
        network: Its encoder makes the features.
        classifier: Scores of the features; those of classes that the support does not show become -∞.
        labels: Classes of the support clips.
    """

    def __init__(self, network: TwoBranchNetwork, classifier: Classifier, labels: Int64[Tensor, " clip"]) -> None:
        super().__init__()
        self.network, self.classifier = network, classifier
        self.absent = F.one_hot(labels, network.mer_head.out_features).sum(0) == 0
        # A new module is in training mode, and Predictor puts the mode back as it found it.
        self.training = network.training

    def forward(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip class"]:
        """Return the class scores of the clips."""
        features = _full(self.network.encode(inputs))
        # Distances and linear systems lose too much in bfloat16.
        with torch.autocast(features.device.type, enabled=False):
            return self.classifier(features).masked_fill(self.absent, -torch.inf)


def _full(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))
