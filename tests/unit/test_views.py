"""Several extractions of the same clips as one corpus."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from data_modules.corpus import Corpus, CorpusSource
from data_modules.flow import magnify, mirror
from data_modules.scaling import CENTRED, STRETCHED
from data_modules.transforms import Augmentation
from data_modules.views import Views
from lightmannet.errors import ConfigurationError
from tests.clips import MadeCorpus, make_clips


class Given(CorpusSource):
    """A corpus that is there already; counts how often it is prepared."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self.prepared = corpus, 0

    def prepare(self) -> None:
        self.prepared += 1

    def load(self) -> Corpus:
        return self.corpus


ONE = MadeCorpus(clips=24).load()
TWO = replace(ONE, name="other", micro=make_clips(24, seed=5, subjects=8))


def views(*corpora: Corpus) -> Corpus:
    return Views([Given(corpus) for corpus in corpora]).load()


def test_clips_are_joined_by_name_and_stacked_as_channels() -> None:
    shuffled = replace(TWO, micro=TWO.micro.select([*range(23, -1, -1)]))
    made = views(ONE, shuffled)
    assert made.micro.inputs.shape == (24, 1, 6, 28, 28)
    assert torch.equal(made.micro.inputs[:, :, :3], ONE.micro.inputs)
    assert torch.equal(made.micro.inputs[:, :, 3:], TWO.micro.inputs)
    assert made.micro.ids == ONE.micro.ids
    assert made.macro is None
    assert made.scaling == ONE.scaling


@pytest.mark.parametrize(("one", "other", "both"), [(CENTRED, STRETCHED, STRETCHED), (CENTRED, None, None)])
def test_views_of_two_scalings_have_none_or_the_one_that_allows_least(one: Any, other: Any, both: Any) -> None:
    assert views(replace(ONE, scaling=one), replace(TWO, scaling=other)).scaling == both


def test_operations_do_to_each_view_what_they_do_to_one() -> None:
    one, two = ONE.micro.inputs, TWO.micro.inputs
    both = torch.cat([one, two], 2)
    for change in (mirror, lambda images: magnify(images, 1.7)):
        assert torch.equal(change(both), torch.cat([change(one), change(two)], 2))
    augmentation = Augmentation(rotation=9, zoom=0.1, occlusion=0.2)
    stacked = replace(ONE.micro, inputs=both)
    changed, first, second = (
        augmentation(clips, np.random.default_rng(3)).inputs for clips in (stacked, ONE.micro, TWO.micro)
    )
    torch.testing.assert_close(changed, torch.cat([first, second], 2))


def test_every_corpus_is_prepared() -> None:
    sources = [Given(ONE), Given(TWO)]
    Views([*sources]).prepare()
    assert [source.prepared for source in sources] == [1, 1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(TWO, kind="difference"), "motion images are expected of both, not motion and difference"),
        (
            replace(TWO, classes=("a", "b", "c")),
            r"corpus 2 \(other\) does not fit the first \(made\): its class",
        ),
        (replace(TWO, micro=TWO.micro.select([*range(23)])), "lacks 1 clips of the first and has 0 others, such as"),
        (replace(TWO, micro=replace(TWO.micro, labels=TWO.micro.labels.flip(0))), "a clip has another class or person"),
        (replace(TWO, micro=make_clips(24, size=56, subjects=8)), r"its inputs are \(1, 3, 56, 56\), not \(1, 3, 28"),
    ],
)
def test_corpora_of_other_clips_are_refused(other: Corpus, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        views(ONE, other)


def test_one_view_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="name two corpora of the same clips, or more"):
        Views([Given(ONE)])
