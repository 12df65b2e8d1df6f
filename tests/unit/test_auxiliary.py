"""Where the clips of D^aux come from."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from data_modules import auxiliary
from data_modules.auxiliary import DESCRIPTIONS, Auxiliary, auxiliary_clips
from data_modules.corpus import CLASSES, Corpus, InputKind
from data_modules.flow import magnify
from data_modules.protocols import Fold, select_subjects
from data_modules.scaling import CENTRED, STRETCHED, Scaling, rescale
from data_modules.synthetic.images import SCALING
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
    monkeypatch.setattr(auxiliary, "SyntheticMotion", Motion)
    return Motion


def test_none_is_no_pool() -> None:
    assert auxiliary_clips("none", corpus(), FOLD, magnification=4.0) is None


@pytest.mark.usefixtures("motion")
@pytest.mark.parametrize("kind", ["corpus", "magnified", "motion"])
def test_no_pool_shows_a_person_set_aside_and_each_shows_all_others(kind: Auxiliary) -> None:
    pool = auxiliary_clips(kind, corpus(), FOLD, magnification=4.0)
    assert pool is not None
    outsiders = set() if kind == "magnified" else {"made/p06"}
    assert set(pool.subjects) == {*FOLD.train, *outsiders}
    assert not STRANGERS & set(pool.subjects)


def test_the_macro_expressions_of_the_corpus_are_taken_as_they_are() -> None:
    macro = corpus().macro
    assert macro is not None
    expected = macro.select([i for i, person in enumerate(macro.subjects) if person not in STRANGERS])
    assert same(auxiliary_clips("corpus", corpus(), FOLD, magnification=4.0), expected)


def test_a_corpus_without_macro_expressions_is_named_with_the_way_out() -> None:
    without = replace(corpus(), name="megc2019", macro=None)
    with pytest.raises(ConfigurationError, match=r"megc2019 has no macro-expressions\. Set auxiliary to magnified"):
        auxiliary_clips("corpus", without, FOLD, magnification=4.0)


def test_magnified_clips_are_those_of_training_with_their_motion_scaled_and_their_ids_kept() -> None:
    training = select_subjects(corpus(phases=2).micro, FOLD.train)
    pool = auxiliary_clips("magnified", corpus(phases=2), FOLD, magnification=2.5)
    assert same(pool, replace(training, inputs=magnify(training.inputs, 2.5)))


@pytest.mark.parametrize("magnification", [1.0, 0.5, -4.0])
def test_a_magnification_that_does_not_magnify_is_refused(magnification: float) -> None:
    with pytest.raises(ConfigurationError, match=f"needs magnification > 1, but it is {magnification}"):
        auxiliary_clips("magnified", corpus(), FOLD, magnification)


@pytest.mark.usefixtures("motion")
@pytest.mark.parametrize("scaling", [SCALING, STRETCHED, CENTRED])
def test_synthetic_motion_is_scaled_like_the_corpus_and_the_same_in_every_phase(scaling: Scaling) -> None:
    pool = auxiliary_clips("motion", corpus(phases=3, scaling=scaling), FOLD, magnification=4.0)
    macro = corpus().macro
    assert pool is not None
    assert macro is not None
    kept = macro.select([i for i, person in enumerate(macro.subjects) if person not in STRANGERS])
    assert pool.inputs.shape == (len(kept), 3, 3, 28, 28)
    assert torch.equal(pool.inputs, rescale(kept.inputs, SCALING, scaling).expand(-1, 3, -1, -1, -1))
    assert (pool.ids, pool.labels.tolist()) == (kept.ids, kept.labels.tolist())


def test_magnified_differences_grow_about_no_change() -> None:
    training = select_subjects(corpus().micro, FOLD.train)
    pool = auxiliary_clips("magnified", corpus(kind="difference"), FOLD, magnification=2.0)
    assert pool is not None
    assert torch.equal(pool.inputs, (2 * training.inputs).clamp(-0.5, 0.5))


def test_frames_have_no_motion_to_magnify() -> None:
    with pytest.raises(ConfigurationError, match="magnified needs motion or difference images"):
        auxiliary_clips("magnified", corpus(kind="frames"), FOLD, magnification=2.0)


@pytest.mark.parametrize(("kind", "size"), [("frames", 28), ("difference", 28), ("motion", 56)])
def test_synthetic_motion_is_no_stand_in_for_other_images(kind: InputKind, size: int) -> None:
    message = f"made of motion images of 28 × 28 pixels, but the corpus has {kind} images of {size} × {size}"
    with pytest.raises(ConfigurationError, match=message):
        auxiliary_clips("motion", corpus(kind=kind, size=size), FOLD, magnification=2.0)


def test_the_synthetic_motion_there_is_serves_every_class_and_shows_nobody_of_the_corpus() -> None:
    pool = auxiliary_clips("motion", replace(corpus(), micro=make_clips(36, phases=2)), FOLD, magnification=4.0)
    assert pool is not None
    assert pool.inputs.shape[1:] == (2, 3, 28, 28)
    assert set(pool.labels.tolist()) == {0, 1, 2}
    assert not set(pool.subjects) & set(make_clips(36).subjects)


def test_every_kind_is_described_and_the_stand_ins_are_called_so() -> None:
    assert set(DESCRIPTIONS) == set(get_args(Auxiliary))
    assert {kind for kind, text in DESCRIPTIONS.items() if "stand-in" in text} == {"magnified", "motion"}
