"""How test people are recognised: which labelled clips a method adapts to first."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from data_modules.base import BatchPlan, InOrder, Key, require_positive
from data_modules.episodes import EpisodeSampler, Tasks
from lightmannet.episode import Clips, Trial

_QUERIES_AT_ONCE = 256


@dataclass(frozen=True)
class Evaluation(ABC):
    """A way to recognise test people.

    Attributes:
        adapt: Adapt to labelled clips first; false uses the trained network on the same clips without adapting.
    """

    adapt: bool = True

    in_tasks: ClassVar[bool]
    """Whether clips are recognised in tasks: a clip may occur in several, and each task has its own classes."""

    @abstractmethod
    def plan(self, training: EpisodeSampler, clips: Clips) -> BatchPlan:
        """Return the clips as batches to recognise.

        Args:
            training: Sampler of the training tasks; test tasks have the same sizes.
            clips: Clips of the people to recognise.

        Raises:
            DataError: Too few clips or people for a task.
        """

    @abstractmethod
    def tested_ids(self, training: EpisodeSampler, clips: Clips) -> tuple[str, ...]:
        """Return the ids of the clips to recognise.

        Raises:
            DataError: As ``plan``.
        """


@dataclass(frozen=True)
class TrainingSupport(Evaluation):
    """No labels of the test person: supports are drawn from training people, and probabilities averaged over draws.

    Attributes:
        draws: Support sets that each clip is recognised with, >= 1.
        most_shots: Support clips per class: as many as the rarest class has, but at most this many, >= 1; None takes
            those of training tasks.

    Raises:
        ConfigurationError: draws or most_shots is below 1.
    """

    draws: int = 8
    most_shots: int | None = None

    in_tasks = False

    def __post_init__(self) -> None:
        require_positive({"draws": self.draws, "most_shots": 1 if self.most_shots is None else self.most_shots})

    def plan(self, training: EpisodeSampler, clips: Clips) -> BatchPlan:
        """Return all clips, in their order."""
        queries = InOrder(clips, _QUERIES_AT_ONCE)
        return _Trials(training, queries, self.draws, self.most_shots) if self.adapt else queries

    def tested_ids(self, training: EpisodeSampler, clips: Clips) -> tuple[str, ...]:
        """Return the ids of all clips."""
        return clips.ids


@dataclass(frozen=True)
class _InTasks(Evaluation):
    """Test tasks as large as those of training, the same for every method and seed.

    Attributes:
        tasks: Number of tasks, >= 1.

    Raises:
        ConfigurationError: tasks is below 1.
    """

    tasks: int = 600

    in_tasks = True
    of: ClassVar[Tasks]
    separate_subjects: ClassVar[bool]

    def __post_init__(self) -> None:
        require_positive({"tasks": self.tasks})

    def plan(self, training: EpisodeSampler, clips: Clips) -> BatchPlan:
        """Return the tasks."""
        return _TestTasks(training.for_test(clips, self.of, self.separate_subjects), self.tasks, self.adapt)

    def tested_ids(self, training: EpisodeSampler, clips: Clips) -> tuple[str, ...]:
        """Return the ids of the clips of all people with enough clips for a task."""
        return training.for_test(clips, self.of, self.separate_subjects).drawn_from


@dataclass(frozen=True)
class UnseenPeople(_InTasks):
    """Some test people provide a few labelled clips, others are recognised; not comparable with ``TrainingSupport``.

    Attributes:
        tasks: Number of tasks, >= 1.
    """

    of = "mixed"
    separate_subjects = True


@dataclass(frozen=True)
class OwnPerson(_InTasks):
    """A test person provides a few labelled clips and is recognised in others; not comparable with ``TrainingSupport``.

    Attributes:
        tasks: Number of tasks, >= 1.
    """

    of = "per_subject"
    separate_subjects = False


class _Trials(BatchPlan):
    def __init__(self, sampler: EpisodeSampler, queries: InOrder, draws: int, most_shots: int | None) -> None:
        self.sampler, self.queries, self.draws, self.most_shots = sampler, queries, draws, most_shots

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, key: Key) -> Trial:
        query = self.queries[key]
        return Trial(tuple(self.sampler.draw(query, index, self.most_shots) for index in range(self.draws)))


class _TestTasks(BatchPlan):
    """One trial per task, with the task's own support; without adapting, only the task's queries."""

    def __init__(self, sampler: EpisodeSampler, length: int, adapt: bool) -> None:
        self.sampler, self.length, self.adapt = sampler, length, adapt

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Key) -> Clips | Trial:
        episode = self.sampler.episode(0, key[1])
        query = episode.query.select(range(len(episode.query) if key[1] < self.length else 0))
        return Trial((replace(episode, query=query),)) if self.adapt else query
