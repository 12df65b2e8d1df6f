"""What methods share that fit the MER head to all training clips at once, on features that do not learn."""

from abc import abstractmethod

import torch
from jaxtyping import Float, Float64, Int64
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError, DataError
from lightmannet.learners.base import Learner, micro_clips
from lightmannet.networks import TwoBranchNetwork


class ClosedForm(Learner):
    """Collects the features of all training clips and fits the MER head to them; the encoder stays as it is.

    The head is fitted after each epoch, to all batches so far: each further epoch adds one more random change of every
    clip.

    Args:
        network: Encoder and MER head.
        strength: Strength λ > 0 of the penalty on the weights.

    Raises:
        ConfigurationError: A strength that is not positive.
    """

    def __init__(self, network: TwoBranchNetwork, strength: float) -> None:
        super().__init__(network, learning_rate=0.0, weight_decay=0.0)
        if strength <= 0:
            raise ConfigurationError(f"{type(self).__name__} needs strength > 0, but has strength: {strength}.")
        self.strength = strength
        self._seen: list[tuple[Tensor, Tensor]] = []

    @abstractmethod
    def fit_head(
        self, centred: Float64[Tensor, "clip feature"], labels: Int64[Tensor, " clip"], n_classes: int
    ) -> tuple[Float64[Tensor, "class feature"], Float64[Tensor, " class"]]:
        """Return weights and biases of the head.

        Args:
            centred: Features of all clips, of mean 0, not all the same.
            labels: Class of each clip.
            n_classes: Number of classes.
        """

    def on_fit_start(self) -> None:
        """Start over.

        Raises:
            ConfigurationError: There are several devices, of which each would see a part of the clips.
        """
        super().on_fit_start()
        if self.trainer.world_size > 1:
            name = type(self).__name__
            raise ConfigurationError(f"{name} solves one system for all clips and runs on one device: set devices: 1.")
        self._seen = []

    def training_step(self, batch: Clips | Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Keep the batch, fit after the epoch's last one, and return the squared error of the head as it then is.

        Raises:
            DataError: All clips have the same features.
        """
        clips = micro_clips(batch)
        with torch.no_grad():
            features = self.network.eval().encode(clips.inputs).double()
        self._seen.append((features, clips.labels))
        # Before validation, which is part of the epoch.
        if self.trainer.is_last_batch:
            self._fit()
        targets = F.one_hot(clips.labels, self.network.mer_head.out_features).double()
        loss = (self.network.mer_head(features.to(clips.inputs.dtype)) - targets).square().sum(1).mean()
        self.log_loss(loss, len(clips))
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return an optimiser that moves nothing: Lightning counts steps and writes no checkpoint without any."""
        return torch.optim.SGD(self.parameters(), lr=0.0)

    @torch.no_grad()
    def _fit(self) -> None:
        head = self.network.mer_head
        with torch.autocast(self.device.type, enabled=False):
            features, labels = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
            mean = features.mean(0)
            centred = features - mean
            if not centred.any():
                raise DataError(f"The features of all {len(features)} training clips are the same: nothing to learn.")
            weight, bias = self.fit_head(centred, labels, head.out_features)
            head.weight.copy_(weight)
            head.bias.copy_(bias - weight @ mean)
