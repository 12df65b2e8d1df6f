"""onnxruntime answers as torch does, for every encoder and any number of clips.

One export in the default run is in ``tests/integration/test_export.py``: torch's exporter takes seconds to load.
"""

import inspect
import json
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import lightmannet.networks
from lightmannet.errors import BundleError, ConfigurationError
from lightmannet.inference.adapt import adapted_network
from lightmannet.inference.bundle import Draw
from lightmannet.inference.ensemble import Ensemble
from lightmannet.inference.onnx_file import TOLERANCE, onnx_file
from lightmannet.networks import Conv4, Encoder, Flatten, TwoBranchNetwork
from tests.clips import make_clips
from tests.learners import METHODS, make
from tests.unit.networks.test_every_encoder import MAKERS

onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ENCODERS = {**MAKERS, "flatten": Flatten}
TEMPERATURE = 0.7
SETTINGS: dict[str, Any] = {
    "program": "1.0",
    "classes": ["negative", "positive", "überrascht"],
    "representation": {"name": "ApexFlow", "options": {"method": "dis"}},
    "crop": {"name": "WholeFrame", "options": {}},
    "corpus": "made",
    "synthetic": True,
    "calibration": {"temperature": TEMPERATURE, "threshold": 0.5},
}


def clips(count: int, phases: int = 1, seed: int = 1) -> Tensor:
    return torch.rand(count, phases, 3, 28, 28, generator=torch.Generator().manual_seed(seed)) - 0.5


def ensemble(name: str, phases: int) -> Ensemble:
    """Return two networks whose heads tell clips apart: scores of mean 0 and standard deviation 1."""
    torch.manual_seed(0)
    networks = [TwoBranchNetwork(ENCODERS[name](phases)).eval() for _ in range(2)]
    with torch.no_grad():
        for network in networks:
            network.mer_head.weight.div_(network(clips(8, phases)).std(0)[:, None])
            network.mer_head.bias.sub_(network(clips(8, phases)).mean(0))
    return Ensemble(networks).requires_grad_(False)


def answered(content: bytes, inputs: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"inputs": inputs.numpy()})[0])


def check_agreement(network: nn.Module, phases: int = 1) -> bytes:
    content = onnx_file(network, SETTINGS, clips(3, phases))
    for count in (1, 2, 9):
        inputs = clips(count, phases, seed=count + 2)
        expected = torch.softmax(network(inputs) / TEMPERATURE, 1)
        torch.testing.assert_close(answered(content, inputs), expected, rtol=0, atol=TOLERANCE)
    assert expected.std(0).max() > 100 * TOLERANCE  # so that answers for other clips would not pass
    return content


@pytest.mark.slow
def test_the_file_answers_as_torch_does_and_says_what_it_is() -> None:
    content = check_agreement(ensemble("conv4", 2), 2)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    (inputs,), (outputs,) = model.graph.input, model.graph.output
    assert (inputs.name, outputs.name) == ("inputs", "probabilities")
    shape = [dim.dim_param or dim.dim_value for dim in inputs.type.tensor_type.shape.dim]
    assert shape == ["clip", 2, 3, 28, 28]
    said = {line.key: line.value for line in model.metadata_props}
    assert json.loads(said["classes"]) == SETTINGS["classes"]
    assert said["inputs"] == "float32 (clip, 2, 3, 28, 28): clip, phase, channel, row, column"
    assert float(said["temperature"]) == TEMPERATURE
    assert json.loads(said["representation"])["name"] == "ApexFlow"
    assert "not a lie detector" in said["what_it_is_not"]
    assert b".py" not in content  # no place on the machine it was made on


@pytest.mark.slow
@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_answers_in_onnxruntime_as_in_torch(name: str, phases: int) -> None:
    check_agreement(ensemble(name, phases), phases)


def test_no_encoder_is_forgotten() -> None:
    tried = {type(make(1)) for make in ENCODERS.values()}
    there = {part for part in map(vars(lightmannet.networks).get, lightmannet.networks.__all__) if _is_encoder(part)}
    assert there == tried


def _is_encoder(part: object) -> bool:
    return inspect.isclass(part) and issubclass(part, Encoder) and part is not Encoder


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_in_onnxruntime_as_in_torch(method: str) -> None:
    draws = [Draw(make_clips(6, seed), make_clips(6, seed + 2, database="macro")) for seed in range(2)]
    check_agreement(adapted_network(make(method).eval(), draws, None))


class Fickle(nn.Module):
    """Answers by chance."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.rand_like(inputs[:, 0, 0, 0, :3])


class Choosing(nn.Module):
    """Decides by what the inputs are, which no graph can hold."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, 0, 0, 0, : 1 + int(inputs.sum().item() > 0)]


@pytest.mark.slow
def test_a_file_that_answers_differently_is_not_written() -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: onnxruntime's probabilities differ from torch's by .*not wri"):
        onnx_file(Fickle(), SETTINGS, clips(3))


@pytest.mark.slow
def test_a_network_that_no_graph_can_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be written as ONNX \(.*\); leave out --onnx"):
        onnx_file(Choosing(), SETTINGS, clips(3))


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_without_a_package_it_is_said_what_to_install(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"--onnx needs {package}: pip install 'lightmannet\[onnx\]'"):
        onnx_file(TwoBranchNetwork(Conv4(width=8)), SETTINGS, clips(3))
