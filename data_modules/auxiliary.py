"""Where the macro-expressions of D^aux come from."""

from dataclasses import replace
from typing import Literal

from data_modules.corpus import Corpus
from data_modules.flow import magnify
from data_modules.protocols import Fold, select_subjects
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
        corpus: The corpus at hand.
        fold: Its people.
        magnification: Factor of ``magnified``, > 1.

    Raises:
        ConfigurationError: ``corpus`` for a corpus without macro-expressions, or a magnification of 1 or less.
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
        training = select_subjects(corpus.micro, fold.train)
        return replace(training, inputs=magnify(training.inputs, magnification))
    macro = SyntheticMotion(stretched=corpus.stretched).load().macro
    assert macro is not None  # SyntheticMotion always makes macro-expressions
    # The corpus at hand may be SyntheticMotion, too.
    macro = _without_strangers(macro, fold)
    return replace(macro, inputs=macro.inputs.expand(-1, corpus.micro.inputs.shape[1], -1, -1, -1))


def _without_strangers(clips: Clips, fold: Fold) -> Clips:
    return select_subjects(clips, tuple(set(clips.subjects) - set(fold.test) - set(fold.validation)))
