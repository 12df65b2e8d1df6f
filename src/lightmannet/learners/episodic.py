"""Learning from few-shot tasks, with or without an inner loop: what the episodic methods share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Episode, MetaBatch, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, macro_clips, micro_clips
from lightmannet.networks import TwoBranchNetwork


@dataclass(frozen=True)
class WarmStart:
    """Direct training of θ before meta-training and, optionally, during it.

    During these epochs a task's support and query clips are an ordinary, class-balanced batch, and D^aux is one of
    macro-expressions. All of it is our choice: the paper's framework figure shows meta-training alone.

    Attributes:
        epochs: Epochs before meta-training, >= 0; 0 starts at random weights.
        learning_rate: Step size of AdamW during these epochs, > 0.
        label_smoothing: Share of the target spread evenly over the classes, in [0, 1).
        macro_labels: L_pri is over D^aux, too, as clips of the same classes.
        both_branches: Minimise λ1 L_pri + λ2 L_aux and not L_pri alone; for methods with an auxiliary branch.
        kept_weight: w in [0, 1): meta-training minimises ``(1 - w) L_meta + w L_warm``, so that the outer loss sees the
            unadapted weights, too.

    Raises:
        ConfigurationError: A value outside its range.
    """

    epochs: int = 0
    learning_rate: float = 1e-3
    label_smoothing: float = 0.0
    macro_labels: bool = False
    both_branches: bool = False
    kept_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 0 or not 0 < self.learning_rate < math.inf:
            raise ConfigurationError(
                f"The warm start needs epochs >= 0 and learning_rate > 0, but has epochs: {self.epochs}, "
                f"learning_rate: {self.learning_rate}."
            )
        if not (0 <= self.label_smoothing < 1 and 0 <= self.kept_weight < 1):
            raise ConfigurationError(
                f"The warm start needs label_smoothing and kept_weight in [0, 1), but has label_smoothing: "
                f"{self.label_smoothing}, kept_weight: {self.kept_weight}."
            )


class EpisodicLearner(Learner):
    """Learns from tasks: the network adapted to a task's support is scored on its query.

    A meta-batch of N tasks is ``trainer.accumulate_grad_batches = N`` (divided by the number of devices), so that
    memory does not grow with N; or, where memory allows, the data module's ``tasks_per_step`` times that.

    Args:
        network: f_θ.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Raises:
        ConfigurationError: A value outside its range.
    """

    def __init__(
        self, network: TwoBranchNetwork, warm_start: WarmStart, learning_rate: float, weight_decay: float
    ) -> None:
        if learning_rate == 0:
            raise ConfigurationError("Meta-training needs learning_rate > 0, but has learning_rate: 0.")
        if warm_start.both_branches and not self.aligns:
            raise ConfigurationError(
                f"warm_start: both_branches: true needs an auxiliary branch, and {type(self).__name__} has none. Set "
                "it to false; macro_labels: true lets the method learn from macro-expressions."
            )
        super().__init__(network, learning_rate, weight_decay)
        self.warm_start = warm_start

    def meta_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return what meta-training minimises for one task: the cross-entropy of the adapted network on the query."""
        network = self.adapt(episode.support, episode.auxiliary).network
        return F.cross_entropy(network(episode.query.inputs), episode.query.labels)

    def mean_meta_loss(self, episodes: Sequence[Episode]) -> Float[Tensor, ""]:
        """Return the mean of ``meta_loss`` over tasks."""
        return torch.stack([self.meta_loss(episode) for episode in episodes]).mean()

    def warm_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return what the warm start minimises for one task: the cross-entropy of θ itself on all its clips.

        Raises:
            ConfigurationError: macro_labels for a task without macro-expressions.
        """
        clips = micro_clips(episode)
        if self.warm_start.macro_labels:
            clips = concatenate(clips, macro_clips(episode, f"{type(self).__name__} with macro_labels: true"))
        smoothing = self.warm_start.label_smoothing
        return F.cross_entropy(self.network(clips.inputs), clips.labels, label_smoothing=smoothing)

    def training_step(self, batch: Episode | MetaBatch, batch_idx: int) -> Float[Tensor, ""]:
        """Return the loss of tasks: that of the warm start, later the meta-loss and what is kept of the other.

        Raises:
            ConfigurationError: The batch is not made of tasks.
        """
        if not isinstance(batch, Episode | MetaBatch):
            raise ConfigurationError(
                f"{type(self).__name__} learns from tasks, but these are plain batches of clips. Use "
                "EpisodicDataModule."
            )
        episodes = tasks_of(batch)
        kept = self.warm_start.kept_weight
        if self.current_epoch < self.warm_start.epochs:
            loss = self._mean_warm_loss(episodes)
        elif kept:
            loss = (1 - kept) * self.mean_meta_loss(episodes) + kept * self._mean_warm_loss(episodes)
        else:
            loss = self.mean_meta_loss(episodes)
        self.log_loss(loss, sum(len(episode.query) for episode in episodes))
        for name, value in self.learned_values().items():
            self.log(f"train/{name}", value, batch_size=1)
        # What this loss does not reach gets a gradient of zero: DistributedDataParallel waits for every parameter.
        return loss + 0.0 * torch.stack([parameter.sum() for parameter in self.parameters()]).sum()

    def learned_values(self) -> dict[str, Tensor]:
        """Return learned scalars beside the network, which are logged at each step, by name."""
        return {}

    def _mean_warm_loss(self, episodes: Sequence[Episode]) -> Float[Tensor, ""]:
        return torch.stack([self.warm_loss(episode) for episode in episodes]).mean()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW over all parameters, with the warm start's step size during the warm start."""
        optimizer = super().configure_optimizers()
        assert isinstance(optimizer, torch.optim.Optimizer)
        warm, ratio = self.warm_start.epochs, self.warm_start.learning_rate / self.learning_rate
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: ratio if epoch < warm else 1.0)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


def tasks_of(batch: Episode | MetaBatch) -> tuple[Episode, ...]:
    """Return the tasks of a batch."""
    return (batch,) if isinstance(batch, Episode) else batch.episodes
