"""The vectorized engine: several tasks at once, on copies whose parameters have a leading task dimension."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lightmannet.adaptation.fused import FusedEngine, FusedGroupNorm, FusedSequential, differentiated, zero_padded
from lightmannet.adaptation.fused_ops import normalise
from lightmannet.adaptation.stacked_ops import convolve, together
from lightmannet.episode import Clips, Episode
from lightmannet.networks.copies import Network, copy_module
from lightmannet.networks.stacked import each


@dataclass(frozen=True)
class StackedClips:
    """As many clips of each task.

    Attributes:
        tensors: Inputs, labels, objective classes and action units of all tasks, with a leading task dimension.
        first: The first task's clips, whose names stand for all: nothing is computed from names.
    """

    tensors: tuple[Tensor | None, ...]
    first: Clips

    def one(self, tensors: tuple[Tensor | None, ...]) -> Clips:
        """Return these tensors of one task as clips."""
        inputs, labels, objective_classes, action_units = tensors
        assert inputs is not None
        assert labels is not None
        return Clips(inputs, labels, self.first.subjects, self.first.ids, objective_classes, action_units)


_TENSORS = ("inputs", "labels", "objective_classes", "action_units")


@dataclass(frozen=True)
class StackedEpisode:
    """Tasks of one shape."""

    support: StackedClips
    query: StackedClips
    auxiliary: StackedClips | None

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors, in a fixed order."""
        return [t for each in (self.support, self.query, self.auxiliary) if each for t in each.tensors if t is not None]

    def with_tensors(self, tensors: Sequence[Tensor]) -> "StackedEpisode":
        """Return tasks of the same shape that are made of other ``tensors``."""
        rest = iter(tensors)

        def filled(clips: StackedClips) -> StackedClips:
            return StackedClips(tuple(None if old is None else next(rest) for old in clips.tensors), clips.first)

        return StackedEpisode(*(filled(each) if each else None for each in (self.support, self.query, self.auxiliary)))  # type: ignore[arg-type]


def same_shape(episodes: Sequence[Episode]) -> bool:
    """Return whether tasks can be stacked: as many clips in each set, and the same annotated."""
    return len({tuple(map(_shape, (e.support, e.query, e.auxiliary))) for e in episodes}) == 1


def cannot_be_stacked(error: RuntimeError) -> bool:
    """Return whether an error says that ``torch.vmap`` cannot take a network or a loss."""
    return any(words in str(error) for words in ("vmap", "Batching rule", "batching rule"))


def stack_episodes(episodes: Sequence[Episode]) -> StackedEpisode:
    """Return tasks of one shape, see ``same_shape``, as one."""
    auxiliary = [episode.auxiliary for episode in episodes if episode.auxiliary is not None]
    return StackedEpisode(
        support=_stacked([episode.support for episode in episodes]),
        query=_stacked([episode.query for episode in episodes]),
        auxiliary=_stacked(auxiliary) if auxiliary else None,
    )


class VectorizedEngine(FusedEngine):
    """Every layer and loss sees all tasks in one operation: ``torch.vmap`` over tasks, autograd around it.

    Memory grows with the number of tasks. Any network and loss can be taken whose steps do not depend on the values of
    tensors; a convolution of stride 1, GroupNorm, ReLU and max-pooling have cheaper operations of their own.

    Args:
        tasks: Number of tasks.
    """

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks

    def clone(self, network: Network) -> Network:
        """Return as many copies as there are tasks, stacked; gradients reach the network, summed over tasks."""

        def repeated(tensor: Tensor) -> Tensor:
            return tensor.expand(self.tasks, *tensor.shape)

        return copy_module(network, repeated, {}, buffer=lambda b: repeated(b).clone())

    def adapt(self, moving: nn.Module, loss: Tensor, rates: Any, first_order: bool) -> None:
        """Take one gradient step on each task's copy.

        Args:
            moving: A stacked copy, or a module within.
            loss: One scalar a task; each depends on its own copy alone.
            rates: α.
            first_order: Take the gradients as constants in later derivatives.
        """
        super().adapt(moving, loss.sum(), rates, first_order)

    def each(self, copy: Network, function: Callable[..., Tensor], *clips: Any) -> Tensor:
        """Return ``function(copy, *clips)`` of each task, stacked.

        Args:
            copy: A stacked copy.
            function: As it is for one task.
            *clips: ``StackedClips``, or None.
        """
        tensors = [() if c is None else c.tensors for c in clips]

        def one(network: nn.Module, *shares: tuple[Tensor | None, ...]) -> Tensor:
            mine = [None if c is None else c.one(share) for c, share in zip(clips, shares, strict=True)]
            return function(network, *mine)

        return each(copy, one, *tensors, classes=LAYERS)


class StackedConvolution(nn.Conv2d):
    """``nn.Conv2d`` within ``torch.vmap``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the convolution."""
        plain = self.groups == 1 and self.dilation == (1, 1) and self.stride == (1, 1) and zero_padded(self)
        if not plain or not differentiated(inputs):
            return super().forward(inputs)
        maps = together(lambda x, w: convolve(x, w, self.padding), inputs, self.weight)  # type: ignore[arg-type]
        return maps if self.bias is None else maps + self.bias[:, None, None]


class StackedGroupNorm(FusedGroupNorm):
    """``nn.GroupNorm`` within ``torch.vmap``."""

    def activated(self, inputs: Tensor, slope: float, pool: int) -> Tensor:
        """Return the normalised, activated and pooled maps, see ``fused_ops.normalise``."""

        def all_tasks(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
            tasks, clips = maps.shape[:2]
            weights, biases = (each.repeat_interleave(clips, 0) for each in (weight, bias))
            found = normalise(maps.flatten(0, 1), weights, biases, self.num_groups, self.eps, slope, pool)
            return found.unflatten(0, (tasks, clips))

        return together(all_tasks, inputs, self.weight, self.bias)


LAYERS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: StackedConvolution,
    nn.GroupNorm: StackedGroupNorm,
    nn.Sequential: FusedSequential,
}
"""Layers with cheaper operations within ``torch.vmap``, for ``networks.stacked.each``."""


def _shape(clips: Clips | None) -> tuple[Any, ...]:
    if clips is None:
        return ()
    return tuple(None if (t := getattr(clips, name)) is None else t.shape for name in _TENSORS)


def _stacked(clips: Sequence[Clips]) -> StackedClips:
    columns = ([getattr(each, name) for each in clips] for name in _TENSORS)
    return StackedClips(tuple(None if c[0] is None else torch.stack(c) for c in columns), clips[0])
