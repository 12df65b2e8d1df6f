"""What training minimises, for many runs at once: the sums that the learners compute one by one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import cycle, repeat

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from lightmannet.batched.batch import BatchStack, clips_of
from lightmannet.batched.dropout import Draw, given, needed
from lightmannet.batched.layers import each_learner
from lightmannet.episode import Clips, Episode
from lightmannet.learners.anil import ANIL
from lightmannet.learners.base import Learner
from lightmannet.learners.fine_tuning import FineTuning
from lightmannet.learners.inner_loop import InnerLoopLearner
from lightmannet.learners.lightmannet import LightmanNet
from lightmannet.learners.linear_probe import LinearProbe
from lightmannet.learners.maml import MAML
from lightmannet.learners.maml_plus_plus import MAMLPlusPlus
from lightmannet.learners.meta_sgd import MetaSGD
from lightmannet.learners.reptile import Reptile
from lightmannet.learners.supervised import Supervised
from lightmannet.networks.copies import copy_module, replace_parameters
from lightmannet.networks.seeded_dropout import seed_dropout

_TASK = ("support", "query", "auxiliary")
Losses = Float[Tensor, " batch"]


class Passes:
    """Evaluates functions of the learners, and hands out the dropout masks of each pass.

    Args:
        masks: Masks of each pass, with a leading dimension of batches; None drops nothing and lists what is needed.
        seeds: Seeds of the masks within the inner loop, one a batch, which are functions of the task.

    Attributes:
        seeds: As given.
        draws: Which masks each pass needs, one batch; filled where ``masks`` is None.
    """

    def __init__(self, masks: Sequence[Sequence[Tensor]] | None, seeds: Int64[Tensor, " batch"]) -> None:
        self.seeds = seeds
        self._masks: Iterator[Sequence[Tensor]] | None = None if masks is None else iter(masks)
        self.draws: list[list[Draw]] = []

    def __call__(self, learners: Learner, function: Callable[..., Tensor], batch: BatchStack, *parts: str) -> Losses:
        """Return ``function(learner, *clips)`` of each batch; a part that the batch lacks is None."""
        shares = [batch.parts[name].tensors() if name in batch.parts else None for name in parts]
        tensors = [tensor for share in shares for tensor in share or () if tensor is not None]

        def one(learner: Learner, *mine: Tensor) -> Tensor:
            own = iter(mine)
            clips = [
                None if share is None else clips_of([None if tensor is None else next(own) for tensor in share])
                for share in shares
            ]
            if self._masks is None:
                return function(learner, *clips)
            with given(list(own)):
                return function(learner, *clips)

        if self._masks is not None:
            return each_learner(learners, one, *tensors, *next(self._masks))
        with needed() as draws:
            losses = each_learner(learners, one, *tensors)
        self.draws.append(draws)
        return losses


class Objective(ABC):
    """What a method minimises."""

    decays_all: bool
    """Whether a parameter that no loss reaches decays, as one with a gradient of zero does."""

    @abstractmethod
    def losses(self, learners: Learner, batch: BatchStack, epoch: int, passes: Passes) -> Losses:
        """Return the loss of each batch, differentiable.

        Args:
            learners: As many stacked learners as there are batches.
            batch: Their batches.
            epoch: Number of the epoch.
            passes: Evaluates functions of the learners.
        """

    def check(self, batch: BatchStack) -> None:  # noqa: B027  most batches can be learned from
        """Do nothing for a batch that can be learned from.

        Raises:
            ConfigurationError: It cannot.
        """

    @abstractmethod
    def kind(self, epoch: int) -> Hashable:
        """Return what tells epochs with other passes apart."""

    @abstractmethod
    def counted(self, batch: BatchStack, epoch: int) -> int:
        """Return as how many clips one batch counts in the mean loss of the epoch."""


class SupervisedObjective(Objective):
    """The cross-entropy of ``Supervised`` and of methods that are trained like it."""

    decays_all = False

    def __init__(self, learner: Supervised) -> None:
        self._learner = learner

    def losses(self, learners: Learner, batch: BatchStack, epoch: int, passes: Passes) -> Losses:
        """Return the cross-entropy of each batch."""

        def loss(learner: Supervised, *clips: Clips) -> Tensor:
            return learner.loss(learner.chosen(_batch(*clips), epoch))

        return passes(learners, loss, batch, *batch.parts)

    def kind(self, epoch: int) -> Hashable:
        """Return whether macro-expressions alone are learned from."""
        return epoch < self._learner.macro_epochs

    def counted(self, batch: BatchStack, epoch: int) -> int:
        """Return the number of clips that are learned from."""
        sizes = dict(batch.sizes)
        if epoch < self._learner.macro_epochs:
            return sizes["auxiliary"]
        return sum(sizes.values()) - (sizes.get("auxiliary", 0) if self._learner.clips == "micro" else 0)


class MetaObjective(Objective):
    """Warm start and meta-loss of the methods with an inner loop.

    Args:
        learner: One of the learners.
    """

    decays_all = True

    def __init__(self, learner: InnerLoopLearner) -> None:
        self._learner = learner

    def losses(self, learners: Learner, batch: BatchStack, epoch: int, passes: Passes) -> Losses:
        """Return the loss of each task, as ``EpisodicLearner.training_step`` does."""
        assert isinstance(learners, InnerLoopLearner)
        warm = self._learner.warm_start
        if epoch < warm.epochs:
            return self._warm(learners, batch, passes)
        meta = self._meta(learners, batch, epoch - warm.epochs, passes)
        if not warm.kept_weight:
            return meta
        return (1 - warm.kept_weight) * meta + warm.kept_weight * self._warm(learners, batch, passes)

    def check(self, batch: BatchStack) -> None:
        """Refuse a task that the method refuses."""
        support, auxiliary = (_first(batch, part) for part in ("support", "auxiliary"))
        assert support is not None  # a batch that is no task has been refused by the table
        self._learner.check_task(support, auxiliary)

    def kind(self, epoch: int) -> Hashable:
        """Return whether it is the warm start, and which inner steps' losses count."""
        warm = self._learner.warm_start.epochs
        if epoch < warm or not isinstance(self._learner, MAMLPlusPlus):
            return epoch < warm
        return tuple(weight > 0 for weight in self._learner.step_weights(epoch - warm))

    def counted(self, batch: BatchStack, epoch: int) -> int:
        """Return the number of query clips."""
        return dict(batch.sizes)["query"]

    def _warm(self, learners: InnerLoopLearner, batch: BatchStack, passes: Passes) -> Losses:
        return passes(learners, lambda learner, *clips: learner.warm_loss(_batch(*clips)), batch, *_TASK)

    def _meta(self, learners: InnerLoopLearner, batch: BatchStack, epoch: int, passes: Passes) -> Losses:
        path = inner_path(learners, batch, passes, repeat("support"))
        if not isinstance(learners, MAMLPlusPlus):
            *_, adapted = path
            return passes(adapted, _query_loss, batch, "query")
        next(path)
        losses = [
            weight * passes(adapted, _query_loss, batch, "query")
            for weight, adapted in zip(learners.step_weights(epoch), path, strict=True)
            if weight > 0
        ]
        return torch.stack(losses).sum(0)


class ReptileObjective(MetaObjective):
    """Half the squared distance to where the inner loop leads."""

    def _meta(self, learners: InnerLoopLearner, batch: BatchStack, epoch: int, passes: Passes) -> Losses:
        *_, adapted = inner_path(learners, batch, passes, cycle(["support", "query"]))
        pairs = zip(learners.network.parameters(), adapted.network.parameters(), strict=True)
        return 0.5 * torch.stack([(a - b.detach()).square().flatten(1).sum(1) for a, b in pairs]).sum(0)


def inner_path(
    learners: InnerLoopLearner, batch: BatchStack, passes: Passes, part: Iterator[str]
) -> Iterator[InnerLoopLearner]:
    """Yield copies of the stacked learners, whose networks move on with each inner step; see ``adaptation.maml``.

    Args:
        learners: As many as there are tasks.
        batch: The tasks.
        passes: Evaluates functions of the learners.
        part: Whose clips a step learns from.
    """
    adapted = copy_module(learners, lambda p: p, {}, buffer=lambda b: b)
    seed_dropout(adapted.network, passes.seeds)
    rates = learners.inner_learning_rate
    yield adapted
    for step in range(learners.inner.steps):
        losses = passes(adapted, _inner_loss, batch, next(part), "auxiliary")
        moving = [p for p in learners.inner.moving(adapted.network).parameters() if p.requires_grad]
        its = rates(step) if callable(rates) else [rates] * len(moving)
        gradients = torch.autograd.grad(
            losses.sum(), moving, create_graph=not learners.inner.first_order, allow_unused=True
        )
        replace_parameters(
            adapted.network,
            {
                id(p): p - _for_each(rate, p) * g
                for p, g, rate in zip(moving, gradients, its, strict=True)
                if g is not None
            },
        )
        yield adapted


def make_objective(learner: Learner) -> Objective | None:
    """Return the objective of a learner that can be trained together with others of its kind, or None."""
    if isinstance(learner, Supervised) and type(learner) in (Supervised, FineTuning, LinearProbe):
        return SupervisedObjective(learner)
    if type(learner) is Reptile:
        return ReptileObjective(learner)
    if isinstance(learner, InnerLoopLearner) and type(learner) in (MAML, ANIL, MetaSGD, MAMLPlusPlus, LightmanNet):
        return MetaObjective(learner)
    return None


def _first(batch: BatchStack, part: str) -> Clips | None:
    if part not in batch.parts:
        return None
    return clips_of([None if tensor is None else tensor[0] for tensor in batch.parts[part].tensors()])


def _inner_loss(learner: InnerLoopLearner, support: Clips, auxiliary: Clips | None) -> Tensor:
    return learner.inner_loss(learner.network, support, auxiliary)


def _query_loss(learner: InnerLoopLearner, query: Clips) -> Tensor:
    return F.cross_entropy(learner.network(query.inputs), query.labels)


def _for_each(rate: float | Tensor, parameter: Tensor) -> float | Tensor:
    """Return a rate per network, or per network and weight, so that it multiplies a stacked parameter."""
    if isinstance(rate, float) or rate.ndim == parameter.ndim:
        return rate
    return rate.reshape(-1, *[1] * (parameter.ndim - 1))


def _batch(first: Clips, query: Clips | None = None, auxiliary: Clips | None = None) -> Clips | Episode:
    return first if query is None else Episode(first, query, auxiliary, n_way=0, n_shot=0, index=0)
