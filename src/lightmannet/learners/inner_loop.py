"""The inner loop of the bi-level methods: its options, and the learner that scores what it makes of a task."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.engine import Engine, EngineName, Rates
from lightmannet.adaptation.engines import make_engine, resolve
from lightmannet.adaptation.graphs import GraphedLosses
from lightmannet.adaptation.maml import inner_path
from lightmannet.adaptation.memory import refuse_too_many
from lightmannet.adaptation.precision import full_float32, low_precision
from lightmannet.adaptation.vectorized import (
    StackedClips,
    StackedEpisode,
    cannot_be_stacked,
    same_shape,
    stack_episodes,
)
from lightmannet.episode import Clips, Episode, MetaBatch
from lightmannet.learners.base import Predictor, differentiable
from lightmannet.learners.episodic import EpisodicLearner, WarmStart, tasks_of
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import TwoBranchNetwork
from lightmannet.networks.seeded_dropout import has_dropout


class InnerLosses(NamedTuple):
    """Loss of the inner loop, and its unweighted parts; the auxiliary part may be None."""

    total: Float[Tensor, ""]
    primary: Float[Tensor, ""]
    auxiliary: Float[Tensor, ""] | None


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
        self._instead: EngineName | None = None
        self._graphs: GraphedLosses | None = None
        self._may_graph, self._fitting, self._checked = inner.cuda_graph, 0, False
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

    def inner_path(
        self,
        loss: Callable[[TwoBranchNetwork], Tensor],
        engine: Engine | None = None,
        seed: Int64[Tensor, "*task"] | None = None,
    ) -> Iterator[TwoBranchNetwork]:
        """Yield a copy of the network, then the same copy after each inner step down ``loss``.

        In training mode its parameters are differentiable functions of the learner's, unless first order.

        Args:
            loss: Scalar loss of the copy, or one a task.
            engine: What carries out the steps; None takes the configured one, for one task.
            seed: Of the dropout masks; None draws them from torch's generator.
        """
        return inner_path(
            self.network,
            loss,
            steps=self.inner.steps,
            learning_rate=self.inner_learning_rate,
            first_order=self.inner.first_order or not self.training,
            part=self.inner.moving,
            engine=engine or make_engine(self._engine),
            seed=seed,
        )

    @property
    def _engine(self) -> EngineName:
        """The engine that is used: the configured one, or the reference where that could not take the network."""
        return self._instead or resolve(self.inner.engine, self.device.type)

    def on_fit_start(self) -> None:
        """Refuse half precision; say which engine carries out the inner loop, and warn of a low precision."""
        super().on_fit_start()
        rank_zero_info(f"Inner loop: {self._engine} engine on {self.device.type}")
        if (
            low := low_precision(self.inner.precision == "trainer", self.trainer.precision, self.device.type)
        ) is not None:
            rank_zero_warn(low)

    def meta_loss(self, episode: Episode) -> Float[Tensor, ""]:
        """Return what meta-training minimises for one task, see ``outer_loss``."""
        return self.mean_meta_loss([episode])

    def mean_meta_loss(self, episodes: Sequence[Episode]) -> Float[Tensor, ""]:
        """Return the mean of ``outer_loss`` over tasks: all at once where the engine can, else one by one."""
        # A function of the task, not of when it is computed: one device or several, one step or several, same masks.
        seeds = [dropout_seed(self.current_epoch, episode.index) for episode in episodes]
        with self.inner_precision():
            if self._engine == "vectorized" and same_shape(episodes):
                try:
                    if self.device.type != "cpu" and len(episodes) > self._fitting:
                        self._check_memory(episodes, seeds)
                    return self._stacked_loss(episodes, seeds)
                except RuntimeError as error:
                    if not cannot_be_stacked(error):
                        raise
                    self._instead = "fused"
                    rank_zero_warn(
                        f"The vectorized engine cannot take this network or loss ({str(error).splitlines()[0]}). The "
                        "fused engine takes one task at a time in its place; set inner.engine: fused to hear no more "
                        "of it."
                    )
            return torch.stack([self._loss_of_one(*each) for each in zip(episodes, seeds, strict=True)]).mean()

    def _stacked_loss(self, episodes: Sequence[Episode], seeds: list[int]) -> Float[Tensor, ""]:
        task, masks = stack_episodes(episodes), self._masks(seeds)
        engine = make_engine("vectorized", len(episodes))

        def loss(tensors: Sequence[Tensor]) -> Tensor:
            mine = None if masks is None else tensors[-1]
            return self.outer_loss(task.with_tensors(tensors), InnerSteps(self, engine, mine)).mean()

        inputs = task.tensors if masks is None else [*task.tensors, masks]
        if self._may_graph and self.device.type == "cuda" and torch.is_grad_enabled():
            self._graphs = self._graphs or GraphedLosses(list(self.parameters()))
            try:
                return self._graphs(loss, inputs, self.graph_constants())
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._may_graph, self._graphs = False, None
                rank_zero_warn(f"No CUDA graph is used, as the step cannot be captured: {str(error).splitlines()[0]}")
        return loss(inputs)

    def graph_constants(self) -> Any:
        """Return what else ``outer_loss`` depends on, beside its task and the parameters: a CUDA graph each."""
        return None

    def _check_memory(self, episodes: Sequence[Episode], seeds: list[int]) -> None:
        """Compute a first step of so many tasks for nothing, before training runs into it."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]

        def attempt(tasks: int) -> None:
            loss = self._stacked_loss(episodes[:tasks], seeds[:tasks])
            torch.autograd.grad(loss, parameters, allow_unused=True)

        refuse_too_many(attempt, len(episodes), self.device)
        self._fitting = len(episodes)

    def _loss_of_one(self, episode: Episode, seed: int) -> Float[Tensor, ""]:
        with differentiable(episode.support, episode.auxiliary) as (support, auxiliary):
            task = replace(episode, support=support, auxiliary=auxiliary)
            return self.outer_loss(task, InnerSteps(self, make_engine(self._engine), self._masks(seed)))

    def _masks(self, seed: int | list[int]) -> Int64[Tensor, "*task"] | None:
        return torch.tensor(seed, device=self.device) if has_dropout(self.network) else None

    def outer_loss(self, task: Episode | StackedEpisode, steps: "InnerSteps") -> Float[Tensor, "*task"]:
        """Return the cross-entropy of the adapted network on the query.

        Args:
            task: A task, or several of one shape, stacked.
            steps: The inner loop for that many tasks.
        """
        *_, copy = steps.down(self.inner_loss, task.support, task.auxiliary)
        return steps.each(copy, cross_entropy, task.query)

    def check_task(self, support: Clips, auxiliary: Clips | None) -> None:
        """Do nothing for a task that can be learned from; called before anything is computed.

        Raises:
            ConfigurationError: It cannot.
        """

    def inner_precision(self) -> AbstractContextManager[None]:
        """Return a context in which the inner loop has its precision."""
        return nullcontext() if self.inner.precision == "trainer" else full_float32(self.device.type)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Differentiate the loss, through the inner steps, in the precision of the inner loop."""
        with self.inner_precision():
            super().backward(loss, *args, **kwargs)

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor after the inner loop; the learner, buffers included, stays as it was.

        In training mode the predictor's parameters are differentiable functions of the learner's, unless first order.

        Raises:
            ConfigurationError: The network has batch normalisation, or the method needs auxiliary clips and has none.
        """
        self.check_task(support, auxiliary)
        with self.inner_precision(), differentiable(support, auxiliary) as (support, auxiliary):
            *_, network = self.inner_path(lambda network: self.inner_loss(network, support, auxiliary))
        return Predictor(network)

    def training_step(self, batch: Episode | MetaBatch, batch_idx: int) -> Float[Tensor, ""]:
        """Return the loss of tasks, as the parent does, once they are checked."""
        # To look at values makes a GPU wait, so there it is done once: all tasks are drawn from the same classes.
        if self.device.type == "cpu" or not self._checked:
            for episode in tasks_of(batch) if isinstance(batch, Episode | MetaBatch) else ():
                self.check_task(episode.support, episode.auxiliary)
            self._checked = True
        return super().training_step(batch, batch_idx)

    def learned_values(self) -> dict[str, Tensor]:
        """Return α, if a single one is learned."""
        return {} if self.log_inner_rate is None else {"inner_learning_rate": self.log_inner_rate.exp()}


class InnerSteps:
    """The inner loop as ``outer_loss`` uses it, for one task or for several stacked ones.

    Args:
        learner: Whose inner loop it is.
        engine: What carries it out.
        seed: Of the dropout masks, one a task; None where nothing is dropped.
    """

    def __init__(self, learner: InnerLoopLearner, engine: Engine, seed: Int64[Tensor, "*task"] | None) -> None:
        self.learner, self.engine, self.seed = learner, engine, seed

    def path(self, loss: Callable[[TwoBranchNetwork], Tensor]) -> Iterator[TwoBranchNetwork]:
        """Yield a copy (of each task), then the same copy after each inner step down ``loss``."""
        return self.learner.inner_path(loss, self.engine, self.seed)

    def down(self, function: Callable[..., Tensor], *clips: Clips | StackedClips | None) -> Iterator[TwoBranchNetwork]:
        """Yield the same as ``path``, down ``function(copy, *clips)``."""
        return self.path(lambda copy: self.each(copy, function, *clips))

    def each(
        self, copy: TwoBranchNetwork, function: Callable[..., Tensor], *clips: Clips | StackedClips | None
    ) -> Float[Tensor, "*task"]:
        """Return ``function(copy, *clips)``, of stacked tasks one result each; ``function`` is written for one task."""
        return self.engine.each(copy, function, *clips)


def cross_entropy(network: nn.Module, clips: Clips) -> Float[Tensor, ""]:
    """Return the cross-entropy of a network's class scores."""
    return F.cross_entropy(network(clips.inputs), clips.labels)


def dropout_seed(epoch: int, index: int, seed: int | None = None) -> int:
    """Return the seed of a task's dropout masks, from the run's seed, the epoch and the number of the task.

    Args:
        epoch: Number of the epoch.
        index: Number of the task.
        seed: That of the run; None takes torch's.
    """
    first = torch.initial_seed() if seed is None else seed
    return int(np.random.SeedSequence([first, epoch, index]).generate_state(1)[0])
