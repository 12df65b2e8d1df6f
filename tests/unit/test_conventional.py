"""Batches of the conventional data module."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from data_modules.conventional import ConventionalDataModule
from data_modules.corpus import CLASSES, Corpus, CorpusSource
from data_modules.flow import mirror
from data_modules.protocols import SubjectKFold
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from tests.clips import MadeCorpus, clips_of, make_clips, same


class Unbalanced(CorpusSource):
    """Four people; classes 0, 1, 2 of 40, 8 and 4 clips."""

    def load(self) -> Corpus:
        clips = clips_of([(who, label) for who in range(4) for label in [0] * 10 + [1] * 2 + [2]])
        return Corpus("made", CLASSES, clips, None, None, True)


def module(corpus: CorpusSource | None = None, **options: Any) -> ConventionalDataModule:
    made = ConventionalDataModule(corpus or MadeCorpus(size=8), SubjectKFold(4), validation_fraction=0, **options)
    made.setup("fit")
    return made


def epoch(made: ConventionalDataModule, number: int = 0) -> list[Clips]:
    plan = made.training_plan()
    batches = [plan[number, batch] for batch in range(len(plan))]
    return [batch for batch in batches if isinstance(batch, Clips)]


def test_the_last_batch_is_smaller() -> None:
    # 54 clips to train on, 18 to test on.
    made = module(batch_size=16)
    assert [len(batch) for batch in epoch(made)] == [16, 16, 16, 6]
    assert [len(batch) for batch in made.test_dataloader() if isinstance(batch, Clips)] == [16, 2]


def test_test_clips_come_in_order() -> None:
    made = module(batch_size=7)
    ids = [clip for batch in made.test_dataloader() if isinstance(batch, Clips) for clip in batch.ids]
    assert ids == list(made.testing.ids)


def test_without_balancing_each_clip_comes_once_an_epoch_in_another_order_each_time() -> None:
    made = module(batch_size=10, class_balanced=False, augmentation=None)
    orders = [[clip for batch in epoch(made, number) for clip in batch.ids] for number in range(3)]
    assert all(sorted(order) == sorted(made.training.ids) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert list(made.training.ids) not in orders


def test_with_balancing_each_class_comes_equally_often() -> None:
    made = module(Unbalanced(), batch_size=13, augmentation=None)
    assert Counter(made.training.labels.tolist()) == {0: 30, 1: 6, 2: 3}
    drawn = Counter(label for number in range(60) for batch in epoch(made, number) for label in batch.labels.tolist())
    assert drawn.total() == 60 * 39
    # 780 of each; the standard deviation is 23.
    assert all(abs(drawn[label] - 780) < 80 for label in range(3))


def test_with_balancing_clips_of_one_class_come_equally_often() -> None:
    made = module(Unbalanced(), batch_size=39, augmentation=None)
    drawn = Counter(clip for number in range(200) for batch in epoch(made, number) for clip in batch.ids)
    for label in range(3):
        counts = [
            drawn[clip]
            for clip, of in zip(made.training.ids, made.training.labels.tolist(), strict=True)
            if of == label
        ]
        assert counts == pytest.approx([sum(counts) / len(counts)] * len(counts), rel=0.3)


def test_any_batch_can_be_made_alone() -> None:
    made = module(batch_size=10)
    batches = epoch(made, 4)
    last = module(batch_size=10).training_plan()[4, len(batches) - 1]
    assert isinstance(last, Clips)
    assert same(last, batches[-1])


def test_without_augmentation_the_clips_are_as_they_are() -> None:
    made = module(augmentation=None, class_balanced=False)
    for batch in epoch(made):
        assert same(batch, made.training.select([made.training.ids.index(clip) for clip in batch.ids]))


def test_a_clip_is_augmented_in_another_way_in_each_epoch() -> None:
    made = module(class_balanced=False)
    first, second = (
        {clip: batch.inputs[i] for batch in epoch(made, n) for i, clip in enumerate(batch.ids)} for n in (0, 1)
    )
    assert all(not torch.equal(first[clip], second[clip]) for clip in made.training.ids)


@pytest.mark.parametrize("class_balanced", [True, False])
def test_which_clips_are_drawn_says_nothing_about_how_they_are_augmented(class_balanced: bool) -> None:
    made = module(batch_size=54, class_balanced=class_balanced, augmentation=Augmentation(True, 0, 0.0))
    original = dict(zip(made.training.ids, made.training.inputs, strict=True))
    place, mirrored = [], []
    for number in range(40):
        (batch,) = epoch(made, number)
        place += [made.training.ids.index(clip) for clip in batch.ids]
        mirrored += [
            torch.equal(new, mirror(original[clip])) for clip, new in zip(batch.ids, batch.inputs, strict=True)
        ]
    assert 0.45 < np.mean(mirrored) < 0.55
    # Uncorrelated within 4 standard deviations.
    assert abs(np.corrcoef(place, mirrored)[0, 1]) < 4 / len(place) ** 0.5


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_that_is_not_positive_is_refused(batch_size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"batch_size must be 1 or more, but is {batch_size}"):
        module(batch_size=batch_size)


def test_making_batches_leaves_the_corpus_as_it_was() -> None:
    made = module(class_balanced=False)
    epoch(made)
    assert same(made.corpus.micro, make_clips(72, subjects=8, size=8))
