"""Plain batches for methods that learn in the ordinary way."""

from copy import copy
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from data_modules.auxiliary import CorpusMacro
from data_modules.base import Auxiliary, BatchPlan, InOrder, Key, SubjectDisjointDataModule, require_positive
from data_modules.corpus import CorpusSource, InputKind
from data_modules.corruption import Corruption
from data_modules.protocols import Protocol, SubjectKFold
from data_modules.recipes import DrawnAhead, ImagePool
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import ConfigurationError

LearnFrom = Literal["micro", "macro", "both"]

# Streams of random numbers. None is 0: NumPy pads a seed with zeros, so [seed] and [seed, 0] are the same stream.
_ORDER, _AUGMENTATION = 1, 2


class ConventionalDataModule(SubjectDisjointDataModule):
    """Shuffled batches of the training people's clips, and the test people's clips in order.

    Args:
        corpus: Reader or generator of the clips.
        protocol: How people are divided.
        fold: Number of the fold to test.
        validation_fraction: Share of the training clips whose people are set aside for validation, in [0, 1).
        batch_size: Clips per batch; the last of an epoch may be smaller.
        class_balanced: Draw each class equally often (with replacement) instead of each clip once per epoch.
        augmentation: Random changes of the training clips, or None.
        seed: Seed of everything drawn.
        num_workers: Processes that make batches; 0 uses the training process.
        corruption: Degradation of the data on purpose; by default none.
        average_mirrored: Recognise each clip both as it is and mirrored, and average the probabilities.
        learn_from: Train on the training people's ``micro``-expressions, on ``macro``-expressions, without those of
            test and validation people, or on ``both``; recognised are micro-expressions alone.
        auxiliary: Where the macro-expressions come from, a source or a list of corpora (``MacroSets``).

    Raises:
        ConfigurationError: ``batch_size`` is not positive, or there is no such ``learn_from``.
    """

    def __init__(
        self,
        corpus: CorpusSource,
        protocol: Protocol = SubjectKFold(),
        fold: int = 0,
        validation_fraction: float = 0.15,
        batch_size: int = 64,
        class_balanced: bool = True,
        augmentation: Augmentation | None = Augmentation(),
        seed: int = 0,
        num_workers: int = 0,
        corruption: Corruption = Corruption(),
        learn_from: LearnFrom = "micro",
        average_mirrored: bool = False,
        auxiliary: Auxiliary = CorpusMacro(),
    ) -> None:
        wanted = None if learn_from == "micro" else auxiliary
        super().__init__(
            corpus, protocol, fold, validation_fraction, seed, num_workers, wanted, corruption, average_mirrored
        )
        require_positive({"batch_size": batch_size})
        if learn_from not in get_args(LearnFrom):
            raise ConfigurationError(f"learn_from is one of {', '.join(get_args(LearnFrom))}, not {learn_from!r}.")
        self.learn_from: LearnFrom = learn_from
        self.batch_size, self.class_balanced, self.augmentation = batch_size, class_balanced, augmentation

    def setup(self, stage: str) -> None:
        """Read the corpus and divide it.

        Raises:
            DataError: The corpus cannot be read, or has too few clips or people for the options.
            ConfigurationError: The fold does not exist or has no training people, or there are no macro-expressions to
                learn from.
        """
        super().setup(stage)
        if self.augmentation is not None:
            self.augmentation.check(self.corpus.scaling)
        if self.learn_from == "micro":
            return
        if self.auxiliary is None:
            raise ConfigurationError(f"learn_from: {self.learn_from} needs an auxiliary source of macro-expressions.")
        # Magnified clips are made from the remaining training clips, with their current labels.
        macro = self.auxiliary.clips(replace(self.corpus, micro=self.training), self.fold)
        self.training = macro if self.learn_from == "macro" else concatenate(self.training, macro)

    def training_plan(self) -> BatchPlan:
        """Return the training batches."""
        return _Shuffled(
            self.training, self.batch_size, self.class_balanced, self.augmentation, self.seed, self.corpus.kind
        )

    def recognition_plan(self, clips: Clips) -> BatchPlan:
        """Return these clips in order."""
        return InOrder(clips, self.batch_size)


class _Shuffled(InOrder):
    def __init__(
        self,
        clips: Clips,
        size: int,
        class_balanced: bool,
        augmentation: Augmentation | None,
        seed: int,
        kind: InputKind,
    ) -> None:
        super().__init__(clips, size)
        self.augmentation: Augmentation | DrawnAhead | None = augmentation
        self.seed, self.kind = seed, kind
        counts = np.bincount(clips.labels.numpy())
        weights = 1 / counts[clips.labels.numpy()]
        self.probabilities = weights / weights.sum() if class_balanced else None

    def recipes(self, pool: ImagePool) -> BatchPlan | None:
        """Return the same batches as recipes."""
        plan = copy(self)
        if isinstance(self.augmentation, Augmentation):
            if not self.augmentation.drawn_ahead:
                return None
            plan.augmentation = DrawnAhead(self.augmentation)
        plan.clips = pool.recipes(self.clips)
        return plan

    def __getitem__(self, key: Key) -> Clips:
        epoch, number = key
        # The order belongs to the epoch and the augmentation to the batch: each batch can be made alone.
        order = np.random.default_rng([self.seed, _ORDER, epoch])
        if self.probabilities is None:
            indices = order.permutation(len(self.clips))
        else:
            indices = order.choice(len(self.clips), len(self.clips), p=self.probabilities)
        first = number * self.size
        clips = self.clips.select(indices[first : first + self.size].tolist())
        if self.augmentation is None:
            return clips
        return self.augmentation(clips, np.random.default_rng([self.seed, _AUGMENTATION, epoch, number]), self.kind)
