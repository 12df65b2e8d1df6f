"""How test people are recognised: whose labelled clips a method adapts to before it answers."""

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
        adapt: Adapt to labelled clips first; false asks the network as it was trained, about the same clips.
    """

    adapt: bool = True

    in_tasks: ClassVar[bool]
    """Whether clips are asked about in tasks, so that one may occur in several and each task has classes of its own."""

    @abstractmethod
    def plan(self, training: EpisodeSampler, clips: Clips) -> BatchPlan:
        """Return the clips as batches to recognise.

        Args:
            training: Makes the training tasks; its sizes are those of test tasks, too.
            clips: Clips of the people to recognise.

        Raises:
            DataError: Too few clips or people for a task.
        """

    @abstractmethod
    def tested_ids(self, training: EpisodeSampler, clips: Clips) -> tuple[str, ...]:
        """Return the ids of the clips that are asked about.

        Raises:
            DataError: As ``plan``.
        """


@dataclass(frozen=True)
class TrainingSupport(Evaluation):
    """A test person offers no labels: supports are drawn from the training people, and answers averaged over draws.

    Attributes:
        draws: Support sets that each clip is recognised with, >= 1.
        most_shots: Support clips per class: as many as the rarest class has, but at most so many, >= 1; None takes
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
        """Return the ids of the clips of everybody who shows enough for a task."""
        return training.for_test(clips, self.of, self.separate_subjects).drawn_from


@dataclass(frozen=True)
class UnseenPeople(_InTasks):
    """Some of the test people offer a few labels, and others are recognised; not comparable with ``TrainingSupport``.

    Attributes:
        tasks: Number of tasks, >= 1.
    """

    of = "mixed"
    separate_subjects = True


@dataclass(frozen=True)
class OwnPerson(_InTasks):
    """A test person offers a few labels and is recognised in other clips; not comparable with ``TrainingSupport``.

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
    """One trial a task, with the task's own support; without adapting, the task's queries alone."""

    def __init__(self, sampler: EpisodeSampler, length: int, adapt: bool) -> None:
        self.sampler, self.length, self.adapt = sampler, length, adapt

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Key) -> Clips | Trial:
        episode = self.sampler.episode(0, key[1])
        query = episode.query.select(range(len(episode.query) if key[1] < self.length else 0))
        return Trial((replace(episode, query=query),)) if self.adapt else query
