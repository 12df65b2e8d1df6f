"""The embedded corpus: counts, ranges, determinism, difficulty, errors."""

from collections import Counter

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from data_modules.corpus import CLASSES, Corpus
from data_modules.flow import mirror
from data_modules.objective_class import objective_class
from data_modules.scaling import STRETCHED
from data_modules.synthetic import SyntheticMotion
from data_modules.synthetic.action_units import read_action_units
from data_modules.synthetic.expressions import (
    CLASS_OF_EMOTION,
    MACRO,
    MACRO_OVER_MICRO,
    MICRO,
    draw_emotions,
    draw_intensities,
)
from data_modules.synthetic.images import SCALING
from lightmannet.errors import ConfigurationError


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return SyntheticMotion().load()


def test_the_corpus_says_what_it_is(corpus: Corpus) -> None:
    assert corpus.name == "synthetic"
    assert corpus.classes == CLASSES
    assert corpus.synthetic
    assert corpus.scaling == SCALING
    assert SyntheticMotion(6, 30, 7, stretched=True).load().scaling == STRETCHED


def test_micro_counts_are_those_of_megc2019(corpus: Corpus) -> None:
    counts = Counter(zip(corpus.micro.databases, corpus.micro.labels.tolist(), strict=True))
    expected = {"synthetic_a": (88, 32, 25), "synthetic_b": (70, 51, 43), "synthetic_c": (92, 26, 15)}
    assert counts == {(name, label): n for name, row in expected.items() for label, n in enumerate(row)}
    subjects = Counter(subject.split("/")[0] for subject in set(corpus.micro.subjects))
    assert subjects == {"synthetic_a": 24, "synthetic_b": 16, "synthetic_c": 28}


def test_people_have_from_1_to_38_clips(corpus: Corpus) -> None:
    clips = Counter(corpus.micro.subjects).values()
    assert (min(clips), max(clips)) == (1, 38)


def test_ids_are_unique_and_start_with_database_and_subject(corpus: Corpus) -> None:
    assert corpus.macro is not None
    for clips in (corpus.micro, corpus.macro):
        assert len(set(clips.ids)) == len(clips)
        assert all(name.startswith(f"{subject}/") for name, subject in zip(clips.ids, clips.subjects, strict=True))
    assert corpus.micro.ids[0] == "synthetic_a/a01/01"


def test_macro_clips_are_balanced_over_emotions_and_of_other_people(corpus: Corpus) -> None:
    assert corpus.macro is not None
    counts = torch.bincount(corpus.macro.labels).tolist()
    assert sum(counts) == 600
    assert all(abs(n - 600 / 7 * emotions) <= emotions for n, emotions in zip(counts, (5, 1, 1), strict=True))
    assert set(corpus.macro.databases) == {"synthetic_macro"}
    assert not set(corpus.macro.subjects) & set(corpus.micro.subjects)


@pytest.mark.parametrize("stretched", [False, True])
def test_inputs_are_float32_images_in_range(stretched: bool) -> None:
    corpus = SyntheticMotion(6, 30, 14, stretched=stretched).load()
    assert corpus.macro is not None
    for clips, number in ((corpus.micro, 30), (corpus.macro, 14)):
        assert clips.inputs.shape == (number, 1, 3, 28, 28)
        assert clips.inputs.dtype == torch.float32
        assert clips.labels.dtype == torch.int64
        assert clips.inputs.min() >= -0.5
        assert clips.inputs.max() <= 0.5
        if stretched:
            assert (clips.inputs.amin((3, 4)) == -0.5).all()
            assert (clips.inputs.amax((3, 4)) == 0.5).all()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(corpus: Corpus) -> None:
    again, other = SyntheticMotion().load(), SyntheticMotion(seed=1).load()
    assert corpus.macro is not None
    assert again.macro is not None
    assert other.macro is not None
    assert torch.equal(again.micro.inputs, corpus.micro.inputs)
    assert torch.equal(again.macro.inputs, corpus.macro.inputs)
    assert (again.micro.ids, again.macro.ids) == (corpus.micro.ids, corpus.macro.ids)
    assert not torch.equal(other.micro.inputs, corpus.micro.inputs)
    assert not torch.equal(other.macro.inputs, corpus.macro.inputs)


def test_micro_and_macro_do_not_depend_on_each_others_size(corpus: Corpus) -> None:
    few_macro = SyntheticMotion(macro_clips=20).load()
    assert few_macro.macro is not None
    assert len(few_macro.macro) == 20
    assert torch.equal(few_macro.micro.inputs, corpus.micro.inputs)
    few_micro = SyntheticMotion(subjects=6, micro_clips=30).load()
    assert corpus.macro is not None
    assert few_micro.macro is not None
    assert torch.equal(few_micro.macro.inputs, corpus.macro.inputs)
    assert few_micro.macro.ids == corpus.macro.ids


def test_other_totals_keep_every_class_in_every_database() -> None:
    micro = SyntheticMotion(subjects=9, micro_clips=60, macro_clips=0).load().micro
    assert len(micro) == 60
    assert len(set(micro.subjects)) == 9
    assert len(set(zip(micro.databases, micro.labels.tolist(), strict=True))) == 9


def test_without_macro_clips_there_is_no_macro_part() -> None:
    assert SyntheticMotion(subjects=6, micro_clips=30, macro_clips=0).load().macro is None


@pytest.mark.parametrize(
    ("subjects", "micro_clips", "macro_clips", "seed", "message"),
    [
        (2, 442, 600, 0, "subjects=2: at least 3 are needed"),
        (0, 442, 600, 0, "subjects=0: at least 3 are needed"),
        (3, 8, 600, 0, "micro_clips=8: at least 9 are needed"),
        (68, 68, 600, 0, r"synthetic_a would have \d+ clips for 24 people"),
        (68, 442, 6, 0, "macro_clips=6: at least 7 are needed, one per emotion; or 0 for none"),
        (68, 442, -1, 0, "macro_clips=-1: at least 7 are needed"),
        (68, 442, 600, -1, "seed=-1: a seed is a whole number of at least 0"),
    ],
)
def test_impossible_numbers_are_refused_with_what_is_needed(
    subjects: int, micro_clips: int, macro_clips: int, seed: int, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SyntheticMotion(subjects, micro_clips, macro_clips, seed)


def test_units_move_four_times_as_far_in_macro_expressions(corpus: Corpus) -> None:
    assert MACRO_OVER_MICRO == 4
    assert MACRO.intensity / MICRO.intensity == pytest.approx(MACRO_OVER_MICRO)
    table = read_action_units()
    emotions = np.zeros(4000, dtype=np.int64)
    preference = np.zeros((4000, len(table.units)))
    medians = []
    for style in (MICRO, MACRO):
        drawn = draw_intensities(style, table, emotions, preference, np.random.default_rng(0)).max(axis=2)
        # A missed apex only ever takes away from micro-expressions; its mean is known.
        medians.append(np.median(drawn[drawn > 0]) / ((1 + style.apex) / 2))
    assert medians[1] / medians[0] == pytest.approx(MACRO_OVER_MICRO, rel=0.1)
    assert corpus.macro is not None
    assert corpus.macro.inputs[:, :, :2].std() > 2 * corpus.micro.inputs[:, :, :2].std()


def test_micro_expressions_show_few_units_and_macro_expressions_those_of_the_table() -> None:
    table = read_action_units()
    emotions = np.full(4000, table.emotions.index("happy"))
    preference = np.zeros((4000, len(table.units)))
    micro, macro = (
        draw_intensities(style, table, emotions, preference, np.random.default_rng(0)).max(axis=2) > 0
        for style in (MICRO, MACRO)
    )
    assert micro.sum(axis=1).max() <= len(MICRO.units) + 1
    assert micro.sum(axis=1).mean() < macro.sum(axis=1).mean()
    np.testing.assert_allclose(macro.mean(axis=0), table.frequencies[emotions[0]].clip(0.01, 0.99), atol=0.03)


def test_a_small_stated_share_of_micro_labels_is_wrong_and_no_macro_label() -> None:
    table = read_action_units()
    labels = np.random.default_rng(1).integers(0, 3, 20000)
    classes = np.array([CLASSES.index(CLASS_OF_EMOTION[emotion]) for emotion in table.emotions])
    for style in (MICRO, MACRO):
        shown = classes[draw_emotions(style, table, labels, np.random.default_rng(0))]
        assert (shown != labels).mean() == pytest.approx(style.mislabelled, abs=0.005)
    assert MICRO.mislabelled == 0.03


def uf1(truth: Int64[Tensor, " clip"], answer: Int64[Tensor, " clip"]) -> float:
    """F1 of each class from counts pooled over all folds, averaged."""
    scores = []
    for label in range(3):
        hits = int(((truth == label) & (answer == label)).sum())
        scores.append(2 * hits / max(1, int((truth == label).sum()) + int((answer == label).sum())))
    return sum(scores) / 3


def linear_answers(
    inputs: Float[Tensor, "clip pixel"], labels: Int64[Tensor, " clip"], unseen: Float[Tensor, "query pixel"]
) -> list[Int64[Tensor, " query"]]:
    """Answers of multinomial logistic regression with class weights, for several weights of the L2 penalty."""
    mean, scale = inputs.mean(0), inputs.std()
    # The penalty ignores directions without data, so the regression can run on the few principal coordinates.
    coordinates, singular, basis = torch.linalg.svd((inputs - mean) / scale, full_matrices=False)
    train, test = coordinates * singular, (unseen - mean) / scale @ basis.T
    weight = len(labels) / (3 * torch.bincount(labels, minlength=3))
    answers = []
    slope, offset = torch.zeros(train.shape[1], 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    for penalty in (1.0, 0.2, 0.05):
        optimizer = torch.optim.LBFGS([slope, offset], max_iter=30, line_search_fn="strong_wolfe")

        def closure(optimizer: torch.optim.Optimizer = optimizer, penalty: float = penalty) -> Tensor:
            optimizer.zero_grad()
            fit = torch.nn.functional.cross_entropy(train @ slope + offset, labels, weight=weight)
            loss = fit + penalty * slope.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        answers.append((test @ slope + offset).argmax(1).detach())
    return answers


def test_a_linear_classifier_beats_chance_across_people_but_stays_under_three_quarters(corpus: Corpus) -> None:
    images, labels = corpus.micro.inputs[:, 0], corpus.micro.labels
    people = sorted(set(corpus.micro.subjects))
    fold = torch.tensor([people.index(subject) % 3 for subject in corpus.micro.subjects])
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    scores = {}
    for name, target in (("true", labels), ("shuffled", shuffled)):
        answers = torch.zeros(3, len(labels), dtype=torch.int64)
        for held_out in range(3):
            train, test = fold != held_out, fold == held_out
            both = torch.cat([images[train], mirror(images[train])]) if name == "true" else images[train]
            targets = torch.cat([target[train]] * (len(both) // int(train.sum())))
            found = linear_answers(both.flatten(1), targets, images[test].flatten(1))
            answers[:, test] = torch.stack(found)
        scores[name] = [uf1(target, answer) for answer in answers]
    assert 0.45 < max(scores["true"]) < 0.75
    assert all(0.20 < score < 0.38 for score in scores["shuffled"])
    assert uf1(labels, torch.zeros_like(labels)) == pytest.approx(0.2408, abs=1e-4)


def test_the_annotated_action_units_are_those_that_move(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def remembered(*arguments: object) -> np.ndarray:
        drawn.append(draw_intensities(*arguments))  # type: ignore[arg-type]
        return drawn[-1]

    monkeypatch.setattr("data_modules.synthetic.recording.draw_intensities", remembered)
    corpus = SyntheticMotion(6, 30, 14).load()
    assert corpus.macro is not None
    units = torch.tensor(read_action_units().units) - 1
    moving = [torch.from_numpy((intensity > 0).any(axis=2)) for intensity in drawn]
    for clips, expected in ((corpus.micro, torch.cat(moving[:3])), (corpus.macro, moving[3])):
        assert clips.action_units is not None
        assert torch.equal(clips.action_units[:, units], expected)
        assert clips.action_units.sum() == expected.sum()


def test_the_annotated_objective_classes_are_those_of_the_action_units(corpus: Corpus) -> None:
    units, classes = corpus.micro.action_units, corpus.micro.objective_classes
    assert units is not None
    assert classes is not None
    for shown, number in zip(units, classes.tolist(), strict=True):
        assert number == objective_class((shown.nonzero().flatten() + 1).tolist())
    assert set(classes.tolist()) == {1, 2, 3, 4, 5, 6, 7}
