"""Where the macro-expressions of D^aux come from; to add a source, write a subclass of ``AuxiliarySource``."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from data_modules.corpus import Corpus
from data_modules.flow import HIGH, LOW, magnify
from data_modules.protocols import Fold, select_subjects
from data_modules.scaling import refuse_stretched
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class AuxiliarySource(ABC):
    """A source of the pool that the auxiliary clips of tasks are drawn from."""

    description: ClassVar[str]
    """What the clips are, as a table says in its footnotes."""
    stand_in: ClassVar[bool] = False
    """Whether the clips are made to stand in for real macro-expressions."""

    def prepare(self) -> None:  # noqa: B027  most read nothing of their own
        """Compute what will only be read later, as ``CorpusSource.prepare``."""

    @property
    def read(self) -> tuple[Corpus, ...]:
        """Corpora that are read in addition to the main one."""
        return ()

    def describe(self) -> str:
        """Return what the clips are, as a table says in its footnotes."""
        return self.description

    def clips(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return the pool, without a clip of the fold's validation or test people.

        Args:
            corpus: The corpus, possibly with the micro-expressions of only the training people.
            fold: Its people.

        Raises:
            ConfigurationError: The corpus lacks what the pool is made of.
        """
        clips = self.pool(corpus, fold)
        strangers = {*fold.test, *fold.validation}
        clips = select_subjects(clips, tuple(set(clips.subjects) - strangers))
        assert not strangers & set(clips.subjects)  # a leak would spoil every score
        return clips

    @abstractmethod
    def pool(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return clips that ``clips`` leaves out the people to recognise of.

        Args:
            corpus: As ``clips`` gets it.
            fold: As ``clips`` gets it.

        Raises:
            ConfigurationError: The corpus lacks what the pool is made of.
        """


@dataclass(frozen=True)
class CorpusMacro(AuxiliarySource):
    """The corpus's own macro-expressions."""

    description = "the corpus's own macro-expressions"

    def pool(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return the macro-expressions of everybody."""
        if corpus.macro is None:
            raise ConfigurationError(
                f"auxiliary: CorpusMacro, but the corpus {corpus.name} has no macro-expressions. Set auxiliary to null "
                "for methods without an auxiliary branch, to a list of corpora that have some, or to MagnifiedMicro or "
                "SyntheticMacro, two stand-ins."
            )
        return corpus.macro


@dataclass(frozen=True)
class MagnifiedMicro(AuxiliarySource):
    """A stand-in: the training people's micro-expressions with their motion (or difference) multiplied.

    Attributes:
        factor: Magnification, > 1.

    Raises:
        ConfigurationError: A factor of 1 or less.
    """

    factor: float = 4.0

    description = "a stand-in: the motion of other training clips, magnified (no real macro-expressions)"
    stand_in = True

    def __post_init__(self) -> None:
        if self.factor <= 1:
            raise ConfigurationError(f"auxiliary: MagnifiedMicro needs factor > 1, but it is {self.factor}.")

    def pool(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return the magnified clips, under the ids of the clips that they are made of."""
        if corpus.kind == "frames":
            raise ConfigurationError(
                "auxiliary: MagnifiedMicro needs motion or difference images; frames show no motion to magnify."
            )
        refuse_stretched(corpus.scaling, {"magnification": True}, "auxiliary: MagnifiedMicro")
        training = select_subjects(corpus.micro, fold.train)
        if corpus.kind == "difference":
            return replace(training, inputs=torch.clamp(training.inputs * self.factor, LOW, HIGH))
        return replace(training, inputs=magnify(training.inputs, self.factor))
