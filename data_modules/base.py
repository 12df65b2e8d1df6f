"""What the episodic and the conventional data module share: corpus, fold, and loaders of numbered batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from data_modules.auxiliary import AuxiliarySource
from data_modules.corpus import Corpus, CorpusSource, InputKind
from data_modules.corruption import Corruption
from data_modules.macro_sets import MacroSets
from data_modules.protocols import Fold, Protocol, select_subjects
from data_modules.recipes import ImagePool
from data_modules.transforms import mirrored
from lightmannet.episode import Clips, Episode, MetaBatch, Trial, Views, concatenate
from lightmannet.errors import ConfigurationError

Auxiliary = AuxiliarySource | list[CorpusSource] | None
"""Where macro-expressions come from; a list means ``MacroSets``."""

Batch = Clips | Episode | MetaBatch | Trial | Views
Key = tuple[int, int]


class BatchPlan(Dataset[Batch]):
    """Batches as a pure function of (epoch, number), so that any process can make any of them."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches per epoch."""

    @abstractmethod
    def __getitem__(self, key: Key) -> Batch:
        """Return the batch of a key (epoch, number); past the end, an empty one in recognition."""

    def recipes(self, pool: ImagePool) -> "BatchPlan | None":
        """Return the same batches as recipes over ``pool``; None where pixels cannot be made later."""
        return None


class InOrder(BatchPlan):
    """Clips in their own order, ``size`` per batch; the last may be smaller."""

    def __init__(self, clips: Clips, size: int) -> None:
        self.clips, self.size = clips, size

    def __len__(self) -> int:
        return -(-len(self.clips) // self.size)

    def __getitem__(self, key: Key) -> Clips:
        first = key[1] * self.size
        return self.clips.select(range(first, min(first + self.size, len(self.clips))))


class Mirrored(BatchPlan):
    """Batches to recognise in which each clip is seen as it is and mirrored; supports stay as they are.

    Args:
        plan: The batches.
        kind: What the clips' inputs show.
    """

    def __init__(self, plan: BatchPlan, kind: InputKind) -> None:
        self.plan, self.kind = plan, kind

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, key: Key) -> Views:
        batch = self.plan[key]
        if isinstance(batch, Trial):
            query = self._both(batch.query)
            return Views(Trial(tuple(replace(episode, query=query) for episode in batch.episodes)), 2)
        assert isinstance(batch, Clips)
        return Views(self._both(batch), 2)

    def _both(self, clips: Clips) -> Clips:
        return concatenate(clips, replace(clips, inputs=mirrored(clips.inputs, self.kind)))


class RankSampler(Sampler[Key]):
    """Keys (epoch, number) of this process's share of the batches: every world-size-th, starting at its rank.

    Lightning calls ``set_epoch``. A meta-batch of N tasks on W devices is N / W accumulated batches, and holds the same
    tasks whatever W is.

    Args:
        length: Batches per epoch, over all processes.
        rank: Number of this process.
        world_size: Number of processes.
        drop_uneven: Drop the last batches if not every process gets one; needed in training, where processes wait for
            each other, and wrong in testing, where each clip counts once.
    """

    def __init__(self, length: int, rank: int, world_size: int, drop_uneven: bool) -> None:
        self.length = length - length % world_size if drop_uneven else length
        self.rank, self.world_size = rank, world_size
        self.epoch, self.skipped = 0, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next batches."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(range(self.rank, self.length, self.world_size))

    def __iter__(self) -> Iterator[Key]:
        first, self.skipped = self.rank + self.skipped * self.world_size, 0
        for number in range(first, self.length, self.world_size):
            yield self.epoch, number


class ResumableLoader:
    """Loads batches and can resume in the middle of an epoch; Lightning keeps its state in the checkpoint.

    Batches are functions of epoch and number, so the state is how many were returned. It holds a DataLoader instead of
    being one, because Lightning rebuilds DataLoaders with a sampler of its own before predicting.

    Args:
        plan: The batches.
        sampler: Which of them, in which order.
        num_workers: Processes that make them.
    """

    def __init__(self, plan: BatchPlan, sampler: RankSampler, num_workers: int) -> None:
        self.sampler, self.given = sampler, 0
        self.batch_sampler = None  # Lightning looks for both, to set their epoch
        self._loader: DataLoader[Batch] = DataLoader(
            plan,
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            # Its own: otherwise each epoch takes a number from torch's generator, and a resumed run one more.
            generator=torch.Generator().manual_seed(0),
        )

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        self.given = self.sampler.skipped
        for batch in self._loader:
            self.given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return how many batches of the epoch were returned; 0 at its end."""
        return {"given": self.given % max(len(self), 1)}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Let the next iteration begin after the batches that were already returned."""
        self.sampler.skipped = state_dict["given"]


class SubjectDisjointDataModule(LightningDataModule, ABC):
    """A corpus divided by people; the parent of both data modules.

    Args:
        corpus: Reader or generator of the clips.
        protocol: How people are divided.
        fold: Number of the fold to test.
        validation_fraction: Share of the training clips whose people are set aside for validation, in [0, 1); with 0,
            ``validate`` has nothing to do.
        seed: Seed of everything drawn.
        num_workers: Processes that make batches; 0 uses the training process, which is fastest for clips in
            memory.
        auxiliary: Where macro-expressions come from, a source or a list of corpora; None needs none.
        corruption: Degradation of the data on purpose.
        average_mirrored: Recognise each clip both as it is and mirrored, and average the probabilities.
    """

    def __init__(
        self,
        corpus: CorpusSource,
        protocol: Protocol,
        fold: int,
        validation_fraction: float,
        seed: int,
        num_workers: int,
        auxiliary: Auxiliary,
        corruption: Corruption = Corruption(),
        average_mirrored: bool = False,
    ) -> None:
        super().__init__()
        self.auxiliary = MacroSets(auxiliary) if isinstance(auxiliary, list) else auxiliary
        self.corruption, self.average_mirrored = corruption, average_mirrored
        self.source, self.protocol, self.fold_number = corpus, protocol, fold
        self.validation_fraction, self.seed, self.num_workers = validation_fraction, seed, num_workers

    def prepare_data(self) -> None:
        """Compute what the corpora need; Lightning calls it in one process a machine, before ``setup`` in all.

        Raises:
            DataError: A corpus cannot be read.
        """
        self.source.prepare()
        if self.auxiliary is not None:
            self.auxiliary.prepare()

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus, read once."""
        return self.source.load()

    @property
    def fold(self) -> Fold:
        """The people of the chosen fold."""
        return self.protocol.fold(self.corpus.micro, self.fold_number, self.validation_fraction, self.seed)

    def setup(self, stage: str) -> None:
        """Read the corpus and divide it.

        Raises:
            DataError: The corpus cannot be read, or has too few clips or people for the options given.
            ConfigurationError: The fold does not exist or has no training people.
        """
        self.protocol.check(self.corpus.micro, self.corpus.classes)
        self.corruption.check(self.corpus.scaling)
        fold = self.fold
        corpus, seed = self.corpus, self.seed
        training = select_subjects(corpus.micro, fold.train)
        self.training = self.corruption.training(training, len(corpus.classes), seed)
        self.validation = select_subjects(corpus.micro, fold.validation)
        self.testing = self.corruption.testing(select_subjects(corpus.micro, fold.test), corpus.kind, seed)

    def tested_ids(self, corpus: Corpus, fold: int) -> tuple[str, ...]:
        """Return the ids of the clips that a fold tests, having checked that the fold can be filled.

        Cheaper than ``setup`` and without side effects: for planning many folds.

        Args:
            corpus: ``self.corpus``, read once for many modules.
            fold: Number of the fold.

        Raises:
            DataError: The corpus has too few clips or people for the options given.
            ConfigurationError: The fold does not exist or has no training people.
        """
        people = self.protocol.fold(corpus.micro, fold, self.validation_fraction, self.seed)
        return select_subjects(corpus.micro, people.test).ids

    @abstractmethod
    def training_plan(self) -> BatchPlan:
        """Return the training batches."""

    @abstractmethod
    def recognition_plan(self, clips: Clips) -> BatchPlan:
        """Return these clips as batches to recognise."""

    def train_dataloader(self) -> ResumableLoader:
        """Return the training batches."""
        return self._loader(self.training_plan(), training=True)

    def val_dataloader(self) -> ResumableLoader | list[ResumableLoader]:
        """Return the validation clips as batches to recognise; nothing without validation people.

        Raises:
            ConfigurationError: ``validate`` without validation people.
        """
        if not len(self.validation):
            if self.trainer is not None and self.trainer.state.fn == "validate":
                raise ConfigurationError(
                    "There are no validation people. Set the data module's validation_fraction, e.g. to 0.15."
                )
            return []
        return self._loader(self.recognition_plan(self.validation), training=False)

    def test_dataloader(self) -> ResumableLoader:
        """Return the clips of the fold's test people as batches to recognise."""
        return self._loader(self.recognition_plan(self.testing), training=False)

    def predict_dataloader(self) -> ResumableLoader:
        """Return the same batches as ``test_dataloader``."""
        return self.test_dataloader()

    def _loader(self, plan: BatchPlan, training: bool) -> ResumableLoader:
        if self.average_mirrored and not training:
            plan = Mirrored(plan, self.corpus.kind)
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        # A process without a batch would skip the loop, and the others would wait forever for its scores.
        length = len(plan) if training else max(len(plan), world_size)
        return ResumableLoader(plan, RankSampler(length, rank, world_size, drop_uneven=training), self.num_workers)


def require_positive(options: dict[str, int]) -> None:
    """Raise ``ConfigurationError`` for the first of these named options that is not positive."""
    for name, value in options.items():
        if value < 1:
            raise ConfigurationError(f"{name} must be 1 or more, but is {value}.")
