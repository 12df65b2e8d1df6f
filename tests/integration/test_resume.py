"""A run that was stopped and goes on ends as if it had never stopped, bit for bit."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from lightmannet.cli import main

ROOT = Path(__file__).parents[2]
CORPUS = "--data.init_args.corpus=tests.clips.MadeCorpus"
EVERY_STEP = [
    "--trainer.callbacks+=lightning.pytorch.callbacks.ModelCheckpoint",
    "--trainer.callbacks.save_top_k=-1",
    "--trainer.callbacks.every_n_train_steps=1",
    "--trainer.callbacks.filename={step}",
]
RECIPES = {
    # An epoch of warm start, then second order, with dropout and augmentation; two meta-updates of two tasks an epoch.
    "lightmannet": [
        "--model.init_args.warm_start.epochs=1",
        "--data.init_args.episodes_per_epoch=4",
        "--data.init_args.n_shot=2",
        "--data.init_args.n_query=2",
        "--data.init_args.evaluation.init_args.draws=2",
        "--trainer.accumulate_grad_batches=2",
    ],
    "supervised": ["--data.init_args.batch_size=16"],
    "maxl": ["--data.init_args.batch_size=16"],
}


def words(name: str, folder: Path, epochs: int) -> list[str]:
    return [
        "fit",
        f"--config={ROOT / 'configs' / name}.yaml",
        CORPUS,
        *RECIPES[name],
        "--model.init_args.network.init_args.encoder.init_args.width=8",
        f"--trainer.max_epochs={epochs}",
        "--trainer.accelerator=cpu",
        "--trainer.log_every_n_steps=1",
        "--monitor.every_n_steps=1",
        f"--trainer.logger.init_args.save_dir={folder}",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
    ]


def fit(name: str, folder: Path, epochs: int, *more: str) -> Path:
    """Fit and return the run's folder."""
    main([*words(name, folder, epochs), *more])
    return max(folder.glob("lightning_logs/version_*"), key=lambda run: run.name)


def newest(run: Path) -> Path:
    return max(run.glob("checkpoints/*.ckpt"), key=lambda path: path.stat().st_mtime_ns)


def read(path: Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    return checkpoint


def assert_same(first: Any, second: Any, where: str = "") -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}/{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_same(one, other, f"{where}/{index}")
    else:
        assert first == second, where


def assert_same_end(first: Path, second: Path) -> None:
    """Weights, optimiser, schedule, random state and counters of two checkpoints are equal."""
    one, other = read(first), read(second)
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step"):
        assert_same(one[part], other[part], part)
    (random,) = (key for key in one["callbacks"] if "RunState" in key)
    assert_same(one["callbacks"][random], other["callbacks"][random], "random")


def metrics(run: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return the logged scalars by epoch and name, but for speed and memory, which are the machine's."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    with (run / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value and name not in ("epoch", "step") and not name.startswith(("speed/", "memory/")):
                    rows.setdefault((row["epoch"], name), {})[row["step"]] = value
    return rows


@pytest.mark.parametrize("name", RECIPES)
def test_four_epochs_equal_two_and_two(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = fit(name, tmp_path / "whole", 4)
    half = fit(name, tmp_path / "half", 2)
    with caplog.at_level("INFO", logger="lightning.pytorch.utilities.rank_zero"):
        rest = fit(name, tmp_path / "half", 4, f"--ckpt_path={newest(half)}")
    assert not [record for record in caplog.records if "other options" in record.message]
    assert_same_end(newest(whole), newest(rest))
    expected = metrics(whole)
    assert metrics(half) | metrics(rest) == expected
    assert len({epoch for epoch, _ in expected}) == 4


def test_double_precision_is_not_rounded_on_the_way(tmp_path: Path) -> None:
    double = "--trainer.precision=64-true"
    whole = fit("supervised", tmp_path / "whole", 2, double)
    half = fit("supervised", tmp_path / "half", 1, double)
    rest = fit("supervised", tmp_path / "half", 2, double, f"--ckpt_path={newest(half)}")
    assert_same_end(newest(whole), newest(rest))
    assert next(iter(read(newest(rest))["state_dict"].values())).dtype == torch.float64


# Workers take seconds to start; both data modules with them by make test-slow.
@pytest.mark.parametrize(
    ("name", "workers"),
    [
        pytest.param(name, n, marks=[pytest.mark.slow] * (n > 0 and name != "lightmannet"))
        for name in RECIPES
        for n in (0, 2)
    ],
)
def test_a_run_goes_on_in_the_middle_of_an_epoch(name: str, workers: int, tmp_path: Path) -> None:
    more = [f"--data.init_args.num_workers={workers}", *EVERY_STEP]
    whole = fit(name, tmp_path / "whole", 2, *more)
    checkpoints = {read(path)["global_step"]: path for path in whole.glob("checkpoints/step=*.ckpt")}
    steps = max(checkpoints)
    # The step after the one that ends the first epoch.
    middle = steps // 2 + 1
    assert steps % 2 == 0
    assert middle < steps
    rest = fit(name, tmp_path / "rest", 2, *more, f"--ckpt_path={checkpoints[middle]}")
    assert_same_end(checkpoints[steps], newest(rest))
    expected = metrics(whole)
    for key, lines in metrics(rest).items():
        assert lines.items() <= expected[key].items(), key
    assert {epoch for epoch, _ in metrics(rest)} == {"1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "more", "seen"),
    [
        ("lightmannet", [], "epoch=[2-9]*.ckpt"),
        ("supervised", [], "epoch=[2-9]*.ckpt"),
        # Two meta-updates an epoch, so an odd one is in the middle.
        ("lightmannet", ["--data.init_args.num_workers=2", *EVERY_STEP], "step=7.ckpt"),
    ],
    ids=["lightmannet", "supervised", "in mid-epoch, with workers"],
)
def test_a_killed_run_goes_on(name: str, more: list[str], seen: str, tmp_path: Path) -> None:
    whole = fit(name, tmp_path / "whole", 20, *more)
    (tmp_path / "run.py").write_text("import sys; from lightmannet.cli import main; main(sys.argv[1:])\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    given = [*words(name, tmp_path / "killed", 20), *more, "--trainer.callbacks+=tests.slow.Slow"]
    command = [sys.executable, "run.py", *given]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    checkpoints = tmp_path / "killed" / "lightning_logs" / "version_0" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob(seen)):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = newest(checkpoints.parent)
    assert read(left)["epoch"] < 19
    rest = fit(name, tmp_path / "killed", 20, *more, f"--ckpt_path={left}")
    assert_same_end(newest(whole), newest(rest))


def test_explicit_options_win_over_those_of_the_checkpoint_and_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    half = fit("supervised", tmp_path, 1)
    with caplog.at_level("INFO", logger="lightning.pytorch.utilities.rank_zero"):
        rest = fit("supervised", tmp_path, 2, f"--ckpt_path={newest(half)}", "--model.init_args.learning_rate=0.25")
    said = [record.message for record in caplog.records if "options that differ from the checkpoint" in record.message]
    assert len(said) == 1
    assert "model.init_args.learning_rate: 0.001 → 0.25" in said[0]
    assert said[0].count("→") == 1
    groups = read(newest(rest))["optimizer_states"][0]["param_groups"]
    assert [group["lr"] for group in groups] == [0.25] * len(groups)


def test_a_step_size_of_the_warm_start_can_be_changed_on_the_way(tmp_path: Path) -> None:
    half = fit("lightmannet", tmp_path, 1)
    more = ["--model.init_args.learning_rate=0.5", "--model.init_args.warm_start.learning_rate=0.25"]
    warm = fit(
        "lightmannet", tmp_path, 2, f"--ckpt_path={newest(half)}", *more, "--model.init_args.warm_start.epochs=5"
    )
    groups = read(newest(warm))["optimizer_states"][0]["param_groups"]
    assert [group["lr"] for group in groups] == pytest.approx([0.25] * len(groups))


@pytest.mark.parametrize("name", ["lightmannet", "supervised"])
def test_the_seed_decides_and_the_number_of_workers_does_not(name: str, tmp_path: Path) -> None:
    runs = {
        key: read(newest(fit(name, tmp_path / key, 2, *more)))["state_dict"]
        for key, more in {
            "alone": [],
            "workers": ["--data.init_args.num_workers=2"],
            "seed": ["--seed_everything=1"],
        }.items()
    }
    assert_same(runs["alone"], runs["workers"])
    differ = [name for name in runs["alone"] if not torch.equal(runs["alone"][name], runs["seed"][name])]
    assert any("encoder" in name for name in differ)
