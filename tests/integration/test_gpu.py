"""On a CUDA device: fit, resume, the same numbers as on a CPU, and one device beside several."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightmannet.learners import LightmanNet
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import make_episode

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def run(folder: Path, *words: str) -> None:
    """Run one command in a process of its own, second order, without dropout."""
    folder.mkdir(exist_ok=True)
    (folder / "run.py").write_text("import sys; from lightmannet.cli import main; main(sys.argv[1:])\n")
    options = [
        f"--config={ROOT / 'configs' / 'lightmannet.yaml'}",
        "--data.init_args.corpus=tests.clips.MadeCorpus",
        "--data.init_args.episodes_per_epoch=8",
        "--data.init_args.n_shot=2",
        "--data.init_args.n_query=2",
        "--model.init_args.warm_start.epochs=0",
        "--model.init_args.network.init_args.encoder.init_args.dropout=0",
        "--trainer.accumulate_grad_batches=4",
        "--trainer.enable_progress_bar=false",
    ]
    # Without TF32 a convolution is float32 on both; cuBLAS needs the setting to give the same bits each time.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "NVIDIA_TF32_OVERRIDE": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    command = [sys.executable, "run.py", words[0], *options, *words[1:]]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def checkpoint(folder: Path, version: int = 0) -> Path:
    (path,) = folder.glob(f"lightning_logs/version_{version}/checkpoints/*.ckpt")
    return path


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    return {name: value for name, value in state.items() if name.startswith("network.")}


def assert_close(first: Path, second: Path, tolerance: float) -> None:
    one, other = weights(first), weights(second)
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(other[name], one[name], rtol=0, atol=tolerance, msg=name)


def probabilities(folder: Path) -> dict[str, list[float]]:
    (path,) = folder.glob("lightning_logs/*/predictions.csv")
    with path.open() as file:
        return {row["clip"]: [float(row[f"probability_{k}"]) for k in range(3)] for row in csv.DictReader(file)}


def test_a_meta_gradient_is_the_same_on_both_within_1e_4() -> None:
    gradients = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        learner = LightmanNet(TwoBranchNetwork(Conv4(width=8, dropout=0.0)), InnerLoop(steps=2)).to(device).train()
        # Convolutions may use TF32 unless told otherwise, matrix products may not.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            learner.meta_loss(make_episode().to(device)).backward()
        gradients.append({name: p.grad.cpu() for name, p in learner.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, rtol=0, atol=1e-4, msg=name)


def test_what_was_learned_answers_the_same_on_both_within_1e_4(tmp_path: Path) -> None:
    """Answers after two meta-updates; AdamW makes whole steps of gradients that are rounding, so weights may differ."""
    for name in ("cpu", "gpu"):
        device = [f"--trainer.accelerator={name}", "--trainer.devices=1"]
        run(tmp_path / name, "fit", *device, "--trainer.max_epochs=1")
        run(tmp_path / name, "predict", *device, f"--ckpt_path={checkpoint(tmp_path / name)}")
    one, other = probabilities(tmp_path / "cpu"), probabilities(tmp_path / "gpu")
    assert one.keys() == other.keys()
    for clip, values in one.items():
        assert other[clip] == pytest.approx(values, abs=1e-4), clip


def test_a_fit_on_a_gpu_goes_on_where_it_stopped(tmp_path: Path) -> None:
    device = ["--trainer.accelerator=gpu", "--trainer.devices=1", "--trainer.deterministic=true"]
    run(tmp_path / "whole", "fit", *device, "--trainer.max_epochs=4")
    run(tmp_path / "half", "fit", *device, "--trainer.max_epochs=2")
    run(tmp_path / "half", "fit", *device, "--trainer.max_epochs=4", f"--ckpt_path={checkpoint(tmp_path / 'half')}")
    assert_close(checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "half", 1), 0.0)


def test_a_checkpoint_of_a_gpu_is_tested_on_a_cpu(tmp_path: Path) -> None:
    run(tmp_path, "fit", "--trainer.accelerator=gpu", "--trainer.devices=1", "--trainer.max_epochs=1")
    run(tmp_path, "test", "--trainer.accelerator=cpu", f"--ckpt_path={checkpoint(tmp_path)}")


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one CUDA device")
def test_two_devices_learn_what_one_learns(tmp_path: Path) -> None:
    """Two tasks on each of two devices are one meta-batch of four, to 1e-12 in double precision."""
    double = ["--trainer.accelerator=gpu", "--trainer.precision=64-true", "--trainer.max_epochs=2"]
    run(tmp_path / "one", "fit", *double, "--trainer.devices=1")
    two = ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.accumulate_grad_batches=2"]
    run(tmp_path / "two", "fit", *double, *two)
    assert_close(checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two"), 1e-12)
