"""Micro- and macro-expressions of several sources as one corpus, in one scaling."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from data_modules.corpus import Corpus, CorpusSource
from data_modules.scaling import rescale
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import ConfigurationError


class JoinedCorpora(CorpusSource):
    """The micro-expressions of one corpus and the macro-expressions of others.

    All macro-expressions are converted to the scaling of the micro-expressions. A corpus of one image a clip repeats it
    where the micro-expressions have several phases. Each database is a domain of its own: its name is the first part of
    its clips' ids.

    Args:
        micro: Corpus whose micro-expressions are to be recognised; its own macro-expressions are not taken.
        macro: Corpora whose macro-expressions make D^aux.

    Raises:
        ConfigurationError: No corpus of macro-expressions.
    """

    def __init__(self, micro: CorpusSource, macro: list[CorpusSource]) -> None:
        if not macro:
            raise ConfigurationError("macro: name at least one corpus of macro-expressions.")
        self.micro, self.macro = micro, macro

    def prepare(self) -> None:
        """Compute what each corpus needs.

        Raises:
            DataError: As ``load``.
        """
        for source in (self.micro, *self.macro):
            source.prepare()

    def load(self) -> Corpus:
        """Read all and join them.

        Raises:
            DataError: A corpus cannot be read.
            ConfigurationError: The corpora don't fit each other: classes, sizes, what the inputs show, their scaling,
                or a clip that two of them have.
        """
        corpus = self.micro.load()
        parts = [_fitted(source.load(), corpus) for source in self.macro]
        macro = reduce(concatenate, parts)
        twice = [name for name, count in Counter(macro.ids).items() if count > 1]
        if twice:
            raise ConfigurationError(f"macro: clip {twice[0]} is in two of the corpora; name each database once.")
        return replace(corpus, macro=macro)


def _fitted(other: Corpus, corpus: Corpus) -> Clips:
    """Return the macro-expressions of ``other`` as inputs like those of ``corpus``."""
    clips = other.macro
    if clips is None or not len(clips):
        raise ConfigurationError(f"macro: the corpus {other.name} has no macro-expressions.")
    where = f"macro: {other.name} does not fit {corpus.name}"
    if other.classes != corpus.classes:
        raise ConfigurationError(
            f"{where}: its classes are {', '.join(other.classes)}, not {', '.join(corpus.classes)}; set one scheme"
        )
    if other.kind != corpus.kind:
        raise ConfigurationError(f"{where}: its inputs show {other.kind}, not {corpus.kind}; set one representation")
    shape, wanted = clips.inputs.shape[1:], corpus.micro.inputs.shape[1:]
    if shape[1:] != wanted[1:] or shape[0] not in (1, wanted[0]):
        raise ConfigurationError(
            f"{where}: its inputs are {_text(shape)}, not {_text(wanted)} (phase, channel, height, width)"
        )
    inputs = clips.inputs
    if corpus.kind == "motion":
        try:
            inputs = rescale(inputs, other.scaling, corpus.scaling)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from None
    return replace(clips, inputs=inputs.expand(-1, wanted[0], -1, -1, -1))


def _text(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
