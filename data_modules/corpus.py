"""What a database reader hands to the rest of the house."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from lightmannet.episode import Clips

CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in the order of their labels 0, 1, 2."""


@dataclass(frozen=True)
class Corpus:
    """Clips of one or several databases, in memory.

    Attributes:
        name: Short name for tables and file names.
        classes: Class names in the order of the labels.
        micro: Micro-expression clips, the ones to recognise.
        macro: Macro-expression clips of the same corpus, or None where it has none.
        stretched: True where each channel of each image was stretched to the full range, so amplitude is lost.
        synthetic: True where the clips were generated and show no real person.
    """

    name: str
    classes: tuple[str, ...]
    micro: Clips
    macro: Clips | None
    stretched: bool
    synthetic: bool


class CorpusSource(ABC):
    """Anything that can produce a corpus: a reader of files or a generator."""

    @abstractmethod
    def load(self) -> Corpus:
        """Read or generate the corpus.

        Raises:
            DataError: Something is missing, damaged or contradictory; the message lists every fault found.
        """
