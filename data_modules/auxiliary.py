"""Where the macro-expressions of D^aux come from."""

from dataclasses import replace
from typing import Literal

import torch

from data_modules.corpus import Corpus
from data_modules.flow import HIGH, LOW, SIZE, magnify
from data_modules.protocols import Fold, select_subjects
from data_modules.scaling import rescale
from data_modules.synthetic.motion import SyntheticMotion
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError

Auxiliary = Literal["none", "corpus", "magnified", "motion"]

DESCRIPTIONS: dict[Auxiliary, str] = {
    "none": "no auxiliary clips",
    "corpus": "the corpus's own macro-expressions",
    "magnified": "a stand-in: the motion of other training clips, magnified (no real macro-expressions)",
    "motion": "a stand-in: synthetic facial motion (no real macro-expressions)",
}


def auxiliary_clips(kind: Auxiliary, corpus: Corpus, fold: Fold, magnification: float) -> Clips | None:
    """Return the pool that D^aux is drawn from, without a clip of the fold's validation or test people.

    Args:
        kind: ``corpus``, the corpus's own macro-expressions; ``magnified``, the training people's micro-expressions
            with their motion magnified; ``motion``, the synthetic macro-expressions of ``SyntheticMotion``, the same
            field in every phase; ``none``, no pool. The second and third are stand-ins and not real macro-expressions.
            ``magnified`` needs motion or difference images, ``motion`` needs motion images of 28 × 28.
        corpus: The corpus at hand.
        fold: Its people.
        magnification: Factor of ``magnified``, > 1.

    Raises:
        ConfigurationError: ``corpus`` for a corpus without macro-expressions, a magnification of 1 or less, or
            images that the stand-in cannot be made of.
    """
    if kind == "none":
        return None
    if kind == "corpus":
        if corpus.macro is None:
            raise ConfigurationError(
                f"The corpus {corpus.name} has no macro-expressions. "
                "Set auxiliary to magnified or motion, two stand-ins."
            )
        return _without_strangers(corpus.macro, fold)
    if kind == "magnified":
        if magnification <= 1:
            raise ConfigurationError(f"auxiliary: magnified needs magnification > 1, but it is {magnification}.")
        if corpus.kind == "frames":
            raise ConfigurationError(
                "auxiliary: magnified needs motion or difference images; frames show no motion to magnify."
            )
        training = select_subjects(corpus.micro, fold.train)
        if corpus.kind == "difference":
            return replace(training, inputs=torch.clamp(training.inputs * magnification, LOW, HIGH))
        return replace(training, inputs=magnify(training.inputs, magnification))
    size = corpus.micro.inputs.shape[-1]
    if corpus.kind != "motion" or size != SIZE:
        raise ConfigurationError(
            f"auxiliary: motion is made of motion images of {SIZE} × {SIZE} pixels, but the corpus has {corpus.kind} "
            f"images of {size} × {size}."
        )
    synthetic = SyntheticMotion().load()
    macro = synthetic.macro
    assert macro is not None  # SyntheticMotion always makes macro-expressions
    # The corpus at hand may be SyntheticMotion, too.
    macro = _without_strangers(macro, fold)
    inputs = rescale(macro.inputs, synthetic.scaling, corpus.scaling)
    return replace(macro, inputs=inputs.expand(-1, corpus.micro.inputs.shape[1], -1, -1, -1))


def _without_strangers(clips: Clips, fold: Fold) -> Clips:
    return select_subjects(clips, tuple(set(clips.subjects) - set(fold.test) - set(fold.validation)))
