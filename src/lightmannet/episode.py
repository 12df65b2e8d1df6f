"""The vocabulary of the house: clips, episodes (few-shot tasks) and trials (clips to recognise)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Clips:
    """A stack of clips, each an expression of one person.

    Attributes:
        inputs: Motion images (clip, phase, channel, height, width), float; channels are u, v and optical strain,
            in [-0.5, 0.5] as ``data_modules.flow`` defines them.
        labels: Class of each clip, 0 <= label < number of classes.
        subjects: Person of each clip, as ``database/subject``.
        ids: Name of each clip, as ``database/subject/clip``.

    Raises:
        ValueError: The four disagree about the number of clips.
    """

    inputs: Float[Tensor, "clip phase channel height width"]
    labels: Int64[Tensor, " clip"]
    subjects: tuple[str, ...]
    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = {len(self.inputs), len(self.labels), len(self.subjects), len(self.ids)}
        if len(counts) != 1:
            raise ValueError(
                f"Clips disagree about their number: {len(self.inputs)} inputs, {len(self.labels)} labels, "
                f"{len(self.subjects)} subjects, {len(self.ids)} ids"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def databases(self) -> tuple[str, ...]:
        """Database of each clip: the first part of its id."""
        return tuple(clip.split("/", 1)[0] for clip in self.ids)

    def select(self, indices: Sequence[int]) -> "Clips":
        """Return the clips at ``indices``, in that order (a copy)."""
        index = torch.as_tensor(list(indices), dtype=torch.int64, device=self.labels.device)
        return replace(
            self,
            inputs=self.inputs[index],
            labels=self.labels[index],
            subjects=tuple(self.subjects[i] for i in indices),
            ids=tuple(self.ids[i] for i in indices),
        )

    def to(self, device: torch.device | str) -> "Clips":
        """Return the same clips on ``device``; Lightning calls it to move a batch."""
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))

    def pin_memory(self) -> "Clips":
        """Return the same clips in page-locked memory; a DataLoader calls it."""
        return replace(self, inputs=self.inputs.pin_memory(), labels=self.labels.pin_memory())


def concatenate(first: Clips, second: Clips) -> Clips:
    """Return the clips of ``first`` followed by those of ``second``."""
    return Clips(
        inputs=torch.cat([first.inputs, second.inputs]),
        labels=torch.cat([first.labels, second.labels]),
        subjects=first.subjects + second.subjects,
        ids=first.ids + second.ids,
    )


@dataclass(frozen=True)
class Episode:
    """One few-shot task: learn from ``support`` (and ``auxiliary``), answer for ``query``.

    Attributes:
        support: D^s, labelled micro-expression clips, ``n_way * n_shot`` of them.
        query: D^q, micro-expression clips, by default of other people than the support.
        auxiliary: D^aux, macro-expression clips, or None for methods without an auxiliary branch.
        n_way: Number of classes in the task.
        n_shot: Support clips a class.
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


@dataclass(frozen=True)
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
