import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightmannet.adaptation.engines import make_engine
from lightmannet.adaptation.maml import adapt, inner_path
from lightmannet.errors import ConfigurationError
from lightmannet.learners.inner_loop_options import InnerLoop

ROOT = Path(__file__).parents[3]


class Counting(nn.Module):
    """A layer whose buffer changes whenever it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return inputs * self.weight


def loss(network: nn.Module) -> Tensor:
    value: Tensor = network(torch.tensor([1.0, 2.0, 3.0])).square().sum()
    return value


@pytest.mark.parametrize("first_order", [False, True])
def test_adapting_leaves_parameters_and_buffers_of_the_network_as_they_were(first_order: bool) -> None:
    network = Counting()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    adapted = adapt(network, loss, steps=3, learning_rate=0.01, first_order=first_order)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert adapted.calls == 3
    assert not torch.equal(adapted.weight, network.weight)


def test_one_step_goes_down_the_gradient() -> None:
    network = Counting()
    adapted = adapt(network, loss, steps=1, learning_rate=0.01, first_order=True)
    # d/dw sum (w x)^2 = 2 w x^2 with w = 1 and x = 1, 2, 3.
    assert torch.allclose(adapted.weight, 1 - 0.01 * 2 * torch.tensor([1.0, 4.0, 9.0]))


def test_without_steps_the_copy_is_the_network() -> None:
    network = Counting()
    assert torch.equal(adapt(network, loss, 0, 0.01, False).weight, network.weight)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = Counting(), Counting()


def test_parameters_that_the_loss_does_not_reach_stay() -> None:
    pair = Pair()
    adapted = adapt(pair, lambda copy: loss(copy.used), 1, 0.01, False)
    assert torch.equal(adapted.unused.weight, pair.unused.weight)
    assert not torch.equal(adapted.used.weight, pair.used.weight)


def test_parameters_that_need_no_gradient_stay() -> None:
    pair = Pair()
    pair.unused.weight.requires_grad_(False)
    adapted = adapt(pair, lambda copy: loss(copy.used) + loss(copy.unused), 2, 0.01, False)
    assert torch.equal(adapted.unused.weight, pair.unused.weight)
    assert not torch.equal(adapted.used.weight, pair.used.weight)


def test_only_the_chosen_part_moves() -> None:
    pair = Pair()
    adapted = adapt(
        pair, lambda copy: loss(copy.used) + loss(copy.unused), 2, 0.01, False, part=lambda copy: copy.unused
    )
    assert torch.equal(adapted.used.weight, pair.used.weight)
    assert not torch.equal(adapted.unused.weight, pair.unused.weight)


def test_each_step_and_parameter_can_have_its_own_rate() -> None:
    rates = [[torch.tensor(0.0), torch.tensor(0.01)], [torch.tensor(0.02), torch.tensor(0.0)]]
    path = inner_path(Pair(), lambda copy: loss(copy.used) + loss(copy.unused), 2, lambda step: rates[step], True)
    weights = [(copy.used.weight, copy.unused.weight) for copy in path]
    gradient = 2 * torch.tensor([1.0, 4.0, 9.0])
    expected = [(1.0, 1.0), (1.0, 1 - 0.01 * gradient), (1 - 0.02 * gradient, 1 - 0.01 * gradient)]
    for found, wanted in zip(weights, expected, strict=True):
        assert all(torch.allclose(f, torch.as_tensor(w)) for f, w in zip(found, wanted, strict=True))


def test_batch_normalisation_is_refused_by_name() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    with pytest.raises(ConfigurationError, match=r"1 is batch normalisation.*normalization: group"):
        adapt(network, loss, 1, 0.01, False)


def test_no_parent_package_of_learn2learn_is_executed() -> None:
    adapt(Counting(), loss, 1, 0.01, False, engine=make_engine("learn2learn"))
    assert "learn2learn.vision" not in sys.modules
    assert "torchvision" not in sys.modules
    assert "gym" not in sys.modules


def test_an_unknown_engine_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ConfigurationError, match=r"engine is one of auto, learn2learn, fused.*, not 'quick'"):
        InnerLoop(engine="quick")  # type: ignore[arg-type]


SCRIPT = """
import sys
sys.path[:0] = ["src", "."]
import importlib.util
importlib.util.find_spec = lambda name, find=importlib.util.find_spec: None if name == "learn2learn" else find(name)
import torch
from lightmannet.errors import ConfigurationError
from lightmannet.learners import MAML
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import TwoBranchNetwork
from tests.clips import make_episode
task = make_episode()
MAML(TwoBranchNetwork()).meta_loss(task).backward()
assert "learn2learn" not in sys.modules
try:
    MAML(TwoBranchNetwork(), InnerLoop(engine="learn2learn")).meta_loss(task)
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.slow
def test_without_learn2learn_everything_but_its_engine_works() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        "learn2learn, which is not installed. Set the inner loop's engine to auto, or run `make install`" in done.stdout
    )
