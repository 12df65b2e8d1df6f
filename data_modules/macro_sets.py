"""D^aux from several sets of macro-expressions, in the scaling of the corpus's micro-expressions."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules.auxiliary import AuxiliarySource
from data_modules.corpus import Corpus, CorpusSource
from data_modules.flow import LOW, STRAIN
from data_modules.protocols import Fold
from data_modules.scaling import Scaling, rescale
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import AbsentDataError, ConfigurationError

Absent = Literal["refuse", "skip"]

_LOG = logging.getLogger(__name__)
_MOUTH = 18 / 28
"""Top of the mouth, as a share of the image's height: below the nose, where eyes lie as in MEGC2019's images."""


@dataclass(frozen=True)
class MacroSets(AuxiliarySource):
    """The macro-expressions of several corpora; a list of corpora given as ``auxiliary`` means this.

    Each database is a set, a domain of its own: its name is the first part of its clips' ids. All are converted to the
    scaling of the micro-expressions; one image per clip is repeated in each of their phases. Tasks draw sets alike, and
    within a set its people alike.

    Attributes:
        corpora: Corpora whose macro-expressions are taken.
        sets: Names of the databases to take; None takes all.
        per_class: Most clips of a class that are taken of a set, as many of each person as can be; None takes all.
        without_mouth: Classes whose clips are to show no motion below the nose: surprise opens the jaw in macro-, but
            not in micro-expressions.
        absent: Whether to ``refuse`` a corpus whose files are not on this machine or to ``skip`` it, with a warning;
            then, a corpus of people whom an earlier one shows is skipped as well.

    Raises:
        ConfigurationError: No corpus, no set, ``per_class`` below 1 or an unknown ``absent``.
    """

    corpora: list[CorpusSource]
    sets: list[str] | None = None
    per_class: int | None = None
    without_mouth: list[str] = field(default_factory=list)
    absent: Absent = "refuse"

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ConfigurationError("auxiliary: name at least one corpus of macro-expressions.")
        if self.sets is not None and not self.sets:
            raise ConfigurationError("auxiliary: sets is empty; name at least one database, or leave it out for all.")
        if self.per_class is not None and self.per_class < 1:
            raise ConfigurationError(f"auxiliary: per_class must be 1 or more, but is {self.per_class}.")
        if self.absent not in get_args(Absent):
            raise ConfigurationError(f"auxiliary: absent is one of refuse, skip, not {self.absent!r}.")

    def prepare(self) -> None:
        """Compute what each corpus needs.

        Raises:
            DataError: A corpus cannot be read.
        """
        for source in self.corpora:
            try:
                source.prepare()
            except AbsentDataError:
                if self.absent == "refuse":
                    raise

    @cached_property
    def read(self) -> tuple[Corpus, ...]:
        """The corpora that are there, read once.

        Raises:
            DataError: A corpus cannot be read, or none is there.
            ConfigurationError: A corpus without macro-expressions.
        """
        found: list[Corpus] = []
        skipped: list[str] = []
        for source in self.corpora:
            try:
                corpus = source.load()
            except AbsentDataError as error:
                if self.absent == "refuse":
                    raise
                skipped.append(str(error).splitlines()[0].split(". ")[0].rstrip("."))
                continue
            if corpus.macro is None or not len(corpus.macro):
                raise ConfigurationError(f"auxiliary: the corpus {corpus.name} has no macro-expressions.")
            known = {person for each in found if each.macro for person in each.macro.subjects}
            if self.absent == "skip" and known & set(corpus.macro.subjects):
                skipped.append(f"{corpus.name}: shows people of a set that is taken already")
                continue
            found.append(corpus)
        if not found:
            raise AbsentDataError(
                "auxiliary: no set of macro-expressions is found on this machine. " + "; ".join(skipped)
            )
        if skipped:
            _LOG.warning("D^aux is without %d of the sets named: %s", len(skipped), "; ".join(skipped))
        return tuple(found)

    @cached_property
    def _rescaled(self) -> dict[tuple[str, Scaling | None], Tensor]:
        """What was rescaled, by corpus and scaling: all folds need the same."""
        return {}

    def describe(self) -> str:
        """Return the sets and their clips, e.g. ``macro-expressions of kdef (840 clips of 70 people)``."""
        named = []
        for name, clips in self._taken():
            named.append(f"{name} ({len(clips)} clips of {len(set(clips.subjects))} people)")
        masked = f"; no motion below the nose in {', '.join(self.without_mouth)}" if self.without_mouth else ""
        return f"macro-expressions of {', '.join(named)}{masked}"

    def pool(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return the clips of all sets, in the form of the corpus's micro-expressions."""
        clips = reduce(concatenate, [self._fitted(other, corpus) for other in self.read])
        twice = [name for name, count in Counter(clips.ids).items() if count > 1]
        if twice:
            raise ConfigurationError(f"auxiliary: clip {twice[0]} is in two of the corpora; name each database once.")
        wanted = {clip for _, taken in self._taken() for clip in taken.ids}
        return clips.select([index for index, clip in enumerate(clips.ids) if clip in wanted])

    def _taken(self) -> list[tuple[str, Clips]]:
        """Return the chosen clips of each chosen set, as they were read."""
        macro = [corpus.macro for corpus in self.read if corpus.macro is not None]
        known = list(dict.fromkeys(name for clips in macro for name in clips.databases))
        strange = sorted(set(self.sets or ()) - set(known))
        if strange:
            raise ConfigurationError(f"auxiliary: sets: there is no {strange[0]}; there are {', '.join(known)}.")
        taken = []
        for name in known if self.sets is None else self.sets:
            (clips,) = [
                clips.select([index for index, of_clip in enumerate(clips.databases) if of_clip == name])
                for clips in macro
                if name in clips.databases
            ]
            taken.append((name, clips if self.per_class is None else _few(clips, self.per_class)))
        return taken

    def _fitted(self, other: Corpus, corpus: Corpus) -> Clips:
        """Return the macro-expressions of ``other`` as inputs like those of ``corpus``."""
        clips = other.macro
        assert clips is not None  # as read checks
        where = f"auxiliary: {other.name} does not fit {corpus.name}"
        if other.classes != corpus.classes:
            raise ConfigurationError(
                f"{where}: its classes are {', '.join(other.classes)}, not {', '.join(corpus.classes)}; set one scheme"
            )
        if other.kind != corpus.kind:
            raise ConfigurationError(
                f"{where}: its inputs show {other.kind}, not {corpus.kind}; set one representation"
            )
        shape, wanted = clips.inputs.shape[1:], corpus.micro.inputs.shape[1:]
        if shape[1:] != wanted[1:] or shape[0] not in (1, wanted[0]):
            raise ConfigurationError(
                f"{where}: its inputs are {_text(shape)}, not {_text(wanted)} (phase, channel, height, width)"
            )
        inputs = clips.inputs
        if corpus.kind == "motion":
            key = other.name, corpus.scaling
            try:
                if key not in self._rescaled:
                    self._rescaled[key] = rescale(self._masked(clips, other), other.scaling, corpus.scaling)
            except ConfigurationError as error:
                raise ConfigurationError(f"{where}: {error}") from None
            inputs = self._rescaled[key]
        return replace(clips, inputs=inputs.expand(-1, wanted[0], -1, -1, -1))

    def _masked(self, clips: Clips, corpus: Corpus) -> Float[Tensor, "clip phase channel height width"]:
        """Return the inputs without motion of the mouth in the classes that are to have none."""
        if not self.without_mouth:
            return clips.inputs
        strange = sorted(set(self.without_mouth) - set(corpus.classes))
        if strange:
            raise ConfigurationError(f"without_mouth: {strange[0]} is not a class; {', '.join(corpus.classes)} are")
        if corpus.scaling is None or corpus.scaling.form == "stretched":
            raise ConfigurationError(
                f"without_mouth: no motion has no fixed value in images of {corpus.scaling or 'unknown'} scaling; take "
                "motion whose unit is known"
            )
        labels = [corpus.classes.index(name) for name in self.without_mouth]
        chosen = torch.isin(clips.labels, torch.tensor(labels))[:, None, None, None, None]
        masked = clips.inputs.clone()
        below = round(_MOUTH * masked.shape[-2])
        masked[..., :STRAIN, below:, :] = 0
        masked[..., STRAIN, below:, :] = LOW
        return torch.where(chosen, masked, clips.inputs)


def _few(clips: Clips, per_class: int) -> Clips:
    """Return at most ``per_class`` clips per class, one of each person, then a second one …, with a fixed seed."""
    random = np.random.default_rng(0)
    kept: list[int] = []
    for label in sorted(set(clips.labels.tolist())):
        mine = random.permutation(np.flatnonzero(clips.labels.numpy() == label))
        seen: Counter[str] = Counter()
        turns = []
        for index in mine:
            turns.append(seen[clips.subjects[index]])
            seen[clips.subjects[index]] += 1
        kept += mine[np.argsort(turns, kind="stable")][:per_class].tolist()
    return clips.select(sorted(kept))


def _text(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
