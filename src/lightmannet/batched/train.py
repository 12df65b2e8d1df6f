"""Train several runs at once, each as it would be trained alone."""

import math
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from data_modules.base import SubjectDisjointDataModule
from lightmannet.batched.adamw import StackedAdamW
from lightmannet.batched.batch import BatchStack
from lightmannet.batched.dropout import Draw, MaskStreams
from lightmannet.batched.layers import one_at_a_time
from lightmannet.batched.loading import LockStep, load
from lightmannet.batched.objective import Objective, Passes
from lightmannet.learners.base import Learner
from lightmannet.learners.inner_loop import InnerLoopLearner, dropout_seed
from lightmannet.networks.copies import copy_module
from lightmannet.networks.stacked import stack

# A few batches are computed first to see how much memory each takes.
_PROBED, _SHARE_OF_MEMORY = 4, 0.7


@dataclass
class Run:
    """A run that is trained beside others.

    Attributes:
        learner: What learns; its parameters are those of the start, and after training those of the end.
        data: Its data module, set up for training.
        random_state: State of torch's generator when training begins, from which dropout is drawn.
        losses: Mean loss of each epoch, filled in training.
        micro: Micro-expressions drawn in training, as ``table.costs.DrawnClips`` counts them.
        macro: Macro-expressions drawn as D^aux.
    """

    learner: Learner
    data: SubjectDisjointDataModule
    random_state: Tensor
    losses: list[float] = field(default_factory=list)
    micro: int = 0
    macro: int = 0


@dataclass(frozen=True)
class Training:
    """How long and where.

    Attributes:
        epochs: Epochs of each run.
        accumulate: Batches an update.
        cosine: Step sizes fall to 0 along half a cosine, as ``callbacks.Schedule`` does it.
        device: Where.
        at_once: Batches that a GPU computes at once; None takes as many as its memory holds. A CPU takes one.
        ahead: Processes that draw batches ahead.
    """

    epochs: int
    accumulate: int
    cosine: bool
    device: torch.device
    at_once: int | None
    ahead: int = 0


def train(
    runs: Sequence[Run], objective: Objective, training: Training, after_epoch: Callable[[int], None] | None = None
) -> None:
    """Train the runs; their learners have the weights of the last epoch then, and the epochs' losses are kept.

    Args:
        runs: At least one; they differ in their data and start alone.
        objective: What they minimise.
        training: How.
        after_epoch: Called after each epoch with its number; the learners have the weights of that moment.
    """
    _Together(runs, objective, training).train(after_epoch)


class _Together:
    def __init__(self, runs: Sequence[Run], objective: Objective, training: Training) -> None:
        self.runs, self.objective, self.training = runs, objective, training
        self.data = LockStep([run.data for run in runs], training.accumulate)
        self.learners = stack([run.learner.train() for run in runs]).to(training.device)
        for metric in ("scores", "mean_loss"):
            self.learners._modules.pop(metric)  # nothing is scored here, and copies are cheaper without
        self.dtype = next(self.learners.parameters()).dtype
        found: Any = self.learners.configure_optimizers()
        self.schedule: Any = found["lr_scheduler"] if isinstance(found, dict) else None
        optimizer = found["optimizer"] if isinstance(found, dict) else found
        assert isinstance(optimizer, torch.optim.AdamW)
        self.adamw = StackedAdamW(optimizer, len(runs))
        self.updates = torch.tensor(self.data.updates, device=training.device)
        self.streams = MaskStreams([run.random_state for run in runs])
        self.seeds = [torch.Generator().set_state(run.random_state).initial_seed() for run in runs]
        self.divisor = training.accumulate * getattr(runs[0].data, "tasks_per_step", 1)
        self.needs: dict[Hashable, list[list[Draw]]] = {}
        self.fitting: dict[Hashable, int] = {}

    def train(self, after_epoch: Callable[[int], None] | None) -> None:
        """Take all updates."""
        learners = self.learners
        precision = learners.inner_precision() if isinstance(learners, InnerLoopLearner) else nullcontext()
        with precision:
            self._train(after_epoch)

    def _train(self, after_epoch: Callable[[int], None] | None) -> None:
        loaded = load(self.data, self.training.epochs, self.training.ahead)
        for epoch in range(self.training.epochs):
            sums = torch.zeros(len(self.runs), dtype=torch.float64, device=self.training.device)
            counts = torch.zeros(len(self.runs), dtype=torch.float64)
            for _ in range(max(self.data.updates)):
                self._update(next(loaded), epoch, sums, counts)
            for run, loss in zip(self.runs, (sums.cpu() / counts).tolist(), strict=True):
                run.losses.append(loss)
            if self.schedule is not None:
                self.schedule.step()
            if after_epoch is not None:
                self._write_back()
                after_epoch(epoch)
        self._write_back()

    def _update(self, batches: list[BatchStack], epoch: int, sums: Tensor, counts: Tensor) -> None:
        masks = self._masks(batches, epoch)
        gradients: dict[int, Tensor] = {}
        for batch, its in zip(batches, masks, strict=True):
            counted = self.objective.counted(batch, epoch)
            self._count(batch, counted, counts)
            at_once = self._at_once(batch, its, epoch)
            for start in range(0, len(batch.runs), at_once):
                share = slice(start, start + at_once)
                losses = self._add_gradients(batch[share], its.of(share), epoch, gradients)
                runs = torch.tensor(batch.runs[share], device=self.training.device)
                sums.index_add_(0, runs, losses.double() * counted)
        active = {run for batch in batches for run in batch.runs}
        taking_part = None
        if len(active) < len(self.runs):
            taking_part = torch.tensor([run in active for run in range(len(self.runs))], device=self.training.device)
        if self.objective.decays_all:
            for parameter in self.learners.parameters():
                if parameter.requires_grad:
                    gradients.setdefault(id(parameter), torch.zeros_like(parameter))
        factors = None
        if self.training.cosine:
            factors = (1 + torch.cos(math.pi * self.adamw.updates / (self.updates * self.training.epochs))) / 2
        self.adamw.step(gradients, taking_part, factors)

    def _add_gradients(
        self, batch: BatchStack, masks: list[list[Tensor]], epoch: int, gradients: dict[int, Tensor]
    ) -> Tensor:
        """Add up the gradient of each run by id of the stacked parameter, and return the loss of each batch."""
        device, total = self.training.device, len(self.runs)
        batch = self.data.pixels(batch.to(device), self.dtype)
        own = sorted(set(batch.runs))
        rows = torch.tensor(own, device=device)
        mine = copy_module(
            self.learners,
            lambda p: (p.detach() if len(own) == total else p.detach()[rows]).requires_grad_(p.requires_grad),
            {},
            buffer=lambda b: b[rows],
        )
        learners = mine
        if list(batch.runs) != own:
            places = {run: place for place, run in enumerate(own)}
            local = torch.tensor([places[run] for run in batch.runs], device=device)
            learners = copy_module(
                mine, lambda p: p.index_select(0, local), {}, buffer=lambda b: b.index_select(0, local)
            )
        losses = self.objective.losses(learners, batch, epoch, Passes(masks, self._seeds(batch, epoch)))
        pairs = [(p, q) for p, q in zip(self.learners.parameters(), mine.parameters(), strict=True) if q.requires_grad]
        found = torch.autograd.grad(losses.sum() / self.divisor, [q for _, q in pairs], allow_unused=True)
        for (parameter, _), gradient in zip(pairs, found, strict=True):
            if gradient is not None:
                if id(parameter) not in gradients and len(own) == total:
                    gradients[id(parameter)] = gradient
                else:
                    whole = gradients.setdefault(id(parameter), torch.zeros_like(parameter))
                    whole.index_add_(0, rows, gradient)
        for buffer, changed in zip(self.learners.buffers(), mine.buffers(), strict=True):
            buffer[rows] = changed
        return losses.detach()

    def _at_once(self, batch: BatchStack, masks: "_Masks", epoch: int) -> int:
        """Return how many batches a GPU computes at once: as configured, or as many as its memory holds."""
        if one_at_a_time(self.training.device):
            return 1
        if self.training.at_once is not None:
            return self.training.at_once
        key = (batch.sizes, self.objective.kind(epoch))
        if key not in self.fitting:
            probe, device = slice(0, _PROBED), self.training.device
            before = [buffer.clone() for buffer in self.learners.buffers()]
            torch.cuda.reset_peak_memory_stats(device)
            start = torch.cuda.memory_allocated(device)
            self._add_gradients(batch[probe], masks.of(probe), epoch, {})
            each = (torch.cuda.max_memory_allocated(device) - start) / len(batch.runs[probe])
            for buffer, old in zip(self.learners.buffers(), before, strict=True):
                buffer.copy_(old)
            torch.cuda.empty_cache()
            free = torch.cuda.mem_get_info(device)[0] - sum(p.nbytes for p in self.learners.parameters())
            self.fitting[key] = max(1, min(len(batch.runs), int(_SHARE_OF_MEMORY * free / max(each, 1))))
        return self.fitting[key]

    def _seeds(self, batch: BatchStack, epoch: int) -> Tensor:
        """Return the seed of the dropout masks within each task's inner loop."""
        pairs = [(self.seeds[run], task) for run, task in zip(batch.runs, batch.tasks, strict=True)]
        # Folds of one seed share them.
        found = {pair: dropout_seed(epoch, pair[1], pair[0]) for pair in set(pairs)}
        return torch.tensor([found[pair] for pair in pairs], device=self.training.device)

    def _masks(self, batches: list[BatchStack], epoch: int) -> list["_Masks"]:
        """Draw the dropout masks of all runs, in the order in which each would draw them alone."""
        needs = [self._needs(batch, epoch) for batch in batches]
        wanted: dict[int, list[Draw]] = {}
        for batch, need in zip(batches, needs, strict=True):
            for run in batch.runs:
                wanted.setdefault(run, []).extend(draw for its in need for draw in its)
        drawn = {
            run: iter(masks)
            for run, masks in zip(wanted, self.streams.draw(list(wanted), list(wanted.values())), strict=True)
        }
        return [
            _Masks([[[next(drawn[run]) for _ in its] for its in need] for run in batch.runs], self.training.device)
            for batch, need in zip(batches, needs, strict=True)
        ]

    def _needs(self, batch: BatchStack, epoch: int) -> list[list[Draw]]:
        """Return the masks that each pass over one of these batches needs."""
        key = (batch.sizes, self.objective.kind(epoch))
        if key not in self.needs:
            passes = Passes(None, self._seeds(batch[:1], epoch))
            self.objective.check(batch[:1])
            one = self.data.pixels(batch[:1].to(self.training.device), self.dtype)
            first = copy_module(
                self.learners,
                lambda p: p.detach()[:1].requires_grad_(p.requires_grad),
                {},
                buffer=lambda b: b[:1].clone(),
            )
            self.objective.losses(first, one, epoch, passes)
            self.needs[key] = passes.draws
        return self.needs[key]

    def _count(self, batch: BatchStack, counted: int, counts: Tensor) -> None:
        sizes = dict(batch.sizes)
        macro = sizes.get("auxiliary", 0)
        for number in batch.runs:
            counts[number] += counted
            self.runs[number].macro += macro
            self.runs[number].micro += sum(sizes.values()) - macro

    @torch.no_grad()
    def _write_back(self) -> None:
        for number, run in enumerate(self.runs):
            for tensors in ("parameters", "buffers"):
                pairs = zip(getattr(run.learner, tensors)(), getattr(self.learners, tensors)(), strict=True)
                for own, stacked in pairs:
                    own.copy_(stacked[number])


class _Masks:
    """The masks of a stack of batches: those that are the same for several runs are moved once.

    Args:
        masks: By batch, pass and place in the pass.
        device: Where they are needed.
    """

    def __init__(self, masks: list[list[list[Tensor]]], device: torch.device) -> None:
        self._passes: list[list[tuple[Tensor, Tensor]]] = []
        for column in zip(*masks, strict=True):
            places = []
            for same_place in zip(*column, strict=True):
                unique = {id(mask): mask for mask in same_place}
                number = {key: place for place, key in enumerate(unique)}
                index = torch.tensor([number[id(mask)] for mask in same_place], device=device)
                places.append((torch.stack(list(unique.values())).to(device), index))
            self._passes.append(places)

    def of(self, share: slice) -> list[list[Tensor]]:
        """Return the masks of some of the batches, by pass."""
        return [[unique[index[share]] for unique, index in places] for places in self._passes]
