"""Published scores for MEGC2019, from one file with their sources and caveats."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from data_modules.corpus import Corpus
from lightmannet.errors import ConfigurationError
from lightmannet.metrics.scores import FULL

_FILE = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class Caveat:
    """A caveat about a number: a label of a few words, and a sentence."""

    label: str
    text: str


@dataclass(frozen=True)
class Publication:
    """A short reference of published numbers, and its address, if known."""

    text: str
    address: str | None

    def __str__(self) -> str:
        return self.text if self.address is None else f"{self.text} ({self.address})"


@dataclass(frozen=True)
class Published:
    """A method's published scores.

    Attributes:
        method: Its name.
        source: Publication of the numbers.
        protocol: The evaluation protocol.
        samples: Number of clips by column.
        scores: UF1 and UAR in [0, 1] by column, ``Full`` or a database; None where not given.
        caveats: Their caveats.
        recomputed: Whether we computed them from the authors' release.
    """

    method: str
    source: Publication
    protocol: str
    samples: dict[str, int]
    scores: dict[str, tuple[float | None, float | None]]
    caveats: tuple[Caveat, ...]
    recomputed: bool


@cache
def published_scores(path: Path = _FILE) -> tuple[Published, ...]:
    """Return all entries of the file, in order.

    Args:
        path: YAML with ``protocol``, ``samples``, ``caveats``, ``sources`` (``text``, and an ``address`` that may be
            null) and ``entries``.

    Raises:
        ConfigurationError: An entry has no source or one that is not listed, a caveat that is not explained, a column
            without a sample count, or a score outside [0, 1].
    """
    content = _content(path)
    return tuple(_entry(path, content, entry) for entry in content["entries"])


@cache
def _content(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _entry(path: Path, content: dict[str, Any], entry: dict[str, Any]) -> Published:
    where = f"{path.name}, {entry['method']}"
    if entry.get("source") not in content["sources"]:
        raise ConfigurationError(
            f"{where}: source: {entry.get('source')!r} is not listed under sources. Every number needs a source."
        )
    caveats = entry.get("caveats", [])
    for caveat in caveats:
        if caveat not in content["caveats"]:
            raise ConfigurationError(f"{where}: caveat {caveat!r} is not explained under caveats.")
    source = Publication(**content["sources"][entry["source"]])
    if source.address is None:
        caveats = [*caveats, "no_address"]
    samples = {**content["samples"], **entry.get("samples", {})}
    for column, pair in entry["scores"].items():
        if column not in samples:
            raise ConfigurationError(f"{where}: column {column!r} has no number of samples.")
        if len(pair) != 2 or any(number is not None and not 0 <= number <= 1 for number in pair):
            raise ConfigurationError(f"{where}: {column} must be UF1 and UAR in [0, 1], but is {pair}.")
    return Published(
        method=entry["method"],
        source=source,
        protocol=content["protocol"],
        samples={column: samples[column] for column in entry["scores"]},
        scores={column: (uf1, uar) for column, (uf1, uar) in entry["scores"].items()},
        caveats=tuple(Caveat(**content["caveats"][caveat]) for caveat in caveats),
        recomputed="recomputed" in caveats,
    )


def published_beside(corpus: Corpus) -> tuple[Published, ...]:
    """Return the entries that have a score in one of the columns comparable with this corpus."""
    columns = set(comparable_columns(corpus))
    return tuple(entry for entry in published_scores() if columns & set(entry.scores))


def comparable_columns(corpus: Corpus) -> tuple[str, ...]:
    """Return the columns in which published scores are comparable with ours: databases of MEGC2019 that are complete.

    ``Full`` is among them if all three are. Nothing is comparable with generated clips or other databases.
    """
    if corpus.synthetic or not corpus.name.startswith("megc2019"):
        return ()
    sizes: dict[str, int] = _content(_FILE)["samples"]
    here = Counter(corpus.micro.databases)
    whole = tuple(name for name in sizes if name != FULL and here.get(name) == sizes[name])
    return (*whole, FULL) if len(whole) == len(sizes) - 1 == len(here) else whole
