"""Several extractions of the same clips as one corpus."""

from dataclasses import replace

import torch

from data_modules.corpus import Corpus, CorpusSource
from data_modules.scaling import STRETCHED, Scaling
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


class Views(CorpusSource):
    """Motion images of the same clips, computed in several ways, stacked as channels: u, v, strain of each in turn.

    Clips are joined by their ids and keep the order of the first corpus; the encoder needs ``channels`` three times the
    number of views. There are no macro-expressions: D^aux would have to be extracted in the same ways.

    Args:
        corpora: Two corpora or more of the same clips.

    Raises:
        ConfigurationError: Fewer than two corpora.
    """

    def __init__(self, corpora: list[CorpusSource]) -> None:
        if len(corpora) < 2:
            raise ConfigurationError("views: name two corpora of the same clips, or more.")
        self.corpora = corpora

    def prepare(self) -> None:
        """Compute what each corpus needs.

        Raises:
            DataError: As ``load``.
        """
        for source in self.corpora:
            source.prepare()

    def load(self) -> Corpus:
        """Read all corpora and stack their images.

        Raises:
            DataError: A corpus cannot be read.
            ConfigurationError: They don't show motion of the same clips in the same classes, phases and size.
        """
        first, *others = (source.load() for source in self.corpora)
        views = [first.micro, *(_matched(other, first, number) for number, other in enumerate(others, 2))]
        inputs = torch.cat([clips.inputs for clips in views], dim=2)
        scaling = _common([corpus.scaling for corpus in (first, *others)])
        synthetic = any(corpus.synthetic for corpus in (first, *others))
        return replace(
            first, micro=replace(first.micro, inputs=inputs), macro=None, scaling=scaling, synthetic=synthetic
        )


def _matched(other: Corpus, first: Corpus, number: int) -> Clips:
    """Return the clips of ``other`` in the order of ``first``."""
    where = f"views: corpus {number} ({other.name}) does not fit the first ({first.name})"
    if first.kind != "motion" or other.kind != "motion":
        raise ConfigurationError(f"{where}: motion images are expected of both, not {first.kind} and {other.kind}")
    if other.classes != first.classes:
        raise ConfigurationError(f"{where}: its classes are {', '.join(other.classes)}")
    lost, extra = set(first.micro.ids) - set(other.micro.ids), set(other.micro.ids) - set(first.micro.ids)
    if lost or extra:
        raise ConfigurationError(
            f"{where}: it lacks {len(lost)} clips of the first and has {len(extra)} others, such as "
            f"{min(lost | extra)}; both must hold the same clips"
        )
    place = {name: index for index, name in enumerate(other.micro.ids)}
    clips = other.micro.select([place[name] for name in first.micro.ids])
    if not torch.equal(clips.labels, first.micro.labels) or clips.subjects != first.micro.subjects:
        raise ConfigurationError(f"{where}: a clip has another class or person there")
    shapes = [tuple(each.inputs.shape[1:]) for each in (clips, first.micro)]
    if shapes[0] != shapes[1]:
        raise ConfigurationError(
            f"{where}: its inputs are {shapes[0]}, not {shapes[1]} (phase, channel, height, width)"
        )
    return clips


def _common(scalings: list[Scaling | None]) -> Scaling | None:
    """Return the scaling of all; of several, ``stretched`` if it is among them, as it allows least, else None."""
    return STRETCHED if STRETCHED in scalings else scalings[0] if len(set(scalings)) == 1 else None
