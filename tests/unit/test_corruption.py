"""Data made worse on purpose."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from data_modules.auxiliary import MagnifiedMicro
from data_modules.conventional import ConventionalDataModule
from data_modules.corpus import InputKind
from data_modules.corruption import Corruption
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import SubjectKFold
from lightmannet.episode import Clips, Episode
from lightmannet.errors import ConfigurationError
from tests.clips import MadeCorpus, clips_of, make_clips, same


def module(**options: Any) -> ConventionalDataModule:
    made = ConventionalDataModule(
        MadeCorpus(size=8), SubjectKFold(4), validation_fraction=0, corruption=Corruption(**options)
    )
    made.setup("fit")
    return made


def test_as_it_stands_it_changes_nothing() -> None:
    clips = make_clips(12, size=8)
    assert Corruption().training(clips, 3, 0) is clips
    assert Corruption().testing(clips, "motion", 0) is clips


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": 0.0}, "needs 0 < people <= 1, but has people: 0.0"),
        ({"minority": 1.5}, "needs 0 < minority <= 1, but has minority: 1.5"),
        ({"clips_per_class": 0}, "needs clips_per_class >= 1, but has clips_per_class: 0"),
        ({"label_noise": 1.0}, "needs 0 <= label_noise < 1, but has label_noise: 1.0"),
        ({"gain": -1.0}, "needs gain >= 0, but has gain: -1.0"),
        ({"blur": -1.0, "noise": -2.0}, "needs blur >= 0, noise >= 0, but has blur: -1.0, noise: -2.0"),
        ({"occlusion": 1.0}, "needs 0 <= occlusion < 1, but has occlusion: 1.0"),
    ],
)
def test_values_outside_their_range_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Corruption(**options)


@pytest.mark.parametrize("options", [{"people": 0.5}, {"minority": 0.5}, {"label_noise": 0.3}])
def test_what_spoils_training_leaves_test_clips_alone(options: dict[str, float]) -> None:
    assert same(module(**options).testing, module().testing)
    assert not same(module(**options).training, module().training)


@pytest.mark.parametrize("options", [{"gain": 0.5}, {"blur": 1.0}, {"noise": 0.1}, {"occlusion": 0.4}])
def test_what_spoils_test_images_leaves_training_clips_and_test_labels_alone(options: dict[str, float]) -> None:
    spoilt, whole = module(**options), module()
    assert same(spoilt.training, whole.training)
    assert not torch.equal(spoilt.testing.inputs, whole.testing.inputs)
    assert same(replace(spoilt.testing, inputs=whole.testing.inputs), whole.testing)
    assert -0.5 <= spoilt.testing.inputs.min() <= spoilt.testing.inputs.max() <= 0.5


def test_a_share_of_the_people_stays_with_all_their_clips() -> None:
    clips = make_clips(180, subjects=20, size=4)
    fewer = Corruption(people=0.25).training(clips, 3, 0)
    assert len(set(fewer.subjects)) == 5
    assert set(Counter(fewer.labels.tolist()).values()) == {15}
    for person in set(fewer.subjects):
        assert fewer.subjects.count(person) == clips.subjects.count(person)


def test_nobody_is_not_enough() -> None:
    with pytest.raises(ConfigurationError, match=r"people: 0\.01 of the training people leaves nobody"):
        Corruption(people=0.01).training(make_clips(9, subjects=1, size=4), 3, 0)


def test_the_commonest_class_keeps_its_clips_and_the_others_a_share() -> None:
    clips = clips_of([(i % 5, 0) for i in range(40)] + [(i % 5, 1) for i in range(20)] + [(0, 2)])
    rarer = Corruption(minority=0.25).training(clips, 3, 0)
    assert Counter(rarer.labels.tolist()) == {0: 40, 1: 5, 2: 1}
    assert set(rarer.ids) <= set(clips.ids)


def test_a_share_of_the_labels_is_of_another_class_each_alike() -> None:
    clips = make_clips(3000, size=3)
    noisy = Corruption(label_noise=0.4).training(clips, 3, 7)
    wrong = noisy.labels != clips.labels
    assert int(wrong.sum()) == 1200
    moves = Counter(zip(clips.labels[wrong].tolist(), noisy.labels[wrong].tolist(), strict=True))
    assert len(moves) == 6
    assert all(abs(count - 200) < 60 for count in moves.values())
    assert torch.equal(noisy.labels, Corruption(label_noise=0.4).training(clips, 3, 7).labels)
    assert not torch.equal(noisy.labels, Corruption(label_noise=0.4).training(clips, 3, 8).labels)


def test_wrong_labels_reach_supports_and_magnified_clips() -> None:
    made = EpisodicDataModule(
        MadeCorpus(clips=144, size=8),
        SubjectKFold(4),
        validation_fraction=0,
        n_shot=2,
        n_query=2,
        auxiliary=MagnifiedMicro(),
        corruption=Corruption(label_noise=0.3),
    )
    made.setup("fit")
    truth = dict(zip(made.corpus.micro.ids, made.corpus.micro.labels.tolist(), strict=True))
    assert any(truth[clip] != label for clip, label in _labelled(made.training))
    episodes = [episode for episode in made.train_dataloader() if isinstance(episode, Episode)]
    for part in ("support", "query", "auxiliary"):
        shown = [pair for episode in episodes for pair in _labelled(getattr(episode, part))]
        told = dict(_labelled(made.training))
        assert all(told[clip] == label for clip, label in shown)
        assert any(truth[clip] != label for clip, label in shown)


def _labelled(clips: Clips) -> list[tuple[str, int]]:
    return list(zip(clips.ids, clips.labels.tolist(), strict=True))


@pytest.mark.parametrize("kind", ["motion", "difference", "frames"])
def test_gain_scales_what_is_seen_from_its_zero(kind: InputKind) -> None:
    clips = make_clips(4, size=8)
    changed = Corruption(gain=0.5).testing(clips, kind, 0).inputs
    zero = torch.tensor({"motion": [0.0, 0.0, -0.5], "difference": [0.0] * 3, "frames": [-0.5] * 3}[kind])
    zero = zero[:, None, None]
    torch.testing.assert_close(changed - zero, (clips.inputs - zero) / 2)


def test_blur_is_a_gaussian_of_the_width_asked_for_that_keeps_the_mean() -> None:
    clips = replace(make_clips(1, size=41), inputs=torch.zeros(1, 1, 3, 41, 41))
    clips.inputs[..., 20, 20] = 0.4
    spot = Corruption(blur=2.0).testing(clips, "difference", 0).inputs[0, 0, 0]
    assert float(spot.sum()) == pytest.approx(0.4, rel=1e-5)
    place = np.arange(41) - 20
    for axis in (0, 1):
        spread = float((spot.sum(axis).numpy() * place**2).sum()) / 0.4
        assert np.sqrt(spread) == pytest.approx(2, rel=0.02)


def test_noise_has_the_deviation_asked_for() -> None:
    clips = replace(make_clips(50, size=28), inputs=torch.zeros(50, 1, 3, 28, 28))
    noisy = Corruption(noise=0.05).testing(clips, "difference", 0).inputs
    assert float(noisy.std()) == pytest.approx(0.05, rel=0.02)
    assert torch.equal(clips.inputs, torch.zeros(50, 1, 3, 28, 28))
    assert not torch.equal(noisy, Corruption(noise=0.05).testing(clips, "difference", 1).inputs)


def test_occlusion_hides_a_square_of_the_size_asked_for() -> None:
    clips = replace(make_clips(5, size=20), inputs=torch.full((5, 1, 3, 20, 20), 0.3))
    hidden = Corruption(occlusion=0.4).testing(clips, "difference", 0).inputs == 0
    assert hidden.sum((-2, -1)).unique().tolist() == [64]


def test_a_few_clips_per_class_are_exactly_that_many_and_a_larger_number_adds_to_them() -> None:
    clips = make_clips(30, size=8)
    few, more = (Corruption(clips_per_class=count).training(clips, 3, 0) for count in (2, 5))
    assert Counter(few.labels.tolist()) == {0: 2, 1: 2, 2: 2}
    assert Counter(more.labels.tolist()) == {0: 5, 1: 5, 2: 5}
    assert set(few.ids) < set(more.ids) < set(clips.ids)
    assert Corruption(clips_per_class=2).training(clips, 3, 1).ids != few.ids


def test_more_clips_than_a_class_has_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="clips_per_class: 11, but class 0 has 10 training clips"):
        Corruption(clips_per_class=11).training(make_clips(30, size=8), 3, 0)
