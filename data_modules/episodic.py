"""Few-shot tasks for methods that learn to learn."""

from dataclasses import replace
from typing import Literal, get_args

from data_modules.auxiliary import Auxiliary, auxiliary_clips
from data_modules.base import BatchPlan, InOrder, Key, SubjectDisjointDataModule, require_positive
from data_modules.corpus import Corpus, CorpusSource, InputKind
from data_modules.corruption import Corruption
from data_modules.episodes import EpisodeSampler, Tasks
from data_modules.protocols import Protocol, select_subjects
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode, Trial
from lightmannet.errors import ConfigurationError

Evaluation = Literal["training_support", "unseen_people", "own_person"]

_QUERIES_AT_ONCE = 256


class EpisodicDataModule(SubjectDisjointDataModule):
    """Training tasks drawn from the training people, and trials in which each test clip meets several support sets.

    Unless ``evaluation`` says otherwise, a test person offers no labels: supports are drawn from the training people,
    the network adapts to each draw, and the probabilities are averaged.

    Args:
        corpus: Reader or generator of the clips.
        protocol: How people are divided.
        fold: Number of the fold to test.
        validation_fraction: Share of the training clips whose people are set aside for validation, in [0, 1).
        n_way: Classes a task.
        n_shot: Support clips a class.
        n_query: Query clips a class.
        episodes_per_epoch: Tasks an epoch, over all devices.
        separate_subjects: Support and query of a training task show different people.
        auxiliary: Where the macro-expressions of D^aux come from, see ``data_modules.auxiliary``; two of the choices
            are declared stand-ins.
        n_auxiliary: Auxiliary clips a class.
        magnification: Factor of ``auxiliary: magnified``.
        augmentation: Random changes of the training tasks' clips, or None.
        draws: Support draws a test clip is recognised with.
        seed: Seed of everything drawn.
        num_workers: Processes that make tasks; 0 makes them in the training process.
        tasks: Whose clips make a training task: anybody's (``mixed``), those of one database (``per_database``) or of
            one person (``per_subject``, which needs ``separate_subjects: false`` and answers another question); see
            ``EpisodeSampler``.
        corruption: What is made worse on purpose; by default nothing.
        evaluation: Who offers labels when test people are recognised. ``training_support``: people of the training
            side alone. ``unseen_people``: some of the test people, in tasks like those of training, so that a few
            labels of strangers are given. ``own_person``: the same test person, whose other clips are recognised. The
            second and third answer other questions and are not comparable with the first.
        test_tasks: Tasks of the second and third kind, the same for every method and seed.

    Raises:
        ConfigurationError: One of the counts is not positive, or there is no such evaluation.
    """

    def __init__(
        self,
        corpus: CorpusSource,
        protocol: Protocol,
        fold: int = 0,
        validation_fraction: float = 0.0,
        n_way: int = 3,
        n_shot: int = 5,
        n_query: int = 5,
        episodes_per_epoch: int = 100,
        separate_subjects: bool = True,
        auxiliary: Auxiliary = "none",
        n_auxiliary: int = 5,
        magnification: float = 4.0,
        augmentation: Augmentation | None = Augmentation(),
        draws: int = 8,
        seed: int = 0,
        num_workers: int = 0,
        tasks: Tasks = "mixed",
        corruption: Corruption = Corruption(),
        evaluation: Evaluation = "training_support",
        test_tasks: int = 600,
    ) -> None:
        super().__init__(corpus, protocol, fold, validation_fraction, seed, num_workers, corruption)
        counts = {"n_way": n_way, "n_shot": n_shot, "n_query": n_query, "n_auxiliary": n_auxiliary}
        counts |= {"episodes_per_epoch": episodes_per_epoch, "draws": draws, "test_tasks": test_tasks}
        require_positive(counts)
        if evaluation not in get_args(Evaluation):
            raise ConfigurationError(f"evaluation is one of {', '.join(get_args(Evaluation))}, not {evaluation!r}.")
        self.evaluation: Evaluation = evaluation
        self.test_tasks = test_tasks
        self.n_way, self.n_shot, self.n_query = n_way, n_shot, n_query
        self.episodes_per_epoch, self.separate_subjects = episodes_per_epoch, separate_subjects
        self.auxiliary, self.n_auxiliary, self.magnification = auxiliary, n_auxiliary, magnification
        self.augmentation, self.draws = augmentation, draws
        self.tasks: Tasks = tasks

    def setup(self, stage: str) -> None:
        """Read the corpus, divide it and check that tasks can be drawn.

        Raises:
            DataError: The corpus cannot be read, or has too few clips or people for the tasks asked for.
            ConfigurationError: The fold does not exist, the auxiliary clips asked for cannot be had, or tasks:
                per_subject with separate subjects.
        """
        super().setup(stage)
        # The magnified stand-in is made of training clips: of those that are left, under the labels that they have now.
        corpus = replace(self.corpus, micro=self.training)
        self.auxiliary_pool = auxiliary_clips(self.auxiliary, corpus, self.fold, self.magnification)
        self.sampler = self._training_sampler(self.training, self.auxiliary_pool, corpus.kind)
        if self.evaluation != "training_support":
            # Before anything is trained for a test that cannot be made.
            self._test_sampler(self.testing, self.auxiliary_pool, corpus.kind)

    def tested_ids(self, corpus: Corpus, fold: int) -> tuple[str, ...]:
        """Return the ids of the clips that a fold tests; of own-person tasks, those of people who show enough.

        Raises:
            DataError: The corpus has too few clips or people for the tasks asked for. What stand-ins for
                macro-expressions are made of is not looked at.
            ConfigurationError: As ``setup``.
        """
        people = self.protocol.fold(corpus.micro, fold, self.validation_fraction, self.seed)
        training = select_subjects(corpus.micro, people.train)
        training = self.corruption.training(training, len(corpus.classes), self.seed)
        known: Auxiliary = "corpus" if self.auxiliary == "corpus" else "none"
        pool = auxiliary_clips(known, replace(corpus, micro=training), people, self.magnification)
        self._training_sampler(training, pool, corpus.kind)
        testing = select_subjects(corpus.micro, people.test)
        if self.evaluation == "training_support":
            return testing.ids
        return self._test_sampler(testing, pool, corpus.kind).drawn_from

    def training_plan(self) -> BatchPlan:
        """Return the training tasks."""
        return _Tasks(self.sampler, self.episodes_per_epoch)

    def recognition_plan(self, clips: Clips) -> BatchPlan:
        """Return these clips as trials: all of them in order, or tasks made of them."""
        if self.evaluation == "training_support":
            return _Trials(self.sampler, clips, self.draws)
        return _TestTasks(self._test_sampler(clips, self.auxiliary_pool, self.corpus.kind), self.test_tasks)

    def _training_sampler(self, clips: Clips, auxiliary: Clips | None, kind: InputKind) -> EpisodeSampler:
        separate = self.separate_subjects
        return self._sampler(clips, auxiliary, kind, "training", self.tasks, separate, self.augmentation, self.seed)

    def _test_sampler(self, clips: Clips, auxiliary: Clips | None, kind: InputKind) -> EpisodeSampler:
        strangers = self.evaluation == "unseen_people"
        tasks: Tasks = "mixed" if strangers else "per_subject"
        # One seed for all: every method is asked the same.
        return self._sampler(
            clips, auxiliary, kind, "test", tasks, separate_subjects=strangers, augmentation=None, seed=0
        )

    def _sampler(
        self,
        clips: Clips,
        auxiliary: Clips | None,
        kind: InputKind,
        side: str,
        tasks: Tasks,
        separate_subjects: bool,
        augmentation: Augmentation | None,
        seed: int,
    ) -> EpisodeSampler:
        return EpisodeSampler(
            clips=clips,
            auxiliary=auxiliary,
            n_way=self.n_way,
            n_shot=self.n_shot,
            n_query=self.n_query,
            n_auxiliary=self.n_auxiliary,
            separate_subjects=separate_subjects,
            augmentation=augmentation,
            seed=seed,
            kind=kind,
            tasks=tasks,
            side=side,
        )


class _Tasks(BatchPlan):
    def __init__(self, sampler: EpisodeSampler, length: int) -> None:
        self.sampler, self.length = sampler, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Key) -> Episode:
        return self.sampler.episode(*key)


class _TestTasks(BatchPlan):
    """One trial a task, with the task's own support."""

    def __init__(self, sampler: EpisodeSampler, length: int) -> None:
        self.sampler, self.length = sampler, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Key) -> Trial:
        episode = self.sampler.episode(0, key[1])
        left = range(len(episode.query) if key[1] < self.length else 0)
        return Trial((replace(episode, query=episode.query.select(left)),))


class _Trials(BatchPlan):
    def __init__(self, sampler: EpisodeSampler, clips: Clips, draws: int) -> None:
        self.sampler, self.draws = sampler, draws
        self.queries = InOrder(clips, _QUERIES_AT_ONCE)

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, key: Key) -> Trial:
        query = self.queries[key]
        return Trial(tuple(self.sampler.draw(query, index) for index in range(self.draws)))
