"""A corpus: clips in memory, as readers and generators return them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from data_modules.clip_checks import clip_faults
from data_modules.scaling import Scaling
from data_modules.schemes import CLASSES as CLASSES
from lightmannet.episode import Clips
from lightmannet.errors import DataError, faults_message

InputKind = Literal["motion", "difference", "frames"]
"""What inputs show, which decides how they may be changed: a mirrored motion to the right points to the left."""


@dataclass(frozen=True)
class Corpus:
    """Clips of one or several databases, in memory.

    Attributes:
        name: Short name for tables and file names.
        classes: Class names in the order of the labels.
        micro: Micro-expression clips, the ones to recognise.
        macro: Macro-expression clips of the same corpus, or None where it has none.
        scaling: How motion is scaled to [-0.5, 0.5]; None where it is not known or the inputs are not motion images.
        synthetic: True where the clips were generated and show no real person.
        kind: What the inputs show: ``motion``, u, v and strain as ``data_modules.flow`` defines them; ``difference``,
            signed change of brightness; ``frames``, the frames themselves.

    Raises:
        DataError: Clips of another form than ``Clips`` describes: labels without a class, values out of range or not
            finite, another type, an id that occurs twice; the message lists every fault.
    """

    name: str
    classes: tuple[str, ...]
    micro: Clips
    macro: Clips | None
    scaling: Scaling | None
    synthetic: bool
    kind: InputKind = "motion"

    def __post_init__(self) -> None:
        faults = [f"micro: {fault}" for fault in clip_faults(self.micro, self.classes, self.kind)]
        if self.macro is not None:
            faults += [f"macro: {fault}" for fault in clip_faults(self.macro, self.classes, self.kind)]
        if faults:
            raise DataError(faults_message(f"Corpus {self.name}", faults))


class CorpusSource(ABC):
    """Anything that can produce a corpus: a reader of files or a generator."""

    def prepare(self) -> None:  # noqa: B027  a source that computes nothing has nothing to prepare
        """Compute what ``load`` will only read; called in one process, before others load.

        Raises:
            DataError: As ``load``.
        """

    @abstractmethod
    def load(self) -> Corpus:
        """Read or generate the corpus.

        Raises:
            DataError: Something is missing, damaged or contradictory; the message lists every fault found.
        """
