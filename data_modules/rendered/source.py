"""The rendered corpus as a source of clips: made on first use, read as the databases are whose layouts it has."""

import logging
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from data_modules.apex import MissingApex
from data_modules.cache import digest
from data_modules.clip_corpus import ClipCorpus
from data_modules.corpus import Corpus
from data_modules.databases.casme2 import CASME2
from data_modules.databases.casme_sq import CASMESquared
from data_modules.frame_corpus import FrameCorpus
from data_modules.rendered import casme2_layout, casme_sq_layout
from data_modules.rendered.options import Balance, Options
from data_modules.rendered.synthesize import code_digest, is_finished, write_corpus
from data_modules.representations.base import Representation
from data_modules.representations.flow_image import ApexFlow
from data_modules.schemes import read_scheme
from data_modules.video.crop import Crop, WholeFrame
from lightmannet.episode import Clips

_LOG = logging.getLogger(__name__)


class RenderedFaces(FrameCorpus):
    """Rendered faces whose muscles move: invented people, micro clips to recognise, macro-expressions of long videos.

    The corpus is made on first use, with a progress bar, and kept; then it is read through the readers of CASME II and
    CAS(ME)^2. A person has one name in both, ``synthetic/p07``, and its clips are ``synthetic/p07/EP03_01`` and
    ``synthetic/p07/task1_2``. It shows no real person; scores on it say nothing about real faces.

    Args:
        subjects: Invented people, 1..999.
        micro_clips: Clips of a micro-expression for each of them.
        macro_clips: Macro-expressions in the long videos of each.
        video_micro_clips: Micro-expressions in the long videos of each beside them; they are not among the clips.
        seed: Seed of everything random.
        size: Height and width of a frame, pixels, even, 64..256.
        micro_fps: Frames a second of the micro clips.
        video_fps: Frames a second of the long videos.
        intensity: Strength of a micro-expression over that of a macro-expression, above 0, at most 1.
        typical: Share of micro-expressions that move units of the posed emotion, 0..1.
        noise: Factor of each camera's sensor noise.
        label_noise: Probability of a wrong label, and of each error in the coded units and apex, 0..0.5.
        distractors: Factor of blinks, head drift, speech and changing light.
        balance: How often each class occurs: alike, or as in CASME II or SMIC.
        jpeg_quality: Quality of the frames' JPEG files, 1..100.
        crf: Compression of the long videos.
        scheme: Classes, a name in ``data_modules/schemes``; one with CAS(ME)^2, or without macro-expressions.
        representation: What a network sees of a clip.
        crop: How the face is cut out; frames show the face and little else.
        missing_apex: As in ``ClipCorpus``; all apexes are annotated.
        folder: Where the corpus is; None takes a folder of its own in the cache, by the options.
        cache: Folder for what is computed; None takes the environment variable ``LIGHTMANNET_CACHE``, or
            ``lightmannet`` in the user's folder for caches.
        workers: Processes that render, decode and compute; None takes one a core.
        apex_error: As in ``ClipCorpus``.

    Raises:
        ConfigurationError: Impossible options; the message lists all.
    """

    def __init__(
        self,
        subjects: int = 40,
        micro_clips: int = 10,
        macro_clips: int = 10,
        video_micro_clips: int = 1,
        seed: int = 0,
        size: int = 128,
        micro_fps: int = 200,
        video_fps: int = 30,
        intensity: float = 0.5,
        typical: float = 0.95,
        noise: float = 1.0,
        label_noise: float = 0.05,
        distractors: float = 1.0,
        balance: Balance = "balanced",
        jpeg_quality: int = 95,
        crf: int = 18,
        scheme: str = "megc2019",
        representation: Representation = ApexFlow(),
        crop: Crop = WholeFrame(),
        missing_apex: MissingApex = "middle",
        folder: str | None = None,
        cache: str | None = None,
        workers: int | None = None,
        apex_error: int = 0,
    ) -> None:
        self.options = Options(
            subjects=subjects,
            micro_clips=micro_clips,
            macro_clips=macro_clips,
            video_micro_clips=video_micro_clips,
            seed=seed,
            size=size,
            micro_fps=micro_fps,
            video_fps=video_fps,
            intensity=intensity,
            typical=typical,
            noise=noise,
            label_noise=label_noise,
            distractors=distractors,
            balance=balance,
            jpeg_quality=jpeg_quality,
            crf=crf,
        )
        self.scheme, self.representation, self.crop, self.missing_apex = scheme, representation, crop, missing_apex
        self.given_folder, self.cache, self.workers, self.apex_error = folder, cache, workers, apex_error

    @cached_property
    def folder(self) -> Path:
        """Where the corpus is, or will be."""
        if self.given_folder:
            return Path(self.given_folder).expanduser()
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        cache = self.cache or os.environ.get("LIGHTMANNET_CACHE") or f"{caches}/lightmannet"
        return Path(cache).expanduser() / "rendered" / digest(repr(self.options), code_digest())[:16]

    def prepare(self) -> None:
        """Make the corpus and compute its clips, unless that was done, with progress bars.

        Raises:
            ConfigurationError: The folder holds something else.
            DataError: As ``load``.
        """
        if not is_finished(self.folder, self.options):
            _LOG.info("the rendered corpus is made in %s", self.folder)
            write_corpus(self.folder, self.options, self.workers, wait=True)
        self._clips.prepare()

    def load(self) -> Corpus:
        """Return the corpus; what is missing is made first.

        Raises:
            ConfigurationError: The folder holds something else, or the scheme cannot be read.
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
            micro=[CASME2(str(self.folder / casme2_layout.FOLDER))],
            macro=[CASMESquared(str(self.folder / casme_sq_layout.FOLDER))] if knows_macro else [],
            scheme=self.scheme,
            representation=self.representation,
            crop=self.crop,
            missing_apex=self.missing_apex,
            cache=self.cache,
            workers=self.workers,
            apex_error=self.apex_error,
        )


def _renamed(clips: Clips) -> Clips:
    """Return the clips with names of people that are the same in both databases."""
    # casme2/sub07/EP03_01 and casme_sq/s07/task1_2
    parts = [name.split("/") for name in clips.ids]
    people = tuple(f"synthetic/p{person.lstrip('sub')}" for _, person, _ in parts)
    return replace(
        clips,
        subjects=people,
        ids=tuple(f"{person}/{clip}" for person, (_, _, clip) in zip(people, parts, strict=True)),
    )
