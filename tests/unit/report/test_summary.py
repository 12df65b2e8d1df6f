"""What results come to, beside plain NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from lightmannet.errors import LightmanNetError
from lightmannet.metrics.scores import FULL
from lightmannet.report.rows import Row
from lightmannet.report.summary import summarize
from lightmannet.table.description import Condition
from lightmannet.table.store import Result, TestedClip
from tests.fake_results import fake_plan, fake_results, without


def uf1(answers: list[TestedClip]) -> float:
    truth, said = np.array([a.label for a in answers]), np.array([np.argmax(a.probabilities) for a in answers])
    terms = [2 * ((truth == c) & (said == c)).sum() / ((truth == c).sum() + (said == c).sum()) for c in range(3)]
    return float(np.mean(terms))


def answers_of(results: list[Result], method: str, seed: int) -> list[TestedClip]:
    return [a for r in results if r.cell.method == method and r.cell.seed == seed for a in r.answers]


def row(rows: tuple[Row, ...], method: str, condition: str = "") -> Row:
    return next(row for row in rows if (row.method, row.condition) == (method, condition))


def test_scores_are_of_counts_pooled_over_folds_by_seed_and_column() -> None:
    plan = fake_plan()
    results = fake_results(plan)
    found = row(summarize(plan, results).rows, "middling")
    assert list(found.columns) == ["made_a", "made_b", FULL]
    for seed in range(3):
        mine = answers_of(results, "middling", seed)
        assert found.columns[FULL]["uf1"].values[seed] == pytest.approx(uf1(mine))
        part = [a for a in mine if a.clip.startswith("made_b/")]
        assert found.columns["made_b"]["uf1"].values[seed] == pytest.approx(uf1(part))
    estimate = found.columns[FULL]["uf1"]
    assert estimate.low < estimate.mean < estimate.high


def test_the_comparison_is_the_difference_and_is_corrected_for_their_number() -> None:
    plan = fake_plan()
    rows = summarize(plan, fake_results(plan)).rows
    baseline, other, best = (row(rows, name) for name in ("weak", "middling", "LightmanNet"))
    assert baseline.comparison is None
    assert other.comparison is not None
    assert best.comparison is not None
    difference = other.columns[FULL]["uf1"].mean - baseline.columns[FULL]["uf1"].mean
    assert other.comparison.difference == pytest.approx(difference)
    assert other.comparison.low < difference < other.comparison.high
    ordered = sorted((other.comparison, best.comparison), key=lambda c: c.p_value)
    assert ordered[0].corrected == pytest.approx(2 * ordered[0].p_value)


def test_what_adapting_contributes_is_compared_with_the_network_itself() -> None:
    plan = fake_plan()
    rows = summarize(plan, fake_results(plan)).rows
    plain, worse, better = (row(rows, name) for name in ("weak", "middling", "LightmanNet"))
    assert plain.adapting is None
    for adapting in (worse, better):
        assert adapting.adapting is not None
        difference = adapting.columns[FULL]["uf1"].mean - adapting.unadapted[FULL]["uf1"].mean
        assert adapting.adapting.difference == pytest.approx(difference)
        assert adapting.adapting.low < difference < adapting.adapting.high
    assert worse.adapting is not None
    assert better.adapting is not None
    assert worse.adapting.difference < 0 < better.adapting.difference
    # Two comparisons of this kind, whatever else is compared.
    first = min((worse.adapting, better.adapting), key=lambda c: c.p_value)
    assert first.corrected == pytest.approx(2 * first.p_value)


def test_people_costs_and_curves_follow_from_the_runs() -> None:
    plan = fake_plan(seeds=(0,))
    results = fake_results(plan)
    found = row(summarize(plan, results).rows, "weak")
    answers = answers_of(results, "weak", 0)
    for person in found.people:
        mine = [a for a in answers if a.clip.startswith(f"{person.subject}/")]
        assert person.clips == len(mine)
        assert person.accuracy == pytest.approx(np.mean([a.prediction == a.label for a in mine]))
    assert found.cost is not None
    assert found.cost.training == 6  # of 5, 6 and 7
    losses = [r.curve[3]["train_loss"] for r in results if r.cell.method == "weak"]
    point = found.curve[3]
    assert (point.epoch, point.low, point.high) == (3, min(losses), max(losses))
    assert point.mean == pytest.approx(np.mean(losses))


def test_each_condition_is_a_row_compared_with_the_baseline_under_the_same() -> None:
    plan = fake_plan(axis="noise", conditions={"clean": Condition([], 0.0), "noisy": Condition([], 0.8)})
    summary = summarize(plan, fake_results(plan))
    assert [(r.method, r.condition, r.value) for r in summary.rows][:2] == [
        ("weak", "clean", 0.0),
        ("weak", "noisy", 0.8),
    ]
    clean, noisy = row(summary.rows, "LightmanNet", "clean"), row(summary.rows, "LightmanNet", "noisy")
    assert clean.columns[FULL]["uf1"].mean > noisy.columns[FULL]["uf1"].mean
    assert noisy.comparison is not None
    own = noisy.columns[FULL]["uf1"].mean - row(summary.rows, "weak", "noisy").columns[FULL]["uf1"].mean
    assert noisy.comparison.difference == pytest.approx(own)


def test_tasks_are_scored_one_by_one_and_averaged() -> None:
    plan = fake_plan(seeds=(0, 1))
    results = fake_results(plan, tasks=7)
    summary = summarize(plan, results)
    assert summary.tasks == 21
    assert summary.columns == (FULL,)
    estimate = row(summary.rows, "middling").columns[FULL]["accuracy"]
    scores = np.array(
        [
            [
                np.mean([a.prediction == a.label for a in r.answers if a.episode == task])
                for r in results
                if r.cell.method == "middling" and r.cell.seed == seed
                for task in range(7)
            ]
            for seed in (0, 1)
        ]
    )
    assert estimate.values == pytest.approx(tuple(scores.mean(1)))
    half = 1.96 * scores.mean(0).std(ddof=1) / np.sqrt(21)
    assert (estimate.low, estimate.high) == pytest.approx((scores.mean() - half, scores.mean() + half))


def test_the_oracle_epoch_stands_beside_the_last_one() -> None:
    plan = fake_plan(oracle_epoch=True)
    results = fake_results(plan)
    found = row(summarize(plan, results).rows, "weak")
    assert found.oracle is not None
    best = [a for r in results if r.cell.method == "weak" and r.cell.seed == 0 for a in r.oracle or []]
    assert found.oracle["uf1"].values[0] == pytest.approx(uf1(best))
    assert found.oracle["uf1"].mean > found.columns[FULL]["uf1"].mean


def test_a_seed_with_a_missing_fold_is_left_out_and_counted() -> None:
    plan = fake_plan()
    results = without(fake_results(plan), "middling", fold=1, seed=2)
    found = row(summarize(plan, results).rows, "middling")
    assert (found.seeds, found.missing, len(found.columns[FULL]["uf1"].values)) == (2, 1, 2)
    nothing = [r for r in results if r.cell.method != "weak"]
    hole = row(summarize(plan, nothing).rows, "weak")
    assert (hole.seeds, hole.missing, hole.columns, hole.cost) == (0, 9, {}, None)
    assert row(summarize(plan, nothing).rows, "middling").comparison is None


def test_a_clip_twice_or_a_person_on_both_sides_is_refused() -> None:
    plan = fake_plan()
    first, *rest = fake_results(plan)
    with pytest.raises(LightmanNetError, match="exactly once"):
        summarize(plan, [replace(first, answers=[*first.answers, first.answers[0]]), *rest])
    with pytest.raises(LightmanNetError, match="both trained on and tested"):
        summarize(plan, [replace(first, train_subjects=first.test_subjects), *rest])


def test_the_floor_is_the_commonest_class() -> None:
    plan = fake_plan()
    floor = summarize(plan, fake_results(plan)).floors[0]
    assert floor.columns[FULL]["accuracy"].mean == pytest.approx(
        (plan.corpus.micro.labels == 0).float().mean().item(), abs=1e-6
    )
    assert floor.columns[FULL]["uar"].mean == pytest.approx(1 / 3)
