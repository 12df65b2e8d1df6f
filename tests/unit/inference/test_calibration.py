"""How sure an answer is: checked against independent computations."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_calibration_error

from lightmannet.inference.calibration import (
    BINS,
    Calibration,
    apply_temperature,
    calibrate,
    calibration_error,
    fit_temperature,
    reliability_curve,
)
from lightmannet.inference.ensemble import Ensemble

GRID = np.log(10) / 200  # step of the logarithm of the temperatures that are tried


def answers(count: int, factor: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return float64 probabilities whose scores were multiplied by ``factor``, and labels drawn from the true ones."""
    generator = torch.Generator().manual_seed(seed)
    scores = 1.5 * torch.randn(count, 3, generator=generator, dtype=torch.float64)
    labels = torch.multinomial(torch.softmax(scores, 1), 1, generator=generator)[:, 0]
    return torch.softmax(factor * scores, 1), labels


def best_temperature(probabilities: Tensor, labels: Tensor) -> float:
    """Return the temperature of least negative log-likelihood, by another way: where its slope is 0, in float64.

    The loss is convex in 1 / T, and its slope the difference of the mean score that is expected and the one found.
    """
    logs, truth = np.log(probabilities.numpy()), labels.numpy()
    low, high = 0.1, 10.0
    for _ in range(60):
        inverse = (low + high) / 2
        expected = np.exp(inverse * logs)
        expected /= expected.sum(1, keepdims=True)
        slope = (expected * logs).sum(1).mean() - logs[np.arange(len(logs)), truth].mean()
        low, high = (low, inverse) if slope > 0 else (inverse, high)
    return 1 / low


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5, 6.0])
def test_the_temperature_undoes_what_scores_were_multiplied_by(factor: float) -> None:
    probabilities, labels = answers(2000, factor)
    found = fit_temperature(probabilities, labels)
    assert found == pytest.approx(factor, rel=0.1)  # as near as 2000 drawn labels allow
    assert abs(np.log(found / best_temperature(probabilities, labels))) <= 0.51 * GRID


def test_heat_divides_scores() -> None:
    probabilities, _ = answers(5, 1.0)
    logs = probabilities.log()
    torch.testing.assert_close(apply_temperature(probabilities, 2.0), torch.softmax(logs / 2, 1))
    assert torch.equal(apply_temperature(probabilities, 7.0).argmax(1), probabilities.argmax(1))


def test_what_is_fitted_is_what_answers() -> None:
    # Networks that are far too sure: probabilities from 1 down to 0, of which bundles see the logarithms.
    scores = torch.tensor([[40.0, 0.0, -40.0], [15.0, 0.0, 1.0], [0.2, 0.1, 0.0], [0.0, -200.0, -15.0]])
    asked = Ensemble([nn.Flatten()])(scores[:, None, :, None, None])
    for temperature in (0.5, 1.0, 8.0):
        found = apply_temperature(torch.softmax(scores, 1), temperature)
        torch.testing.assert_close(found, torch.softmax(asked / temperature, 1))
        assert found.isfinite().all()


@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_error_is_that_of_torchmetrics(seed: int) -> None:
    probabilities, labels = answers(200, 3.0, seed)
    probabilities = probabilities.float()
    top, right = probabilities.max(1).values, probabilities.argmax(1) == labels
    expected = multiclass_calibration_error(probabilities, labels, num_classes=3, n_bins=BINS, norm="l1")
    assert calibration_error(top, right) == pytest.approx(float(expected), abs=1e-6)
    assert calibration_error(top, right) > 0.1
    curve = reliability_curve(top, right)
    assert sum(count for _, _, count in curve) == 200
    assert sum(count * true for _, true, count in curve) == pytest.approx(int(right.sum()))


def test_certain_answers_lie_in_the_last_bin() -> None:
    ((said, true, count),) = reliability_curve(torch.tensor([1.0, 0.95]), torch.tensor([True, False]))
    assert said == pytest.approx(0.975)
    assert (true, count) == (0.5, 2)


def test_each_person_is_answered_with_a_temperature_of_the_others() -> None:
    parts = [answers(80, factor, seed) for seed, factor in enumerate((1.0, 2.0, 4.0))]
    probabilities, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    people = [f"made/p{person}" for person in range(3) for _ in range(80)]
    found = calibrate(probabilities, labels, people)
    assert found.temperature == fit_temperature(probabilities, labels)
    crossed = []
    for person in range(3):
        others = [part for number, part in enumerate(parts) if number != person]
        temperature = fit_temperature(*(torch.cat(part) for part in zip(*others, strict=True)))
        crossed.append(apply_temperature(parts[person][0], temperature))
    top = torch.cat(crossed).max(1).values
    right = probabilities.argmax(1) == labels
    assert (found.people, found.clips) == (3, 240)
    assert found.error == pytest.approx(calibration_error(top, right))
    named = top >= found.threshold
    assert found.answered == pytest.approx(float(named.double().mean()))
    assert found.right == pytest.approx(float(right[named].double().mean()))
    # No other threshold has more right answers over wrong ones, and no lower one as many.
    gains = {t: int(right[top >= t].sum() - (~right)[top >= t].sum()) for t in [0.0, *top.tolist()]}
    assert max(gains.values()) == gains[found.threshold]
    assert all(gain < gains[found.threshold] for t, gain in gains.items() if t < found.threshold)


def test_where_wrong_answers_prevail_no_class_is_ever_named() -> None:
    probabilities = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]] * 4)
    labels = torch.tensor([1, 0] * 4)
    found = calibrate(probabilities, labels, ["a"] * 4 + ["b"] * 4)
    assert found.threshold > 1.0
    assert (found.answered, found.right) == (0.0, None)


def test_without_validation_people_nothing_is_calibrated() -> None:
    found = calibrate(torch.zeros(0, 1), torch.zeros(0, dtype=torch.int64), ())
    assert found == Calibration()
    assert (found.temperature, found.threshold, found.clips, found.error) == (1.0, 0.0, 0, None)


def test_one_person_gives_a_temperature_and_no_measure_of_it() -> None:
    probabilities, labels = answers(50, 3.0)
    found = calibrate(probabilities, labels, ["made/p1"] * 50)
    assert found.temperature == fit_temperature(probabilities, labels)
    assert found.threshold == pytest.approx(1 / 3)
    assert (found.people, found.clips) == (1, 50)
    assert (found.error, found.answered, found.right, found.curve) == (None, None, None, ())
