"""Bi-level learning over few-shot tasks: what MAML and LightmanNet share."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.maml import adapt
from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, Predictor
from lightmannet.networks.two_branch import TwoBranchNetwork


@dataclass(frozen=True)
class InnerLoop:
    """How a network learns from one task.

    Attributes:
        steps: Gradient steps, >= 0; 0 evaluates the shared network itself.
        learning_rate: α, > 0; the start value where it is learned.
        learn_learning_rate: Learn log α in the outer loop.
        first_order: Take the inner gradients as constants in the outer one (FOMAML). The alignment head then keeps its
            start values, because the outer loss reaches it through second derivatives only.

    Raises:
        ConfigurationError: A value outside its range.
    """

    steps: int = 1
    learning_rate: float = 0.02
    learn_learning_rate: bool = False
    first_order: bool = False

    def __post_init__(self) -> None:
        if self.steps < 0 or self.learning_rate <= 0:
            raise ConfigurationError(
                f"The inner loop needs steps >= 0 and learning_rate > 0, but has steps: {self.steps}, "
                f"learning_rate: {self.learning_rate}."
            )


@dataclass(frozen=True)
class WarmStart:
    """Where θ starts: at random, or after supervised epochs on the training people's clips.

    During these epochs a task's support and query clips are an ordinary, class-balanced batch. Which of the two the
    paper does is not known; this is our choice.

    Attributes:
        epochs: Supervised epochs before meta-training, >= 0; 0 starts at random.
        learning_rate: Step size of AdamW during these epochs, > 0.

    Raises:
        ConfigurationError: A value outside its range.
    """

    epochs: int = 0
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.learning_rate <= 0:
            raise ConfigurationError(
                f"The warm start needs epochs >= 0 and learning_rate > 0, but has epochs: {self.epochs}, "
                f"learning_rate: {self.learning_rate}."
            )


class EpisodicLearner(Learner):
    """Inner loop on a task's support, outer loop on its query: ``θ ← θ - β ∇_θ L_pri(D^q, θ_i)``.

    A meta-batch of N tasks is ``trainer.accumulate_grad_batches = N`` (divided by the number of devices), so that
    memory does not grow with N.

    Args:
        network: f_θ.
        inner: The inner loop.
        warm_start: Where θ starts.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, algorithm 2.
    """

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop,
        warm_start: WarmStart,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(network, learning_rate, weight_decay)
        self.inner, self.warm_start = inner, warm_start
        self.log_inner_rate = (
            nn.Parameter(torch.tensor(inner.learning_rate).log()) if inner.learn_learning_rate else None
        )

    @property
    def inner_learning_rate(self) -> float | Tensor:
        """α, fixed or learned."""
        return self.inner.learning_rate if self.log_inner_rate is None else self.log_inner_rate.exp()

    @abstractmethod
    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return the loss that a copy of the network descends on a task's support (and auxiliary) clips."""

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor after the inner loop; the learner, buffers included, stays as it was.

        In training mode the predictor's parameters are differentiable functions of the learner's, unless first order.

        Raises:
            ConfigurationError: The network has batch normalisation, or the method needs auxiliary clips and has none.
        """
        # Lightning tests in inference mode, whose tensors cannot be differentiated: leave it and copy the inputs out.
        with torch.inference_mode(False), torch.enable_grad():
            if support.inputs.is_inference():
                support, auxiliary = _copy(support), None if auxiliary is None else _copy(auxiliary)
            network = adapt(
                self.network,
                lambda network: self.inner_loss(network, support, auxiliary),
                steps=self.inner.steps,
                learning_rate=self.inner_learning_rate,
                first_order=self.inner.first_order or not self.training,
            )
        return Predictor(network)

    def training_step(self, batch: Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the primary loss of the adapted network on the query set, or of θ itself during the warm start."""
        if self.current_epoch < self.warm_start.epochs:
            clips: Clips = concatenate(batch.support, batch.query)
            network: nn.Module = self.network
        else:
            clips, network = batch.query, self.adapt(batch.support, batch.auxiliary).network
        loss = F.cross_entropy(network(clips.inputs), clips.labels)
        self.log("train/loss", loss, on_epoch=True, on_step=False, prog_bar=True, batch_size=len(clips), sync_dist=True)
        if self.log_inner_rate is not None:
            self.log("train/inner_learning_rate", self.log_inner_rate.exp(), batch_size=1)
        # What this loss does not reach gets a gradient of zero: DistributedDataParallel waits for every parameter.
        return loss + 0.0 * torch.stack([parameter.sum() for parameter in self.parameters()]).sum()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW over all parameters, with the warm start's step size during the warm start."""
        optimizer = super().configure_optimizers()
        assert isinstance(optimizer, torch.optim.Optimizer)
        warm, ratio = self.warm_start.epochs, self.warm_start.learning_rate / self.learning_rate
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: ratio if epoch < warm else 1.0)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


def _copy(clips: Clips) -> Clips:
    return replace(clips, inputs=clips.inputs.clone(), labels=clips.labels.clone())
