"""Synthetic macro-expressions as D^aux of a corpus that has none of its own."""

from dataclasses import dataclass, replace

from data_modules.auxiliary import AuxiliarySource
from data_modules.corpus import Corpus
from data_modules.flow import SIZE
from data_modules.protocols import Fold
from data_modules.scaling import rescale
from data_modules.synthetic.motion import SyntheticMotion
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError


@dataclass(frozen=True)
class SyntheticMacro(AuxiliarySource):
    """A stand-in: the macro-expressions of ``SyntheticMotion``, motion images of 28 × 28, alike in every phase."""

    description = "a stand-in: synthetic facial motion (no real macro-expressions)"
    stand_in = True

    def pool(self, corpus: Corpus, fold: Fold) -> Clips:
        """Return the generated clips, in the scaling of the corpus."""
        size = corpus.micro.inputs.shape[-1]
        if corpus.kind != "motion" or size != SIZE:
            raise ConfigurationError(
                f"auxiliary: SyntheticMacro makes motion images of {SIZE} × {SIZE} pixels, but the corpus has "
                f"{corpus.kind} images of {size} × {size}."
            )
        synthetic = SyntheticMotion().load()
        macro = synthetic.macro
        assert macro is not None  # SyntheticMotion always makes macro-expressions
        inputs = rescale(macro.inputs, synthetic.scaling, corpus.scaling)
        return replace(macro, inputs=inputs.expand(-1, corpus.micro.inputs.shape[1], -1, -1, -1))
