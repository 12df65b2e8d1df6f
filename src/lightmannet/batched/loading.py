"""The batches of several runs, update by update."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from data_modules.base import BatchPlan, Key, SubjectDisjointDataModule
from data_modules.recipes import ImagePool, cook
from data_modules.transforms import Augmentation
from lightmannet.batched.batch import BatchStack, ClipStack, stack_batches


class LockStep(Dataset[list[BatchStack]]):
    """The batches of each update, of those runs whose epoch has not ended: a pure function of (epoch, update).

    Batches are recipes where the data modules can write them, see ``data_modules.recipes``; else they are pixels.

    Args:
        modules: Data module of each run, set up for training.
        accumulate: Batches an update.
    """

    def __init__(self, modules: Sequence[SubjectDisjointDataModule], accumulate: int) -> None:
        self._accumulate = accumulate
        self._plans: list[BatchPlan] = [module.training_plan() for module in modules]
        pool = ImagePool()
        recipes = [plan.recipes(pool) for plan in self._plans]
        self._images: Tensor | None = None
        if all(plan is not None for plan in recipes):
            self._plans = [plan for plan in recipes if plan is not None]
            self._images = pool.images()
        self._augmentation: Augmentation | None = getattr(modules[0], "augmentation", None)
        self._kind = modules[0].corpus.kind

    @property
    def updates(self) -> list[int]:
        """Updates an epoch of each run."""
        return [-(-len(plan) // self._accumulate) for plan in self._plans]

    def __getitem__(self, key: Key) -> list[BatchStack]:
        epoch, update = key
        batches = [
            (run, plan[epoch, number])
            for run, plan in enumerate(self._plans)
            for number in range(update * self._accumulate, min((update + 1) * self._accumulate, len(plan)))
        ]
        return stack_batches(batches)  # type: ignore[arg-type]  # plans of training have no trials

    def pixels(self, batch: BatchStack, dtype: torch.dtype) -> BatchStack:
        """Return a batch with its pixels, wherever it lies."""
        return BatchStack(
            batch.runs, batch.tasks, {name: self._cooked(part, dtype) for name, part in batch.parts.items()}
        )

    def _cooked(self, part: ClipStack, dtype: torch.dtype) -> ClipStack:
        inputs = part.inputs
        if self._images is not None:
            if self._images.device != inputs.device:
                self._images = self._images.to(inputs.device)
            inputs = cook(inputs, self._images, self._augmentation, self._kind)
        return ClipStack(inputs.to(dtype), part.labels, part.objective_classes, part.action_units)


def load(data: LockStep, epochs: int, ahead: int) -> Iterator[list[BatchStack]]:
    """Yield the batches of every update of every epoch.

    Args:
        data: What to load.
        epochs: Number of epochs.
        ahead: Processes that draw ahead; 0 draws in this one.
    """
    keys = [(epoch, update) for epoch in range(epochs) for update in range(max(data.updates))]
    loader = DataLoader(data, batch_size=None, sampler=keys, num_workers=ahead, generator=torch.Generator())
    yield from loader
