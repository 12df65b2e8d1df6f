"""Batches of several runs, one on top of the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from lightmannet.episode import Clips, Episode, MetaBatch


@dataclass(frozen=True)
class ClipStack:
    """As many clips of each of several batches; the fields are those of ``Clips`` without the names."""

    inputs: Float[Tensor, "batch clip phase channel height width"]
    labels: Int64[Tensor, "batch clip"]
    objective_classes: Int64[Tensor, "batch clip"] | None
    action_units: Bool[Tensor, "batch clip 46"] | None

    def tensors(self) -> tuple[Tensor | None, ...]:
        """Return the fields, which ``clips_of`` takes batch by batch."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class BatchStack:
    """Batches of the same sizes, of plain clips or of tasks.

    Attributes:
        runs: Number of the run of each batch, ascending.
        tasks: Number of each task within its epoch; 0 for plain clips.
        parts: ``clips``; or ``support``, ``query`` and, where tasks have it, ``auxiliary``.
    """

    runs: tuple[int, ...]
    tasks: tuple[int, ...]
    parts: dict[str, ClipStack]

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """Number of clips of each part."""
        return tuple((name, part.labels.shape[1]) for name, part in self.parts.items())

    def __getitem__(self, chosen: slice) -> "BatchStack":
        return BatchStack(
            self.runs[chosen], self.tasks[chosen], _each_tensor(self.parts, lambda tensor: tensor[chosen])
        )

    def to(self, device: torch.device) -> "BatchStack":
        """Return the same batches on ``device``."""
        return BatchStack(
            self.runs, self.tasks, _each_tensor(self.parts, lambda tensor: tensor.to(device, non_blocking=True))
        )


def stack_batches(batches: Sequence[tuple[int, Clips | Episode | MetaBatch]]) -> list[BatchStack]:
    """Return pairs of (run, batch) stacked by their sizes; several tasks of a step count as so many batches."""
    groups: dict[tuple[tuple[str, int], ...], list[tuple[int, int, dict[str, Clips]]]] = {}
    for run, batch in batches:
        for one in batch.episodes if isinstance(batch, MetaBatch) else (batch,):
            parts, task = _parts(one), one.index if isinstance(one, Episode) else 0
            sizes = tuple((name, len(clips)) for name, clips in parts.items())
            groups.setdefault(sizes, []).append((run, task, parts))
    return [
        BatchStack(
            runs=tuple(run for run, _, _ in group),
            tasks=tuple(task for _, task, _ in group),
            parts={name: _stacked([parts[name] for _, _, parts in group]) for name in group[0][2]},
        )
        for group in groups.values()
    ]


def clips_of(tensors: Sequence[Tensor | None]) -> Clips:
    """Return one batch's share of a ``ClipStack`` as clips without names."""
    inputs, labels, objective_classes, action_units = tensors
    assert inputs is not None
    assert labels is not None
    names = ("",) * len(labels)
    return Clips(inputs, labels, names, names, objective_classes, action_units)


def _parts(batch: Clips | Episode) -> dict[str, Clips]:
    if isinstance(batch, Clips):
        return {"clips": batch}
    parts = {"support": batch.support, "query": batch.query}
    return parts if batch.auxiliary is None else {**parts, "auxiliary": batch.auxiliary}


def _stacked(clips: Sequence[Clips]) -> ClipStack:
    def stack(name: str) -> Tensor | None:
        tensors = [getattr(its, name) for its in clips]
        return None if any(tensor is None for tensor in tensors) else torch.stack(tensors)

    names = [field.name for field in fields(ClipStack)]
    return ClipStack(**{name: stack(name) for name in names})  # type: ignore[arg-type]


def _each_tensor(parts: dict[str, ClipStack], change: Callable[[Tensor], Tensor]) -> dict[str, ClipStack]:
    return {
        name: ClipStack(*(None if tensor is None else change(tensor) for tensor in part.tensors()))  # type: ignore[arg-type]
        for name, part in parts.items()
    }
