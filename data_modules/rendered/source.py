"""The rendered corpus as a source of clips, written on first use and read with the readers of real databases."""

import logging
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from data_modules.apex import MissingApex
from data_modules.cache import cache_folder, digest
from data_modules.clip_corpus import ClipCorpus
from data_modules.corpus import Corpus
from data_modules.databases.casme2 import CASME2
from data_modules.databases.casme_sq import CASMESquared
from data_modules.frame_corpus import FrameCorpus
from data_modules.rendered import casme2_layout, casme_sq_layout
from data_modules.rendered.options import Options
from data_modules.rendered.synthesize import generator_digest, is_finished, write_corpus
from data_modules.representations.base import Representation
from data_modules.representations.flow_image import ApexFlow
from data_modules.schemes import read_scheme
from data_modules.video.crop import Crop, WholeFrame
from lightmannet.episode import Clips

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderedFaces(Options, FrameCorpus):
    """Rendered faces with moving muscles: micro-expressions of invented people, and macro-expressions in long videos.

    The corpus is written on first use, with a progress bar, and then read with the readers of CASME II and CAS(ME)^2. A
    person has the same name in both, ``synthetic/p07``, with clips such as ``synthetic/p07/EP03_01`` and
    ``synthetic/p07/task1_2``. It shows no real person; scores on it say nothing about real faces.

    In addition to those of ``Options`` it has these options.

    Args:
        scheme: A name in ``data_modules/schemes``; if it lacks CAS(ME)^2, there are no macro-expressions.
        representation: The network's input for a clip.
        crop: How the face is cropped; frames show little except the face.
        missing_apex: As in ``ClipCorpus``; all apexes are annotated.
        folder: Folder of the corpus; None uses one in the cache, named after the options.
        cache: Folder of the cache; None takes the environment variable ``LIGHTMANNET_CACHE``, or
            ``lightmannet`` in the user's folder for caches.
        workers: Processes that render, decode and compute; None uses one per core.
        apex_error: As in ``ClipCorpus``.

    Raises:
        ConfigurationError: Invalid options; the message lists all of them.
    """

    scheme: str = "megc2019"
    representation: Representation = ApexFlow()
    crop: Crop = WholeFrame()
    missing_apex: MissingApex = "middle"
    folder: str | None = None
    cache: str | None = None
    workers: int | None = None
    apex_error: int = 0

    @cached_property
    def options(self) -> Options:
        """The options of the corpus alone."""
        return Options(**{option.name: getattr(self, option.name) for option in fields(Options)})

    @cached_property
    def corpus_folder(self) -> Path:
        """Path of the corpus."""
        if self.folder:
            return Path(self.folder).expanduser()
        return cache_folder(self.cache) / "rendered" / digest(repr(self.options), generator_digest())[:16]

    def prepare(self) -> None:
        """Write the corpus and compute its clips, if needed, with progress bars.

        Raises:
            ConfigurationError: The folder contains something else.
            DataError: As ``load``.
        """
        if not is_finished(self.corpus_folder, self.options):
            _LOG.info("the rendered corpus is written to %s", self.corpus_folder)
            write_corpus(self.corpus_folder, self.options, self.workers, wait=True)
        self._clips.prepare()

    def load(self) -> Corpus:
        """Return the corpus, after writing what is missing.

        Raises:
            ConfigurationError: The folder contains something else, or the scheme cannot be read.
            DataError: The corpus cannot be written, or is damaged.
        """
        self.prepare()
        corpus = self._clips.load()
        macro = None if corpus.macro is None else _renamed(corpus.macro)
        return replace(corpus, name="synthetic", micro=_renamed(corpus.micro), macro=macro, synthetic=True)

    @cached_property
    def _clips(self) -> ClipCorpus:
        knows_macro = "casme_sq" in read_scheme(self.scheme).databases
        return ClipCorpus(
            micro=[CASME2(str(self.corpus_folder / casme2_layout.FOLDER))],
            macro=[CASMESquared(str(self.corpus_folder / casme_sq_layout.FOLDER))] if knows_macro else [],
            scheme=self.scheme,
            representation=self.representation,
            crop=self.crop,
            missing_apex=self.missing_apex,
            cache=self.cache,
            workers=self.workers,
            apex_error=self.apex_error,
        )


def _renamed(clips: Clips) -> Clips:
    """Return the clips with people's common names in both databases."""
    # casme2/sub07/EP03_01 and casme_sq/s07/task1_2
    parts = [name.split("/") for name in clips.ids]
    people = tuple(f"synthetic/p{person.lstrip('sub')}" for _, person, _ in parts)
    return replace(
        clips,
        subjects=people,
        ids=tuple(f"{person}/{clip}" for person, (_, _, clip) in zip(people, parts, strict=True)),
    )
