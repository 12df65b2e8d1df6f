"""The adapted network as an ONNX file, checked with onnxruntime; the only module that imports ONNX."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.errors import BundleError, ConfigurationError
from lightmannet.inference.bundle import ONNX
from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.inference.ensemble import Calibrated

INPUTS, OUTPUT, OPSET = "inputs", "probabilities", 18
TOLERANCE = 1e-5
"""Largest accepted difference between the probabilities of onnxruntime and torch."""


def check_onnx_is_there() -> None:
    """Check that ONNX can be written and checked.

    Raises:
        ConfigurationError: A package is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise ConfigurationError(f"--onnx needs {error.name}: pip install 'lightmannet[onnx]'") from error


def onnx_file(
    network: nn.Module, settings: Mapping[str, Any], clips: Float[Tensor, "clip phase channel height width"]
) -> bytes:
    """Return an adapted network as an ONNX file for which onnxruntime and torch agree.

    It maps ``inputs`` (any number of clips as the representation makes them, float32) to calibrated
    ``probabilities``, one row per clip: raw scores of an ensemble mean little, and a user of the file has no data to
    calibrate them with. The file's metadata describe inputs and outputs.

    Args:
        network: Maps inputs to class scores.
        settings: The bundle's settings.
        clips: At least two clips, for the comparison with a batch of one and of all.

    Raises:
        ConfigurationError: A package is not installed, or the network cannot be written as ONNX.
        BundleError: onnxruntime's answers differ.
    """
    check_onnx_is_there()
    import onnx

    calibrated = Calibrated(network, float(settings["calibration"]["temperature"]))
    clips = clips.float()
    with _no_notes():
        try:
            # From torch 2.9 on this is the only exporter.
            program = torch.onnx.export(
                calibrated,
                (clips,),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[INPUTS],
                output_names=[OUTPUT],
                dynamic_shapes={"inputs": {0: torch.export.Dim("clip")}},
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigurationError(f"This network cannot be written as ONNX ({reason}); leave out --onnx.") from error
    assert program is not None
    model = program.model_proto
    _forget_where_it_was_made(model)
    onnx.helper.set_model_props(model, _metadata(settings, clips))
    content = model.SerializeToString()
    _compare(content, calibrated, clips)
    return content


def _metadata(settings: Mapping[str, Any], clips: Tensor) -> dict[str, str]:
    calibration = settings["calibration"]
    return {
        "program": f"lightmannet {settings['program']}",
        "classes": json.dumps(settings["classes"]),
        INPUTS: f"float32 ({', '.join(['clip', *map(str, clips.shape[1:])])}): clip, phase, channel, row, column",
        OUTPUT: "float32 (clip, class): calibrated, the temperature is in the graph",
        "temperature": str(calibration["temperature"]),
        "threshold": str(calibration["threshold"]),
        "representation": json.dumps(settings["representation"]),
        "crop": json.dumps(settings["crop"]),
        "corpus": str(settings["corpus"]),
        "synthetic": json.dumps(settings["synthetic"]),
        "what_it_is_not": WHAT_IT_IS_NOT,
    }


@torch.no_grad()
def _compare(content: bytes, calibrated: Calibrated, clips: Tensor) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for some in (clips[:1], clips):
        found = torch.from_numpy(session.run([OUTPUT], {INPUTS: some.numpy()})[0])
        worst = float((found - calibrated(some)).abs().max())
        if not worst <= TOLERANCE:
            raise BundleError(
                f"{ONNX}: onnxruntime's probabilities differ from torch's by {worst:.1e}, more than "
                f"{TOLERANCE:.0e}, so it is not written. Leave out --onnx, or try another version of the packages."
            )


def _forget_where_it_was_made(model: Any) -> None:
    """Remove torch's notes on source files and their paths on this machine."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for function in model.functions:
        for node in function.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")


@contextmanager
def _no_notes() -> Iterator[None]:
    """Silence torch about missing packages and its own deprecated calls."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
