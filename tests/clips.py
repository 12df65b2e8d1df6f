"""Generated clips for tests: noise with a class-dependent patch, no faces."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from data_modules.corpus import CLASSES, Corpus, CorpusSource, InputKind
from data_modules.synthetic.images import SCALING
from lightmannet.episode import Clips, Episode


def make_clips(
    count: int, seed: int = 0, size: int = 28, subjects: int = 6, phases: int = 1, database: str = "made"
) -> Clips:
    """Return ``count`` clips of classes 0, 1, 2 in turn, shown by ``subjects`` people who each show all classes."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.rand(count, phases, 3, size, size, generator=generator) - 0.5
    labels = torch.arange(count) % 3
    third = size // 3
    for clip, label in enumerate(labels.tolist()):
        # The class shows as strong motion in one third of the image.
        inputs[clip, ..., label * third : (label + 1) * third, :] = 0.4
    people = tuple(f"{database}/p{(clip // 3) % subjects:02d}" for clip in range(count))
    return Clips(inputs, labels, people, tuple(f"{person}/c{clip:03d}" for clip, person in enumerate(people)))


def make_episode(size: int = 28, seed: int = 0, auxiliary: bool = True) -> Episode:
    """Return a 3-way 2-shot task with 3 query clips and 6 auxiliary ones."""
    return Episode(
        support=make_clips(6, seed, size),
        query=make_clips(3, seed + 1, size),
        auxiliary=make_clips(6, seed + 2, size, database="macro") if auxiliary else None,
        n_way=3,
        n_shot=2,
        index=0,
    )


class MadeCorpus(CorpusSource):
    """A corpus of generated clips.

    Args:
        clips: Number of micro-expression clips.
        subjects: Number of people.
        macro: With macro-expressions of other people.
        phases: Images per clip.
        size: Height and width of an image.
        kind: What the images are said to show.
    """

    def __init__(
        self,
        clips: int = 72,
        subjects: int = 8,
        macro: bool = True,
        phases: int = 1,
        size: int = 28,
        kind: InputKind = "motion",
    ) -> None:
        self.clips, self.subjects, self.macro, self.phases, self.size = clips, subjects, macro, phases, size
        self.kind = kind

    def load(self) -> Corpus:
        """Return the clips."""
        return Corpus(
            name="made",
            classes=CLASSES,
            micro=make_clips(self.clips, size=self.size, subjects=self.subjects, phases=self.phases),
            macro=make_clips(30, 9, self.size, phases=self.phases, database="macro") if self.macro else None,
            scaling=SCALING,
            synthetic=True,
            kind=self.kind,
        )


def clips_of(people: Sequence[tuple[int, int]]) -> Clips:
    """Return one black pixel a clip for pairs of (person, class): what matters is who shows what."""
    subjects = tuple(f"made/p{person:02d}" for person, _ in people)
    return Clips(
        inputs=torch.zeros(len(people), 1, 3, 1, 1),
        labels=torch.tensor([label for _, label in people], dtype=torch.int64),
        subjects=subjects,
        ids=tuple(f"{subject}/c{clip:03d}" for clip, subject in enumerate(subjects)),
    )


def same(first: Clips | None, second: Clips | None) -> bool:
    """Return whether the two are the same clips, to the last bit."""
    if first is None or second is None:
        return first is second
    return (
        first.ids == second.ids
        and first.subjects == second.subjects
        and torch.equal(first.labels, second.labels)
        and torch.equal(first.inputs, second.inputs)
        and _equal(first.objective_classes, second.objective_classes)
        and _equal(first.action_units, second.action_units)
    )


def _equal(first: torch.Tensor | None, second: torch.Tensor | None) -> bool:
    return first is second if first is None or second is None else torch.equal(first, second)


def annotated(clips: Clips, seed: int = 0) -> Clips:
    """Return the clips with generated annotations: objective classes 0 to 7 in turn, units at random, at least one."""
    generator = torch.Generator().manual_seed(seed)
    units = torch.rand(len(clips), 46, generator=generator) < 0.1
    units[torch.arange(len(clips)), clips.labels] = True
    return replace(clips, objective_classes=torch.arange(len(clips)) % 8, action_units=units)
