"""Who shows what when."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from data_modules.action_units import parse_action_units
from data_modules.rendered.distractors import bump
from data_modules.rendered.emotions import CLASS_OF_EMOTION, MICRO_TABLE, posed, spontaneous
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.options import MICRO_WEIGHTS, Balance, Options
from data_modules.rendered.performance import Recording, jobs, perform
from data_modules.synthetic.action_units import read_action_units

CLEAN = Options(subjects=12, label_noise=0.0)
CLASSES = ("negative", "positive", "surprise")


def recordings(options: Options) -> list[Recording]:
    return [perform(options, job) for job in jobs(options)]


def test_counts_of_clips_and_expressions_are_those_of_the_options() -> None:
    options = Options(subjects=3, micro_clips=4, macro_clips=5, video_micro_clips=2)
    found = recordings(options)
    assert Counter(r.job.subject for r in found if r.job.kind == "clip") == {1: 4, 2: 4, 3: 4}
    kinds = Counter((r.job.subject, e.kind) for r in found if r.job.kind == "video" for e in r.expressions)
    assert kinds == {(s, kind): n for s in (1, 2, 3) for kind, n in (("macro", 5), ("micro", 2))}


@pytest.mark.parametrize("balance", ["balanced", "casme2", "smic"])
def test_labels_have_the_proportions_of_the_preset(balance: Balance) -> None:
    options = Options(subjects=40, balance=balance)
    found = Counter(e for job in jobs(options) if job.kind == "clip" for _, e in job.expressions)
    weights = MICRO_WEIGHTS[balance]
    for emotion, weight in weights.items():
        assert abs(found[emotion] - 400 * weight / sum(weights.values())) < 1


def test_micro_expressions_last_half_a_second_at_most_and_macro_expressions_half_a_second_to_four() -> None:
    for r in recordings(CLEAN):
        for e in r.expressions:
            seconds = (e.offset - e.onset) / r.fps
            assert 0 < seconds <= 0.5 if e.kind == "micro" else 0.5 <= seconds <= 4.0
            assert e.onset < e.apex < e.offset


def test_units_rest_at_onset_and_offset_and_are_strongest_at_the_apex() -> None:
    for r in recordings(CLEAN):
        for e in r.expressions:
            course = r.units[e.onset - r.first : e.offset - r.first + 1].sum(axis=(1, 2))
            assert course[0] == course[-1] == 0
            assert course.argmax() == e.apex - e.onset
            assert np.allclose(r.units[e.apex - r.first], course.max() / e.strength.sum() * e.strength)


def test_a_micro_expression_is_a_fraction_of_a_macro_expression() -> None:
    strengths: dict[str, list[float]] = {"micro": [], "macro": []}
    for r in recordings(CLEAN):
        for e in r.expressions:
            strengths[e.kind].append(float(e.strength[e.strength > 0].max()))
    assert 0.2 < np.median(strengths["micro"]) / np.median(strengths["macro"]) < 0.5


def test_without_label_noise_the_coder_writes_down_the_truth() -> None:
    for r in recordings(CLEAN):
        for e in r.expressions:
            assert (e.shown, e.apex) == (e.emotion, e.coded_apex)
            shown = {UNITS[i] for i in np.flatnonzero(e.strength.max(axis=1))}
            assert {unit.number for unit in parse_action_units(e.coded_units)} == shown


def test_label_noise_makes_labels_units_and_apexes_wrong_at_its_rate() -> None:
    noisy = [e for r in recordings(Options(subjects=40, label_noise=0.2)) for e in r.expressions]
    wrong = [e for e in noisy if e.shown != e.emotion]
    assert 0.14 < len(wrong) / len(noisy) < 0.26
    assert all(CLASS_OF_EMOTION[e.shown] != CLASS_OF_EMOTION[e.emotion] for e in wrong)
    assert 0.05 < np.mean([e.coded_apex != e.apex for e in noisy]) < 0.2
    assert all(e.onset < e.coded_apex <= e.offset for e in noisy)


def test_one_sided_movements_are_coded_so() -> None:
    for r in recordings(CLEAN):
        for e in r.expressions:
            for unit in parse_action_units(e.coded_units):
                left, right = e.strength[UNITS.index(unit.number)]
                assert unit.side == ("" if min(left, right) >= 0.5 * max(left, right) else "L" if left > right else "R")


def test_a_persons_habits_are_the_same_in_all_clips_and_differ_between_people() -> None:
    options = Options(subjects=30, label_noise=0.0)
    mean = {
        s: np.mean([np.log(e.strength.max()) for r in found for e in r.expressions if e.kind == "macro"])
        for s in range(1, 31)
        if (found := [perform(options, job) for job in jobs(options) if job.subject == s and job.kind == "video"])
    }
    assert np.std(list(mean.values())) > 0.1


def test_a_recording_depends_on_nothing_but_options_and_place() -> None:
    options = Options(subjects=2)
    late = jobs(options)[-1]
    first = perform(options, late)
    recordings(options)
    again = perform(options, late)
    assert np.array_equal(first.units, again.units)
    assert np.array_equal(first.distractors.head, again.distractors.head)
    other = perform(replace(options, seed=1), late)
    assert other.units.shape != first.units.shape or not np.array_equal(other.units, first.units)


def test_without_distractors_nothing_but_expressions_moves() -> None:
    for r in recordings(Options(subjects=2, distractors=0.0)):
        d = r.distractors
        assert not d.blink.any()
        assert not d.mouth.any()
        assert not d.head.any()
        assert (d.light == 1).all()


def test_distractors_stay_within_what_a_state_allows() -> None:
    for r in recordings(Options(subjects=3, distractors=10.0)):
        d = r.distractors
        assert 0 <= d.blink.min() <= d.blink.max() <= 1
        assert np.abs(d.mouth).max() <= 1
        assert (np.abs(d.head) <= [0.05, 0.05, 0.1]).all()


@pytest.mark.parametrize(("rise", "hold"), [(0.3, 0.0), (0.5, 0.2)])
def test_a_bump_rises_from_rest_stays_and_falls_to_rest(rise: float, hold: float) -> None:
    course = bump(np.linspace(-0.5, 1.5, 401), rise, hold)
    assert course[:101].max() == course[300:].max() == 0
    top = np.flatnonzero(course > 1 - 1e-9) / 200 - 0.5
    assert (top.min(), top.max()) == pytest.approx((rise, rise + hold), abs=0.006)


def test_the_tables_know_every_emotion_and_stay_frequencies() -> None:
    for emotion in CLASS_OF_EMOTION:
        assert spontaneous(emotion).shape == (len(UNITS),)
        if emotion != "others":
            assert 0.5 < posed(emotion).max() <= 1
    assert read_action_units(MICRO_TABLE).sequences.sum() == 860


def linear_uar(features: np.ndarray, labels: np.ndarray, people: np.ndarray) -> float:
    """Return the mean recall of a ridge regression onto classes, tested on people it was not fitted on."""
    predicted = np.empty_like(labels)
    features = np.hstack([features, np.ones((len(features), 1))])
    for fold in range(5):
        test = people % 5 == fold
        x, y = features[~test], np.eye(len(CLASSES))[labels[~test]]
        y = y / y.mean(axis=0)  # so that a rare class counts as much
        weights = np.linalg.solve(x.T @ x + 0.1 * np.eye(x.shape[1]), x.T @ y)
        predicted[test] = (features[test] @ weights).argmax(axis=1)
    return float(np.mean([(predicted[labels == c] == c).mean() for c in range(len(CLASSES))]))


def test_the_label_is_in_the_movement_and_not_in_who_moves() -> None:
    options = Options(subjects=100, label_noise=0.0, macro_clips=1, video_micro_clips=0)
    found = [r for r in recordings(options) if r.job.kind == "clip" and r.expressions[0].emotion != "others"]
    labels = np.array([CLASSES.index(CLASS_OF_EMOTION[r.expressions[0].emotion]) for r in found])
    people = np.array([r.job.subject for r in found])
    moved = np.stack([(r.expressions[0].strength > 0).any(axis=1) for r in found]).astype(float)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert linear_uar(moved, labels, people) > 0.6
    assert 0.27 < linear_uar(moved, shuffled, people) < 0.40
    # What stays without movement: how long it takes, and what else goes on.
    rest = np.stack([[len(r.units), *r.distractors.head[0], r.distractors.blink.max()] for r in found])
    assert 0.25 < linear_uar(rest / rest.std(axis=0).clip(1e-9), labels, people) < 0.42
