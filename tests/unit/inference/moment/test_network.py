"""The network that spots expressions: its inputs, what its outputs stand for, and its training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lightmannet.errors import CheckpointError
from lightmannet.inference.moment import network as module
from lightmannet.inference.moment.candidates import Candidate, without_overlaps
from lightmannet.inference.moment.network import (
    INPUTS,
    MomentNetwork,
    candidates,
    decode,
    network_inputs,
    trained_network,
)
from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion
from lightmannet.inference.moment.training import Example, spotting_loss, targets_of, train
from lightmannet.inference.moment.weights import read_weights, write_weights


def motion(count: int, seed: int = 0) -> RegionMotion:
    random = np.random.default_rng(seed)
    walk = (0.002 * random.normal(size=(count, len(REGIONS), 3))).cumsum(0).astype(np.float32)
    return RegionMotion(walk, walk[:, :4, 0], np.abs(walk[..., 2]))


@pytest.mark.parametrize(("rate", "count"), [(100.0, 250), (200.0, 499), (30.0, 75), (25.0, 2), (100.0, 1)])
def test_inputs_have_a_hundred_samples_a_second(rate: float, count: int) -> None:
    inputs = network_inputs(motion(count), rate)
    assert inputs.shape == (INPUTS, int((count - 1) / rate * 100 + 1e-6) + 1)
    assert np.isfinite(inputs).all()


def test_where_motion_is_counted_from_is_of_no_account() -> None:
    one = motion(300)
    other = RegionMotion(one.local + 3, one.head - 2, one.change)
    np.testing.assert_allclose(network_inputs(one, 100.0), network_inputs(other, 100.0), atol=1e-3)


def test_a_long_video_is_computed_in_parts_that_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    network = MomentNetwork().eval()
    with torch.no_grad():
        network.last.weight.mul_(30)
    inputs = network_inputs(motion(1500), 100.0)
    whole = candidates(network, inputs)
    monkeypatch.setattr(module, "_WINDOW", 190)
    assert len(whole) >= 3
    for one, other in zip(whole, candidates(network, inputs), strict=True):
        assert vars(one) == pytest.approx(vars(other), abs=1e-4)


def test_outputs_that_state_an_interval_are_read_as_it() -> None:
    true = Candidate(1.0, 1.15, 1.4, 1.0, "micro")
    targets = targets_of([true, Candidate(3.0, 3.6, 5.0, 1.0, "macro")], 700)
    outputs = np.full((5, 700), -5, np.float32)
    outputs[:2][targets[:2] > 0] = 5
    inside = targets[3] > 0
    outputs[2:4, inside] = np.log(targets[3:5, inside])
    place = (targets[3] + targets[5])[inside] / (targets[3] + targets[4])[inside]
    outputs[4, inside] = np.log(place / (1 - place))
    found = sorted(decode(outputs), key=lambda candidate: candidate.onset)
    assert [candidate.kind for candidate in found] == ["micro", "macro"]
    assert (found[0].onset, found[0].apex, found[0].offset) == pytest.approx((1.0, 1.15, 1.4), abs=0.01)
    assert (found[1].onset, found[1].apex, found[1].offset) == pytest.approx((3.0, 3.6, 5.0), abs=0.03)
    loss = spotting_loss(torch.from_numpy(outputs)[None], torch.from_numpy(targets)[None])
    assert loss < 0.02
    assert spotting_loss(torch.zeros(1, 5, 700), torch.from_numpy(targets)[None]) > 1


def test_of_two_that_overlap_the_likelier_one_is_kept() -> None:
    def at(onset: float, score: float) -> Candidate:
        return Candidate(onset, onset + 0.2, onset + 0.4, score, "micro")

    assert without_overlaps([at(1.0, 0.5), at(1.1, 0.9), at(1.45, 0.3)]) == [at(1.1, 0.9), at(1.45, 0.3)]


def test_training_repeats_itself_and_learns() -> None:
    seen = motion(600)
    seen.local[200:240, 10:12, 1] += 0.08 * np.sin(np.linspace(0, np.pi, 40))[:, None].astype(np.float32)
    example = Example([seen], 100.0, [Candidate(2.0, 2.2, 2.4, 1.0, "micro")])
    one, other = (train([example], 3, seed=1).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)

    def loss(network: MomentNetwork) -> float:
        inputs = torch.from_numpy(network_inputs(seen, 100.0))[None]
        with torch.no_grad():
            return float(spotting_loss(network(inputs), torch.from_numpy(targets_of(example.expressions, 600))[None]))

    assert loss(train([example], 30, seed=1)) < 0.7 * loss(train([example], 1, seed=1))


def test_weights_come_with_the_package_and_survive_their_file(tmp_path: Path) -> None:
    weights = trained_network().state_dict()
    write_weights(tmp_path / "w.safetensors", weights)
    assert all(torch.equal(weights[name], value) for name, value in read_weights(tmp_path / "w.safetensors").items())
    assert (tmp_path / "w.safetensors").stat().st_size < 120_000


@pytest.mark.parametrize("content", [None, b"no weights"])
def test_missing_or_damaged_weights_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.safetensors: no weights of the spotting network .*install the pac"):
        read_weights(path)
