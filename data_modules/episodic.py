"""Few-shot tasks for methods that learn to learn."""

from dataclasses import replace

from data_modules.auxiliary import CorpusMacro
from data_modules.base import Auxiliary, BatchPlan, Key, SubjectDisjointDataModule, require_positive
from data_modules.corpus import Corpus, CorpusSource, InputKind
from data_modules.corruption import Corruption
from data_modules.episodes import EpisodeSampler, Tasks
from data_modules.evaluation import Evaluation, TrainingSupport
from data_modules.protocols import Protocol, SubjectKFold, select_subjects
from data_modules.recipes import ImagePool
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode, MetaBatch
from lightmannet.errors import ConfigurationError


class EpisodicDataModule(SubjectDisjointDataModule):
    """Training tasks drawn from the training people, and the test people's clips as ``evaluation`` presents them.

    Args:
        corpus: Reader or generator of the clips.
        protocol: How people are divided.
        fold: Number of the fold to test.
        validation_fraction: Share of the training clips whose people are set aside for validation, in [0, 1).
        n_way: Classes per task.
        n_shot: Support clips per class.
        n_query: Query clips per class.
        episodes_per_epoch: Tasks per epoch, over all devices.
        separate_subjects: Support and query of a training task show different people.
        auxiliary: Where the macro-expressions of D^aux come from, a source or a list of corpora (``MacroSets``); None
            draws none.
        n_auxiliary: Auxiliary clips per class.
        augmentation: Random changes of the training tasks' clips, or None.
        evaluation: How test people are recognised.
        seed: Seed of everything drawn.
        num_workers: Processes that draw tasks; 0 uses the training process.
        tasks: Where the clips of a training task come from: all people (``mixed``), one database (``per_database``) or
            one person (``per_subject``, which needs ``separate_subjects: false`` and answers another question); see
            ``EpisodeSampler``.
        corruption: Degradation of the data on purpose; by default none.
        average_mirrored: Recognise each clip both as it is and mirrored, and average the probabilities.
        macro_tasks: Share of the training tasks, in [0, 1], that play one set of macro-expressions as if it were
            micro-expressions: support and query show its people, and D^aux comes from the other sets.
        repeat_clips: A class with fewer training clips than a task needs shows some of them several times, each time
            augmented again; needs ``separate_subjects: false``.
        augment_auxiliary: Augment the auxiliary clips of training tasks, too.
        tasks_per_step: Tasks that a method learns from in one step, whose losses are averaged; memory grows with it. A
            meta-batch is this times ``trainer.accumulate_grad_batches`` times the number of devices.

    Raises:
        ConfigurationError: One of the counts is not positive, or tasks that cannot be divided into steps.
    """

    def __init__(
        self,
        corpus: CorpusSource,
        protocol: Protocol = SubjectKFold(),
        fold: int = 0,
        validation_fraction: float = 0.15,
        n_way: int = 3,
        n_shot: int = 5,
        n_query: int = 5,
        episodes_per_epoch: int = 32,
        separate_subjects: bool = True,
        auxiliary: Auxiliary = CorpusMacro(),
        n_auxiliary: int = 5,
        augmentation: Augmentation | None = Augmentation(),
        evaluation: Evaluation = TrainingSupport(),
        seed: int = 0,
        num_workers: int = 0,
        tasks: Tasks = "mixed",
        corruption: Corruption = Corruption(),
        average_mirrored: bool = False,
        macro_tasks: float = 0.0,
        repeat_clips: bool = False,
        augment_auxiliary: bool = False,
        tasks_per_step: int = 1,
    ) -> None:
        super().__init__(
            corpus, protocol, fold, validation_fraction, seed, num_workers, auxiliary, corruption, average_mirrored
        )
        counts = {"n_way": n_way, "n_shot": n_shot, "n_query": n_query, "n_auxiliary": n_auxiliary}
        require_positive({**counts, "episodes_per_epoch": episodes_per_epoch, "tasks_per_step": tasks_per_step})
        if episodes_per_epoch % tasks_per_step:
            raise ConfigurationError(
                f"episodes_per_epoch: {episodes_per_epoch} tasks cannot be divided into steps of tasks_per_step: "
                f"{tasks_per_step}. Make it a multiple."
            )
        self.tasks_per_step = tasks_per_step
        self.n_way, self.n_shot, self.n_query, self.n_auxiliary = n_way, n_shot, n_query, n_auxiliary
        self.episodes_per_epoch, self.separate_subjects = episodes_per_epoch, separate_subjects
        self.augmentation, self.evaluation = augmentation, evaluation
        self.tasks: Tasks = tasks
        self.macro_tasks, self.repeat_clips, self.augment_auxiliary = macro_tasks, repeat_clips, augment_auxiliary

    def setup(self, stage: str) -> None:
        """Read the corpus, divide it and check that training and test tasks can be drawn.

        Raises:
            DataError: The corpus cannot be read, or has too few clips or people for the tasks.
            ConfigurationError: The fold does not exist, the corpus lacks what the auxiliary source needs, or tasks:
                per_subject with separate subjects.
        """
        super().setup(stage)
        if self.augmentation is not None:
            self.augmentation.check(self.corpus.scaling)
        # Magnified clips are made from the remaining training clips, with their current labels.
        corpus = replace(self.corpus, micro=self.training)
        pool = None if self.auxiliary is None else self.auxiliary.clips(corpus, self.fold)
        self.sampler = self._sampler(self.training, pool, corpus.kind)
        # Fails before training where the test cannot be run.
        self.evaluation.tested_ids(self.sampler, self.testing)

    def tested_ids(self, corpus: Corpus, fold: int) -> tuple[str, ...]:
        """Return the ids of the clips that a fold tests; for own-person tasks, those of people with enough clips.

        Raises:
            DataError: The corpus has too few clips or people for the tasks. Stand-ins for macro-expressions are not
                created and so not checked.
            ConfigurationError: As ``setup``.
        """
        people = self.protocol.fold(corpus.micro, fold, self.validation_fraction, self.seed)
        training = select_subjects(corpus.micro, people.train)
        training = self.corruption.training(training, len(corpus.classes), self.seed)
        source = self.auxiliary if self.auxiliary is not None and not self.auxiliary.stand_in else None
        pool = source.clips(replace(corpus, micro=training), people) if source else None
        sampler = self._sampler(training, pool, corpus.kind)
        return self.evaluation.tested_ids(sampler, select_subjects(corpus.micro, people.test))

    def training_plan(self) -> BatchPlan:
        """Return the training tasks."""
        return _Tasks(self.sampler, self.episodes_per_epoch, self.tasks_per_step)

    def recognition_plan(self, clips: Clips) -> BatchPlan:
        """Return these clips as batches to recognise."""
        return self.evaluation.plan(self.sampler, clips)

    def _sampler(self, clips: Clips, auxiliary: Clips | None, kind: InputKind) -> EpisodeSampler:
        return EpisodeSampler(
            clips=clips,
            auxiliary=auxiliary,
            n_way=self.n_way,
            n_shot=self.n_shot,
            n_query=self.n_query,
            n_auxiliary=self.n_auxiliary,
            separate_subjects=self.separate_subjects,
            augmentation=self.augmentation,
            seed=self.seed,
            kind=kind,
            tasks=self.tasks,
            macro_tasks=self.macro_tasks,
            repeat_clips=self.repeat_clips,
            augment_auxiliary=self.augment_auxiliary,
        )


class _Tasks(BatchPlan):
    """Tasks in their own order, ``together`` a batch."""

    def __init__(self, sampler: EpisodeSampler, length: int, together: int) -> None:
        self.sampler, self.length, self.together = sampler, length, together

    def __len__(self) -> int:
        return self.length // self.together

    def __getitem__(self, key: Key) -> Episode | MetaBatch:
        epoch, number = key
        if self.together == 1:
            return self.sampler.episode(epoch, number)
        tasks = range(number * self.together, (number + 1) * self.together)
        return MetaBatch(tuple(self.sampler.episode(epoch, task) for task in tasks))

    def recipes(self, pool: ImagePool) -> BatchPlan | None:
        """Return the same tasks as recipes."""
        sampler = self.sampler.recipes(pool)
        return None if sampler is None else _Tasks(sampler, self.length, self.together)
