"""Tables whose folds and seeds are trained together: the same results, whichever way they were run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightmannet.cli import main
from tests.integration.test_table import BROKEN, EPISODIC, ROOT, SUPERVISED, cells, write_table

LIGHTMANNET = [
    *EPISODIC,
    "--trainer.max_epochs=2",
    "--model.init_args.warm_start.epochs=1",
    "--model.init_args.inner.steps=2",
    "--schedule.shape=cosine",
    "--data.init_args.n_auxiliary=2",
]


def run(path: Path, results: str, *options: str) -> dict[str, dict[str, Any]]:
    """Run the table into a folder of results and return them by file."""
    folder = path.parent / results
    main(["table", str(path), f"--results={folder}", "--workers=1", *options])
    return {file.name: json.loads(file.read_text()) for file in sorted(folder.rglob("fold-*.json"))}


def test_batched_runs_are_those_that_are_run_one_by_one(tmp_path: Path) -> None:
    """In double precision, tests/parity/test_batched.py compares weights."""
    path = write_table(tmp_path, supervised=SUPERVISED, lightmannet=LIGHTMANNET)
    alone = run(path, "alone")
    together = run(path, "together", "--engine=batched")
    assert set(alone) == set(together)
    assert len(alone) == 2 * 3 * 2
    for name, one in alone.items():
        other = together[name]
        assert set(one.pop("seconds")) == set(other.pop("seconds"))
        del one["peak_memory_mb"], other["peak_memory_mb"]
        assert _same(one, other), name


def _same(one: Any, other: Any) -> bool:
    """Return whether two results agree, numbers to what single precision may do in a few updates."""
    if isinstance(one, float):
        return one == pytest.approx(other, abs=1e-3)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def test_either_way_goes_on_from_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    run(path, "results")
    lost = sorted((tmp_path / "results").rglob("fold-*.json"))
    for file in lost[:3]:
        file.unlink()
    before = cells(tmp_path)
    run(path, "results", "--engine=batched", "--together=2")
    assert "6 runs, 3 done before, 3 to go" in capsys.readouterr().out
    after = cells(tmp_path)
    assert len(after) == 6
    assert all(after[name] == written for name, written in before.items())


@pytest.mark.slow
def test_killed_in_the_middle_unfinished_runs_are_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    options = ["table", str(path), f"--results={tmp_path}", "--workers=1", "--engine=batched", "--together=2"]
    script = f"from lightmannet.cli import main; main({options!r})"
    search = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": search}, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not cells(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = cells(tmp_path)
    assert 1 <= len(finished) < 6
    main(options)
    assert f"6 runs, {len(finished)} done before" in capsys.readouterr().out
    after = cells(tmp_path)
    assert len(after) == 6
    assert all(after[name] == written for name, written in finished.items())


def test_what_cannot_be_batched_is_run_one_by_one_and_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path, ridge=[], supervised=[*SUPERVISED, "--trainer.gradient_clip_val=1"])
    assert len(run(path, "results", "--engine=batched")) == 2 * 3 * 2
    out = capsys.readouterr().out
    assert out.count("ridge is run one by one: Ridge has no batched training.") == 1
    assert out.count("supervised is run one by one: trainer.gradient_clip_val is set.") == 1


def test_a_callback_of_the_users_is_called_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path, maml_broken=[*EPISODIC, *BROKEN])
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "seeds": [0]}))
    with pytest.raises(SystemExit):
        run(path, "results", "--engine=batched")
    output = capsys.readouterr()
    assert "maml_broken is run one by one: the callback Broken looks at one run." in output.out
    assert "3 of 3 runs failed" in output.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine=fast"], "engine"),
        (["--together=2"], "together: 2, which needs engine: batched and must be 1 or more"),
        (["--engine=batched", "--together=0"], "together: 0, which needs engine: batched and must be 1 or more"),
        (["--engine=batched", "--wandb=offline"], "engine: batched trains many runs at once and logs none of them"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(write_table(tmp_path, supervised=SUPERVISED), "results", *options)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
