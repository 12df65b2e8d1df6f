"""Meta-gradients on a CUDA device are those of the reference on a CPU, by every engine and as a CUDA graph.

Set LIGHTMANNET_TEST_DEVICE=cpu to try these tests out where there is no GPU.
"""

import importlib.util
import os

import pytest
import torch
from torch import Tensor

from lightmannet.adaptation.engine import EngineName
from lightmannet.adaptation.precision import full_float32
from lightmannet.episode import MetaBatch
from lightmannet.errors import ConfigurationError
from lightmannet.learners.inner_loop import InnerLoopLearner
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import TwoBranchNetwork
from tests.parity.test_engines import METHODS, episode, network
from tests.unit.networks.test_every_encoder import MAKERS, made

DEVICE = os.environ.get("LIGHTMANNET_TEST_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="there is no CUDA device"),
    pytest.mark.filterwarnings("ignore:You are trying to `self.log"),
    # A graph or an engine that is given up would hide what is tested.
    pytest.mark.filterwarnings("error:No CUDA graph is used", "error:The vectorized engine cannot take"),
]
ENGINES: list[EngineName] = ["learn2learn", "fused", "vectorized"]
TASKS = 3


def gradient(learner: InnerLoopLearner, device: str, size: int, draws: int = 1) -> dict[str, Tensor]:
    """Return the meta-gradient of the last of some meta-batches, dropout and all."""
    learner.train().to(device)
    dtype = next(learner.parameters()).dtype
    for draw in range(draws):
        learner.zero_grad()
        tasks = MetaBatch(tuple(episode(draw * TASKS + k, 1, size, dtype) for k in range(TASKS))).to(device)
        torch.manual_seed(1)
        learner.backward(learner.training_step(tasks, 0))
    return {name: p.grad.cpu() for name, p in learner.named_parameters() if p.grad is not None}


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert found.keys() == expected.keys()
    size = torch.stack([g.norm() for g in expected.values()]).norm()
    for name, value in expected.items():
        assert (found[name] - value).norm() < tolerance * size, name


def whole(encoder: str | None) -> TwoBranchNetwork:
    return network(None if encoder is None else made(encoder, 1))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_method_has_the_cpus_meta_gradient(
    engine: EngineName, method: str, dtype: torch.dtype, tolerance: float
) -> None:
    if engine == "learn2learn" and importlib.util.find_spec("learn2learn") is None:
        pytest.skip("learn2learn is not installed")
    found = METHODS[method](network(), InnerLoop(3, engine=engine)).to(dtype)
    expected = METHODS[method](network(), InnerLoop(3, engine="fused")).to(dtype)
    assert_close(gradient(found, DEVICE, 16), gradient(expected, "cpu", 16), tolerance)


@pytest.mark.parametrize("encoder", MAKERS)
def test_every_encoder_has_the_cpus_meta_gradient(encoder: str) -> None:
    make = METHODS["lightmannet, Cosine"]
    found = make(whole(encoder), InnerLoop(2, engine="vectorized")).double()
    expected = make(whole(encoder), InnerLoop(2, engine="fused")).double()
    assert_close(gradient(found, DEVICE, 28), gradient(expected, "cpu", 28), 1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_a_cuda_graph_computes_what_the_engine_does(method: str) -> None:
    """Three meta-batches through one graph, so that a replay's inputs and masks are not those of the capture."""
    found = METHODS[method](network(), InnerLoop(3, engine="vectorized", cuda_graph=True)).double()
    expected = METHODS[method](network(), InnerLoop(3, engine="vectorized")).double()
    assert_close(gradient(found, DEVICE, 16, draws=3), gradient(expected, DEVICE, 16, draws=3), 1e-10)
    if DEVICE == "cuda":
        assert found._graphs is not None
        assert len(found._graphs._graphs) == 1


@pytest.mark.skipif(DEVICE != "cuda", reason="TF32 is a CUDA device's")
@pytest.mark.parametrize(("precision", "bounds"), [("float32", (0, 1e-4)), ("trainer", (1e-3, 10))])
def test_tf32_spoils_the_meta_gradient_unless_the_inner_loop_keeps_to_float32(
    precision: str, bounds: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = METHODS["maml"]
    expected = gradient(make(network(), InnerLoop(5, engine="fused")).double(), "cpu", 16)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    learner = make(network(), InnerLoop(5, engine="vectorized", precision=precision))  # type: ignore[arg-type]
    found = gradient(learner, DEVICE, 16)
    size = torch.stack([g.norm() for g in expected.values()]).norm()
    error = torch.stack([(found[name] - value).norm() for name, value in expected.items()]).norm() / size
    print(f"relative error of the meta-gradient after 5 steps, {precision}: {error:.2g}")
    assert bounds[0] <= error < bounds[1]
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.skipif(DEVICE != "cuda", reason="needs a CUDA device's memory")
def test_more_tasks_than_memory_holds_are_refused_with_the_number_that_fits() -> None:
    learner = METHODS["maml"](network(), InnerLoop(1, engine="vectorized")).train().to(DEVICE)
    tasks = [episode(k, 1, 16, torch.float32).to(DEVICE) for k in range(8)]
    with full_float32(DEVICE):
        learner.mean_meta_loss(tasks[:1]).backward()  # what is allocated once
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    learner.mean_meta_loss(tasks[:2]).backward()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(1.2 * torch.cuda.max_memory_reserved() / total)
    try:
        with pytest.raises(ConfigurationError, match=r"8 tasks a step need more memory than cuda.*; [12] fit"):
            learner.mean_meta_loss(tasks)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
