"""Where the clips of D^aux come from."""

from dataclasses import replace

import pytest
import torch

from data_modules.auxiliary import AuxiliarySource, CorpusMacro, MagnifiedMicro
from data_modules.corpus import CLASSES, Corpus, InputKind
from data_modules.flow import magnify
from data_modules.macro_sets import MacroSets
from data_modules.protocols import Fold, select_subjects
from data_modules.scaling import CENTRED, STRETCHED, Scaling, rescale
from data_modules.synthetic import macro
from data_modules.synthetic.images import SCALING
from data_modules.synthetic.macro import SyntheticMacro
from lightmannet.errors import ConfigurationError
from tests.clips import make_clips, same

FOLD = Fold(
    train=("made/p00", "made/p01", "made/p02"), validation=("made/p03",), test=("made/p04", "made/p05")
)  # of make_clips' six people
STRANGERS = {*FOLD.validation, *FOLD.test}


def corpus(phases: int = 1, scaling: Scaling = SCALING, size: int = 28, kind: InputKind = "motion") -> Corpus:
    """A corpus whose macro-expressions are those of the same people, and of one who has no other clips."""
    return Corpus(
        name="made",
        classes=CLASSES,
        micro=make_clips(36, size=size, phases=phases),
        macro=make_clips(42, seed=1, size=size, subjects=7, phases=phases),
        scaling=scaling,
        synthetic=True,
        kind=kind,
    )


class Motion:
    """Stands for SyntheticMotion, with people of the same names as the corpus's."""

    def load(self) -> Corpus:
        return corpus()


@pytest.fixture
def motion(monkeypatch: pytest.MonkeyPatch) -> type[Motion]:
    monkeypatch.setattr(macro, "SyntheticMotion", Motion)
    return Motion


@pytest.mark.usefixtures("motion")
@pytest.mark.parametrize("source", [CorpusMacro(), MagnifiedMicro(), SyntheticMacro()])
def test_no_pool_shows_a_person_set_aside_and_each_shows_all_others(source: AuxiliarySource) -> None:
    pool = source.clips(corpus(), FOLD)
    outsiders = set() if isinstance(source, MagnifiedMicro) else {"made/p06"}
    assert set(pool.subjects) == {*FOLD.train, *outsiders}
    assert not STRANGERS & set(pool.subjects)


def test_the_macro_expressions_of_the_corpus_are_taken_as_they_are() -> None:
    macro = corpus().macro
    assert macro is not None
    expected = macro.select([i for i, person in enumerate(macro.subjects) if person not in STRANGERS])
    assert same(CorpusMacro().clips(corpus(), FOLD), expected)


def test_a_corpus_without_macro_expressions_is_named_with_the_way_out() -> None:
    without = replace(corpus(), name="megc2019", macro=None)
    with pytest.raises(
        ConfigurationError, match=r"megc2019 has no macro-expressions.*MagnifiedMicro or SyntheticMacro"
    ):
        CorpusMacro().clips(without, FOLD)


def test_magnified_clips_are_those_of_training_with_their_motion_scaled_and_their_ids_kept() -> None:
    training = select_subjects(corpus(phases=2).micro, FOLD.train)
    pool = MagnifiedMicro(2.5).clips(corpus(phases=2), FOLD)
    assert same(pool, replace(training, inputs=magnify(training.inputs, 2.5)))


@pytest.mark.parametrize("magnification", [1.0, 0.5, -4.0])
def test_a_magnification_that_does_not_magnify_is_refused(magnification: float) -> None:
    with pytest.raises(ConfigurationError, match=f"MagnifiedMicro needs factor > 1, but it is {magnification}"):
        MagnifiedMicro(magnification)


@pytest.mark.usefixtures("motion")
@pytest.mark.parametrize("scaling", [SCALING, STRETCHED, CENTRED])
def test_synthetic_motion_is_scaled_like_the_corpus_and_the_same_in_every_phase(scaling: Scaling) -> None:
    pool = SyntheticMacro().clips(corpus(phases=3, scaling=scaling), FOLD)
    macro = corpus().macro
    assert macro is not None
    kept = macro.select([i for i, person in enumerate(macro.subjects) if person not in STRANGERS])
    assert pool.inputs.shape == (len(kept), 3, 3, 28, 28)
    assert torch.equal(pool.inputs, rescale(kept.inputs, SCALING, scaling).expand(-1, 3, -1, -1, -1))
    assert (pool.ids, pool.labels.tolist()) == (kept.ids, kept.labels.tolist())


def test_magnified_differences_grow_about_no_change() -> None:
    training = select_subjects(corpus().micro, FOLD.train)
    pool = MagnifiedMicro(2.0).clips(corpus(kind="difference"), FOLD)
    assert torch.equal(pool.inputs, (2 * training.inputs).clamp(-0.5, 0.5))


def test_frames_have_no_motion_to_magnify() -> None:
    with pytest.raises(ConfigurationError, match="MagnifiedMicro needs motion or difference images"):
        MagnifiedMicro(2.0).clips(corpus(kind="frames"), FOLD)


@pytest.mark.parametrize(("kind", "size"), [("frames", 28), ("difference", 28), ("motion", 56)])
def test_synthetic_motion_is_no_stand_in_for_other_images(kind: InputKind, size: int) -> None:
    message = f"makes motion images of 28 × 28 pixels, but the corpus has {kind} images of {size} × {size}"
    with pytest.raises(ConfigurationError, match=message):
        SyntheticMacro().clips(corpus(kind=kind, size=size), FOLD)


def test_the_synthetic_motion_there_is_serves_every_class_and_shows_nobody_of_the_corpus() -> None:
    pool = SyntheticMacro().clips(replace(corpus(), micro=make_clips(36, phases=2)), FOLD)
    assert pool.inputs.shape[1:] == (2, 3, 28, 28)
    assert set(pool.labels.tolist()) == {0, 1, 2}
    assert not set(pool.subjects) & set(make_clips(36).subjects)


def test_every_source_is_described_and_the_stand_ins_are_called_so() -> None:
    sources: tuple[AuxiliarySource, ...] = (CorpusMacro(), MagnifiedMicro(), SyntheticMacro())
    assert {type(source) for source in sources} == set(AuxiliarySource.__subclasses__()) - {MacroSets}
    for source in sources:
        assert source.describe() == source.description
        assert ("stand-in" in source.description) == source.stand_in
