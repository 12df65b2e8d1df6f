"""Ordinary supervised learning, the yardstick: one network, cross-entropy, no adaptation."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, macro_clips, micro_clips
from lightmannet.networks import TwoBranchNetwork


class Supervised(Learner):
    """Cross-entropy over batches of clips; of a task, over all its micro-expressions, macro-expressions if asked for.

    With the encoder ``ThreeStream`` and its ``normalization: batch`` this is STSTNet, trained here.

    Args:
        network: The network that learns.
        learning_rate: Step size of AdamW, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.
        label_smoothing: Share of the target spread evenly over the classes, in [0, 1).
        clips: What to learn from: ``micro``-expressions, or micro- and macro-expressions as ``both`` the same classes.
        macro_epochs: Epochs on macro-expressions alone before that, >= 0.

    Raises:
        ConfigurationError: A negative number of epochs.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.0,
        clips: Literal["micro", "both"] = "micro",
        macro_epochs: int = 0,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay)
        if macro_epochs < 0:
            raise ConfigurationError(f"{type(self).__name__} needs macro_epochs >= 0, but has {macro_epochs}.")
        self.label_smoothing, self.clips, self.macro_epochs = label_smoothing, clips, macro_epochs

    def training_step(self, batch: Clips | Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the cross-entropy of the batch.

        Raises:
            ConfigurationError: Macro-expressions are to be learned from and the batch has none.
        """
        clips = self.chosen(batch, self.current_epoch)
        loss = self.loss(clips)
        self.log_loss(loss, len(clips))
        return loss

    def loss(self, clips: Clips) -> Float[Tensor, ""]:
        """Return the cross-entropy of the clips."""
        return F.cross_entropy(self.network(clips.inputs), clips.labels, label_smoothing=self.label_smoothing)

    def chosen(self, batch: Clips | Episode, epoch: int) -> Clips:
        """Return the clips of a batch that an epoch learns from.

        Raises:
            ConfigurationError: These are macro-expressions, and the batch has none.
        """
        macro_alone = epoch < self.macro_epochs
        if self.clips == "micro" and not macro_alone:
            return micro_clips(batch)
        options = f"clips: {self.clips} and macro_epochs: {self.macro_epochs}"
        macro = macro_clips(batch, f"{type(self).__name__} with {options}")
        return macro if macro_alone else concatenate(micro_clips(batch), macro)
