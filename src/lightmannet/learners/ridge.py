"""Ridge regression on features that do not learn, solved in closed form."""

import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F

from lightmannet.adaptation.ridge import ridge_regression
from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError, DataError
from lightmannet.learners.base import Learner, micro_clips
from lightmannet.networks import TwoBranchNetwork


class Ridge(Learner):
    """MER head of least squares: ``min_{W, b} 1/n Σ_j |W x_j + b - y_j|² + λ v |W|²`` with one-hot targets y.

    x are the encoder's features, which stay as they are; with the encoder ``Flatten`` they are the pixels. The head is
    solved for after each epoch, on all batches so far: each further epoch adds one more random change of every clip.
    v is the features' total variance, so that λ means the same for any features. The largest score counts; the softmax
    of the scores, the probability, says little of how sure the answer is.

    Args:
        network: Encoder and MER head.
        strength: λ > 0; ours, not tuned.

    Raises:
        ConfigurationError: A strength that is not positive.
    """

    def __init__(self, network: TwoBranchNetwork, strength: float = 0.01) -> None:
        super().__init__(network, learning_rate=0.0, weight_decay=0.0)
        if strength <= 0:
            raise ConfigurationError(f"Ridge needs strength > 0, but has strength: {strength}.")
        self.strength = strength
        self._seen: list[tuple[Tensor, Tensor]] = []

    def on_fit_start(self) -> None:
        """Begin anew.

        Raises:
            ConfigurationError: There are several devices, of which each would see a part of the clips.
        """
        super().on_fit_start()
        if self.trainer.world_size > 1:
            raise ConfigurationError("Ridge solves one system for all clips and runs on one device: set devices: 1.")
        self._seen = []

    def training_step(self, batch: Clips | Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Keep the batch, solve after the epoch's last one, and return the squared error of the head as it then is.

        Raises:
            DataError: All clips have the same features.
        """
        clips = micro_clips(batch)
        with torch.no_grad():
            features = self.network.eval().encode(clips.inputs).double()
        targets = F.one_hot(clips.labels, self.network.mer_head.out_features).double()
        self._seen.append((features, targets))
        # Before validation, which is part of the epoch.
        if self.trainer.is_last_batch:
            self._solve()
        loss = (self.network.mer_head(features.to(clips.inputs.dtype)) - targets).square().sum(1).mean()
        self.log_loss(loss, len(clips))
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return an optimiser that moves nothing: Lightning counts steps and writes no checkpoint without any."""
        return torch.optim.SGD(self.parameters(), lr=0.0)

    @torch.no_grad()
    def _solve(self) -> None:
        with torch.autocast(self.device.type, enabled=False):
            features, targets = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
            centred = features - features.mean(0)
            squares = centred.square().sum()
            if squares == 0:
                raise DataError(f"The features of all {len(features)} training clips are the same: nothing to learn.")
            weight = ridge_regression(centred, targets - targets.mean(0), self.strength * squares)
            self.network.mer_head.weight.copy_(weight.T)
            self.network.mer_head.bias.copy_(targets.mean(0) - features.mean(0) @ weight)
