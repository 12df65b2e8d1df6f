"""Learning from few-shot tasks, with or without an inner loop: what the episodic methods share."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.engine import EngineName, Rates
from lightmannet.adaptation.engines import check_engine, make_engine, resolve
from lightmannet.adaptation.maml import inner_path
from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, Predictor, differentiable, macro_clips, micro_clips
from lightmannet.networks import TwoBranchNetwork


@dataclass(frozen=True)
class InnerLoop:
    """How a network learns from one task.

    Attributes:
        steps: Gradient steps, >= 0; 0 evaluates the shared network itself.
        learning_rate: α, > 0; the start value where it is learned.
        learn_learning_rate: Learn log α in the outer loop; only with ``rates: one``, the others are always learned.
        first_order: Take the inner gradients as constants in the outer one (FOMAML). The alignment head then keeps its
            start values, because the outer loss reaches it through second derivatives only.
        parameters: What moves: ``all``; the ``heads`` alone (MER and alignment head); or the ``scales``, which are
            scale and shift of each group or layer normalisation, and the heads.
        rates: ``one`` α; or one learned for each ``layer_and_step`` (each parameter tensor, as in MAML++'s release), or
            for each single ``weight`` (Meta-SGD). Learned in these two ways, α may become negative.
        engine: Implementation of the steps: ``learn2learn``, the reference; ``fused``, the same gradients by cheaper
            operations, without learn2learn; ``auto`` takes the faster one (docs/performance.md).

    Raises:
        ConfigurationError: A value outside its range, learned log α beside other learned rates, or an unknown engine.
    """

    steps: int = 1
    learning_rate: float = 0.02
    learn_learning_rate: bool = False
    first_order: bool = False
    parameters: Literal["all", "heads", "scales"] = "all"
    rates: Literal["one", "layer_and_step", "weight"] = "one"
    engine: EngineName = "auto"

    def __post_init__(self) -> None:
        check_engine(self.engine)
        if self.steps < 0 or not 0 < self.learning_rate < math.inf:
            raise ConfigurationError(
                f"The inner loop needs steps >= 0 and learning_rate > 0, but has steps: {self.steps}, "
                f"learning_rate: {self.learning_rate}."
            )
        if self.learn_learning_rate and self.rates != "one":
            raise ConfigurationError(
                f"rates: {self.rates} are learned anyway, and learn_learning_rate: true learns one for all. Set it to "
                "false, or rates: one."
            )

    def moving(self, network: TwoBranchNetwork) -> nn.Module:
        """Return what of the network the inner loop adapts.

        Raises:
            ConfigurationError: ``scales`` of an encoder without normalisation.
        """
        if self.parameters == "all":
            return network
        norms = [module for module in network.encoder.modules() if isinstance(module, nn.GroupNorm | nn.LayerNorm)]
        if self.parameters == "scales" and not norms:
            raise ConfigurationError(
                f"parameters: scales needs an encoder with group or layer normalisation, and "
                f"{type(network.encoder).__name__} has none. Choose all or heads."
            )
        scales = norms if self.parameters == "scales" else []
        return nn.ModuleList([*scales, network.mer_head, network.alignment_head])


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


class InnerLosses(NamedTuple):
    """Loss of the inner loop, and its unweighted parts; the auxiliary part may be None."""

    total: Float[Tensor, ""]
    primary: Float[Tensor, ""]
    auxiliary: Float[Tensor, ""] | None


class EpisodicLearner(Learner):
    """Learns from tasks: the network adapted to a task's support is scored on its query.

    A meta-batch of N tasks is ``trainer.accumulate_grad_batches = N`` (divided by the number of devices), so that
    memory does not grow with N.

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

    def training_step(self, batch: Episode, batch_idx: int) -> Float[Tensor, ""]:
        """Return the loss of a task: that of the warm start, later the meta-loss and what is kept of the other.

        Raises:
            ConfigurationError: The batch is not a task.
        """
        if not isinstance(batch, Episode):
            raise ConfigurationError(
                f"{type(self).__name__} learns from tasks, but these are plain batches of clips. Use "
                "EpisodicDataModule."
            )
        kept = self.warm_start.kept_weight
        if self.current_epoch < self.warm_start.epochs:
            loss = self.warm_loss(batch)
        elif kept:
            loss = (1 - kept) * self.meta_loss(batch) + kept * self.warm_loss(batch)
        else:
            loss = self.meta_loss(batch)
        self.log_loss(loss, len(batch.query))
        for name, value in self.learned_values().items():
            self.log(f"train/{name}", value, batch_size=1)
        # What this loss does not reach gets a gradient of zero: DistributedDataParallel waits for every parameter.
        return loss + 0.0 * torch.stack([parameter.sum() for parameter in self.parameters()]).sum()

    def learned_values(self) -> dict[str, Tensor]:
        """Return learned scalars beside the network, which are logged at each step, by name."""
        return {}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW over all parameters, with the warm start's step size during the warm start."""
        optimizer = super().configure_optimizers()
        assert isinstance(optimizer, torch.optim.Optimizer)
        warm, ratio = self.warm_start.epochs, self.warm_start.learning_rate / self.learning_rate
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: ratio if epoch < warm else 1.0)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


class InnerLoopLearner(EpisodicLearner):
    """Inner loop on a task's support, outer loop on its query: ``θ ← θ - β ∇_θ L_pri(D^q, θ_i)``.

    Args:
        network: f_θ.
        inner: The inner loop.
        warm_start: Initialisation of θ.
        learning_rate: β, step size of AdamW in meta-training, > 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; learned inner rates do not decay.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, algorithm 2.
    """

    takes_gradients = True

    def __init__(
        self,
        network: TwoBranchNetwork,
        inner: InnerLoop,
        warm_start: WarmStart,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        super().__init__(network, warm_start, learning_rate, weight_decay)
        self.inner = inner
        self.log_inner_rate = (
            nn.Parameter(torch.tensor(inner.learning_rate).log()) if inner.learn_learning_rate else None
        )
        moving = [parameter for parameter in inner.moving(network).parameters() if parameter.requires_grad]
        self.inner_rates: nn.ParameterList | None = None
        if inner.rates == "weight":
            self.inner_rates = nn.ParameterList(torch.full_like(p, inner.learning_rate) for p in moving)
        elif inner.rates == "layer_and_step":
            self.inner_rates = nn.ParameterList(
                torch.full((len(moving),), inner.learning_rate) for _ in range(inner.steps)
            )

    @property
    def inner_learning_rate(self) -> Rates:
        """α, fixed or learned; one for all, or a function from the step to one for each moving parameter."""
        if (rates := self.inner_rates) is not None:
            # A step's row falls apart into one scalar per parameter; Meta-SGD has the same rates at every step.
            return (lambda step: list(rates)) if self.inner.rates == "weight" else (lambda step: rates[step].unbind(-1))
        return self.inner.learning_rate if self.log_inner_rate is None else self.log_inner_rate.exp()

    @abstractmethod
    def inner_loss(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> Float[Tensor, ""]:
        """Return the loss that a copy of the network descends on a task's support (and auxiliary) clips."""

    def inner_losses(self, network: TwoBranchNetwork, support: Clips, auxiliary: Clips | None) -> InnerLosses:
        """Return ``inner_loss`` with its parts; by default there is only one."""
        loss = self.inner_loss(network, support, auxiliary)
        return InnerLosses(loss, loss, None)

    def branch_losses(self, batch: Clips | Episode) -> tuple[Float[Tensor, ""], Float[Tensor, ""]] | None:
        """Return both parts of the inner loss on a task's support, before any inner step."""
        if not isinstance(batch, Episode):
            return None
        losses = self.inner_losses(self.network, batch.support, batch.auxiliary)
        return None if losses.auxiliary is None else (losses.primary, losses.auxiliary)

    def inner_path(self, loss: Callable[[TwoBranchNetwork], Tensor]) -> Iterator[TwoBranchNetwork]:
        """Yield a copy of the network, then the same copy after each inner step down ``loss``.

        In training mode its parameters are differentiable functions of the learner's, unless first order.
        """
        return inner_path(
            self.network,
            loss,
            steps=self.inner.steps,
            learning_rate=self.inner_learning_rate,
            first_order=self.inner.first_order or not self.training,
            part=self.inner.moving,
            engine=make_engine(self.inner.engine),
        )

    def on_fit_start(self) -> None:
        """Check the precision and log the engine of the inner loop."""
        super().on_fit_start()
        rank_zero_info(f"Inner loop: {resolve(self.inner.engine)} engine")

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor after the inner loop; the learner, buffers included, stays as it was.

        In training mode the predictor's parameters are differentiable functions of the learner's, unless first order.

        Raises:
            ConfigurationError: The network has batch normalisation, or the method needs auxiliary clips and has none.
        """
        with differentiable(support, auxiliary) as (support, auxiliary):
            *_, network = self.inner_path(lambda network: self.inner_loss(network, support, auxiliary))
        return Predictor(network)

    def learned_values(self) -> dict[str, Tensor]:
        """Return α, if a single one is learned."""
        return {} if self.log_inner_rate is None else {"inner_learning_rate": self.log_inner_rate.exp()}
