"""Basic types: clips, episodes (few-shot tasks), trials (clips to recognise) and views of them.

Treat them as immutable; they are not frozen because Lightning sets the fields of copies in double precision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


@dataclass
class Clips:
    """A stack of clips, each an expression of one person.

    Attributes:
        inputs: Images (clip, phase, channel, height, width), float in [-0.5, 0.5]: motion (channels u, v and optical
            strain, as ``data_modules.flow`` defines them), differences or frames; ``data_modules.corpus`` says which.
        labels: Class of each clip, 0 <= label < number of classes.
        subjects: Person of each clip, as ``database/subject``.
        ids: Name of each clip, as ``database/subject/clip``.
        objective_classes: FACS objective class of each clip, 1 to 7 (7: others), 0 where it is not known; None where
            they were not annotated.
        action_units: Which of the FACS action units 1 to 46 each clip shows, unit j in column j - 1; None where they
            were not annotated.

    Raises:
        ValueError: The fields have different numbers of clips.

    Reference: Davison, Merghani, Yap 2018, "Objective Classes for Micro-Facial Expression Recognition", arXiv
    1708.07549, for the objective classes.
    """

    inputs: Float[Tensor, "clip phase channel height width"]
    labels: Int64[Tensor, " clip"]
    subjects: tuple[str, ...]
    ids: tuple[str, ...]
    objective_classes: Int64[Tensor, " clip"] | None = None
    action_units: Bool[Tensor, "clip 46"] | None = None

    def __post_init__(self) -> None:
        parts = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        counts = {name: len(getattr(self, name)) for name in parts}
        if len(set(counts.values())) != 1:
            found = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise ValueError(f"Clips: every field must have one entry per clip, but there are {found}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def databases(self) -> tuple[str, ...]:
        """Database of each clip: the first part of its id."""
        return tuple(clip.split("/", 1)[0] for clip in self.ids)

    def select(self, indices: Sequence[int]) -> "Clips":
        """Return the clips at ``indices``, in that order (a copy)."""
        index = torch.as_tensor(list(indices), dtype=torch.int64, device=self.labels.device)
        subjects, ids = tuple(self.subjects[i] for i in indices), tuple(self.ids[i] for i in indices)
        return self._changed(lambda tensor: tensor[index], subjects, ids)

    def to(self, device: torch.device | str) -> "Clips":
        """Return the same clips on ``device``; Lightning calls it to move a batch."""
        return self._changed(lambda tensor: tensor.to(device), self.subjects, self.ids)

    def pin_memory(self) -> "Clips":
        """Return the same clips in page-locked memory; a DataLoader calls it."""
        return self._changed(lambda tensor: tensor.pin_memory(), self.subjects, self.ids)

    def _changed(self, change: Callable[[Tensor], Tensor], subjects: tuple[str, ...], ids: tuple[str, ...]) -> "Clips":
        """Return these clips with ``change`` applied to every tensor, and with other names."""
        return Clips(
            inputs=change(self.inputs),
            labels=change(self.labels),
            subjects=subjects,
            ids=ids,
            objective_classes=None if self.objective_classes is None else change(self.objective_classes),
            action_units=None if self.action_units is None else change(self.action_units),
        )


def concatenate(first: Clips, second: Clips) -> Clips:
    """Return the clips of ``first`` followed by those of ``second``; annotations that one of them lacks are dropped."""
    return Clips(
        inputs=torch.cat([first.inputs, second.inputs]),
        labels=torch.cat([first.labels, second.labels]),
        subjects=first.subjects + second.subjects,
        ids=first.ids + second.ids,
        objective_classes=_joined(first.objective_classes, second.objective_classes),
        action_units=_joined(first.action_units, second.action_units),
    )


def _joined(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return None if first is None or second is None else torch.cat([first, second])


@dataclass
class Episode:
    """One few-shot task: learn from ``support`` (and ``auxiliary``), answer for ``query``.

    Attributes:
        support: D^s, labelled micro-expression clips, ``n_way * n_shot`` of them.
        query: D^q, micro-expression clips, by default of other people than the support.
        auxiliary: D^aux, macro-expression clips, or None for methods without an auxiliary branch.
        n_way: Number of classes in the task.
        n_shot: Support clips per class.
        index: Number of the task within its epoch (or of the draw within a trial).
    """

    support: Clips
    query: Clips
    auxiliary: Clips | None
    n_way: int
    n_shot: int
    index: int

    def to(self, device: torch.device | str) -> "Episode":
        """Return the same episode on ``device``."""
        auxiliary = None if self.auxiliary is None else self.auxiliary.to(device)
        return replace(self, support=self.support.to(device), query=self.query.to(device), auxiliary=auxiliary)

    def pin_memory(self) -> "Episode":
        """Return the same episode in page-locked memory."""
        auxiliary = None if self.auxiliary is None else self.auxiliary.pin_memory()
        return replace(self, support=self.support.pin_memory(), query=self.query.pin_memory(), auxiliary=auxiliary)


@dataclass
class MetaBatch:
    """Tasks that are learned from in one step; their losses are averaged."""

    episodes: tuple[Episode, ...]

    def to(self, device: torch.device | str) -> "MetaBatch":
        """Return the same tasks on ``device``."""
        return replace(self, episodes=tuple(episode.to(device) for episode in self.episodes))

    def pin_memory(self) -> "MetaBatch":
        """Return the same tasks in page-locked memory."""
        return replace(self, episodes=tuple(episode.pin_memory() for episode in self.episodes))


@dataclass
class Trial:
    """Clips to recognise, with several draws of support clips to adapt on; the answers are averaged over the draws.

    Attributes:
        episodes: One episode a draw; all share the same query clips.
    """

    episodes: tuple[Episode, ...]

    @property
    def query(self) -> Clips:
        """The clips to recognise."""
        return self.episodes[0].query

    def to(self, device: torch.device | str) -> "Trial":
        """Return the same trial on ``device``."""
        return replace(self, episodes=tuple(episode.to(device) for episode in self.episodes))

    def pin_memory(self) -> "Trial":
        """Return the same trial in page-locked memory."""
        return replace(self, episodes=tuple(episode.pin_memory() for episode in self.episodes))


@dataclass
class Views:
    """Clips to recognise that are seen in several ways, e.g. as they are and mirrored; their answers are averaged.

    Attributes:
        batch: The clips as they are, followed by the same clips, in the same order, as they look in each other way.
        count: Number of ways.
    """

    batch: Clips | Trial
    count: int

    @property
    def query(self) -> Clips:
        """The clips to recognise, as they are."""
        clips = self.batch if isinstance(self.batch, Clips) else self.batch.query
        return clips.select(range(len(clips) // self.count))

    def to(self, device: torch.device | str) -> "Views":
        """Return the same views on ``device``."""
        return replace(self, batch=self.batch.to(device))

    def pin_memory(self) -> "Views":
        """Return the same views in page-locked memory."""
        return replace(self, batch=self.batch.pin_memory())


def without_views(batch: Clips | Trial | Views) -> Clips | Trial:
    """Return a batch to recognise with all its views as clips of their own; one without views stays as it is."""
    return batch.batch if isinstance(batch, Views) else batch
