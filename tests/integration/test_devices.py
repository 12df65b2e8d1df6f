"""One process and two learn the same and give the same scores."""

import csv
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.clips import MadeCorpus

ROOT = Path(__file__).parents[2]
SCRIPT = "import sys; from lightmannet.cli import main; main(sys.argv[1:])\n"


def prepared(folder: Path, devices: int, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment of one command on ``devices`` processes, in double precision."""
    folder.mkdir(exist_ok=True)
    (folder / "run.py").write_text(SCRIPT)
    options = [
        f"--config={ROOT / 'configs' / 'lightmannet.yaml'}",
        "--data.init_args.corpus=tests.clips.MadeCorpus",
        "--data.init_args.episodes_per_epoch=8",
        "--data.init_args.n_shot=2",
        "--data.init_args.n_query=2",
        "--model.init_args.warm_start.epochs=0",
        "--model.init_args.network.init_args.encoder.init_args.dropout=0",
        "--trainer.max_epochs=2",
        "--trainer.accelerator=cpu",
        "--trainer.precision=64-true",
        f"--trainer.devices={devices}",
        f"--trainer.accumulate_grad_batches={4 // devices}",
        *(["--trainer.strategy=ddp"] if devices > 1 else []),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    return ["run.py", words[0], *options, *words[1:]], environment


def run(folder: Path, devices: int, *words: str) -> None:
    """Run one command on ``devices`` processes of this machine."""
    script, environment = prepared(folder, devices, words)
    command = [sys.executable, *script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def scores(folder: Path, version: int) -> dict[str, float]:
    """Return the logged values by name, epoch and step, but for speed and memory, which are the machine's."""
    with (folder / "lightning_logs" / f"version_{version}" / "metrics.csv").open() as file:
        return {
            f"{name} {row['epoch']} {row['step']}": float(value)
            for row in csv.DictReader(file)
            for name, value in row.items()
            if value and name not in ("epoch", "step") and not name.startswith(("speed/", "memory/"))
        }


def checkpoint(folder: Path) -> Path:
    (path,) = folder.glob("lightning_logs/version_0/checkpoints/*.ckpt")
    return path


def weights(folder: Path) -> dict[str, torch.Tensor]:
    content: dict[str, Any] = torch.load(checkpoint(folder), weights_only=True)
    return {name: value for name, value in content["state_dict"].items() if name.startswith("network.")}


@pytest.mark.slow
@pytest.mark.parametrize("first_order", [False, True])
def test_two_processes_of_two_tasks_equal_one_of_four(first_order: bool, tmp_path: Path) -> None:
    """Two meta-batches of four tasks in each of two epochs: weights and logged values, to 1e-12."""
    order = f"--model.init_args.inner.first_order={first_order}"
    for name, devices in (("one", 1), ("two", 2)):
        run(tmp_path / name, devices, "fit", order)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].dtype == torch.float64
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-12, msg=name)
    logged = [scores(tmp_path / name, 0) for name in ("one", "two")]
    assert logged[0].keys() == logged[1].keys()
    assert {name.split()[0] for name in logged[0]} >= {"train/loss", "val/uf1", "val/uar"}
    for name, value in logged[0].items():
        assert logged[1][name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.slow
def test_test_clips_count_once_on_two_devices(tmp_path: Path) -> None:
    """An odd number of batches: nothing is repeated to fill up."""
    folder = tmp_path / "one"
    run(folder, 1, "fit", "--data.init_args.protocol.init_args.k=3")
    more = ["--data.init_args.protocol.init_args.k=3", f"--ckpt_path={checkpoint(folder)}"]
    for verb in ("test", "predict"):
        run(folder, 1, verb, *more)
        run(folder, 2, verb, *more)
    one, two = scores(folder, 1), scores(folder, 2)
    assert {name.split()[0] for name in one} == {"test/uf1", "test/uar", "test/accuracy"}
    assert one == two
    predictions = [(folder / "lightning_logs" / f"version_{v}" / "predictions.csv").read_text() for v in (3, 4)]
    assert predictions[0] == predictions[1]
    clips = [line.split(",")[0] for line in predictions[0].splitlines()[1:]]
    assert len(clips) == len(set(clips)) > 1
    assert set(clips) < set(MadeCorpus().load().micro.ids)


@pytest.mark.slow
def test_two_machines_of_two_tasks_equal_one_of_four(tmp_path: Path) -> None:
    """Two torchruns that find each other, as on two machines, with one process each."""
    run(tmp_path / "one", 1, "fit")
    script, environment = prepared(tmp_path / "two", 2, ["fit", "--trainer.devices=1", "--trainer.num_nodes=2"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nnodes=2",
        "--nproc_per_node=1",
        "--rdzv_backend=c10d",
    ]
    command = [*torchrun, f"--rdzv_endpoint=127.0.0.1:{port}", *script]
    machines = [
        subprocess.Popen(command, cwd=tmp_path / "two", env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for machine in machines:
        _, said = machine.communicate(timeout=500)
        assert machine.returncode == 0, said
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-12, msg=name)


@pytest.mark.slow
def test_two_epochs_and_two_more_on_two_devices_equal_four_at_once(tmp_path: Path) -> None:
    """With dropout and the second order; what is drawn must go on in each process where it stopped."""
    dropout = "--model.init_args.network.init_args.encoder.init_args.dropout=0.2"
    run(tmp_path / "whole", 2, "fit", "--trainer.max_epochs=4", dropout)
    run(tmp_path / "half", 2, "fit", "--trainer.max_epochs=2", dropout)
    run(tmp_path / "rest", 2, "fit", "--trainer.max_epochs=4", dropout, f"--ckpt_path={checkpoint(tmp_path / 'half')}")
    whole, rest = weights(tmp_path / "whole"), weights(tmp_path / "rest")
    assert whole.keys() == rest.keys()
    for name in whole:
        torch.testing.assert_close(rest[name], whole[name], rtol=0, atol=0, msg=name)
    logged = [scores(tmp_path / name, 0) for name in ("whole", "half", "rest")]
    assert logged[1] | logged[2] == logged[0]
