"""A table at W&B: its folds are one group, and whatever happens there no cell and no answer is another."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml

from lightmannet.cli import main
from tests.integration.test_privacy import FakeRun, begun_runs, check_scalars_and_options, of
from tests.integration.test_table import EPISODIC, ROOT, SUPERVISED, write_table


def table(folder: Path, **methods: list[str]) -> Path:
    """Write a table of two folds and one seed and return its path."""
    folder.mkdir(exist_ok=True)
    path = write_table(folder, **methods)
    content = yaml.safe_load(path.read_text())
    content |= {"seeds": [0], "protocol": {"class_path": "SubjectKFold", "init_args": {"k": 2}}}
    path.write_text(yaml.safe_dump(content))
    return path


def run(path: Path, *options: str) -> None:
    main(["table", str(path), f"--results={path.parent}", "--workers=1", *options])


def kept(folder: Path) -> dict[str, Any]:
    """Return what a table keeps of each cell, under its key, but for what the machine and its folders decide."""
    contents = {path.name: json.loads(path.read_text()) for path in folder.rglob("fold-*.json")}
    return {
        name: {key: value for key, value in content.items() if key not in ("seconds", "peak_memory_mb", "arguments")}
        for name, content in contents.items()
    }


def test_each_fold_is_a_run_of_its_methods_group_and_no_answer_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = begun_runs(monkeypatch)
    methods = {"supervised": SUPERVISED, "maml": [*EPISODIC, "--model.init_args.warm_start.epochs=0"]}
    run(table(tmp_path / "alone", **methods))
    assert not runs
    run(table(tmp_path / "watched", **methods), "--wandb=offline")
    assert kept(tmp_path / "watched") == kept(tmp_path / "alone")
    assert len(kept(tmp_path / "alone")) == 4
    begun = {(of(run, "init")[0]["group"], of(run, "init")[0]["name"]) for run in runs}
    groups = [f"small, MadeCorpus, SubjectKFold, {method}, seed 0" for method in methods]
    assert begun == {(group, f"fold {fold}") for group in groups for fold in (0, 1)}
    assert len(runs) == 4
    for one in runs:
        check_scalars_and_options(one, tmp_path)
        (config,) = of(one, "config")
        assert config["table"] == "small"
        assert config["method"] in methods
        logged = {name for scalars in of(one, "log") for name in scalars}
        assert {"train/loss", "optimizer/learning_rate_0", "memory/peak_mib"} <= logged
        assert {"test/uf1", "test/uar", "test/accuracy", "test/clips", "cost/training_seconds"} <= logged
        assert ("task/query_after" in logged) == (config["method"] == "maml")
    said = capsys.readouterr().out
    assert f"4 runs wait for W&B; this sends them: wandb sync {tmp_path}/watched/small-kfold/wandb/" in said


def test_a_condition_is_a_group_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = begun_runs(monkeypatch)
    path = table(tmp_path, supervised=SUPERVISED)
    conditions = {f"rate {rate}": {"options": [f"--model.init_args.learning_rate={rate}"]} for rate in (0.01, 0.02)}
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "conditions": conditions}))
    run(path, "--wandb=offline")
    groups = sorted(of(run, "init")[0]["group"] for run in runs)
    expected = [f"small, MadeCorpus, SubjectKFold, supervised, rate {rate}, seed 0" for rate in (0.01, 0.02)]
    assert groups == sorted(expected * 2)


def test_offline_runs_wait_in_the_tables_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, supervised=SUPERVISED)
    run(path, "--wandb=offline")
    contents = [file.read_bytes() for file in tmp_path.glob("small-kfold/wandb/offline-run-*/*.wandb")]
    assert len(contents) == 2
    for content in contents:
        assert b"small, MadeCorpus, SubjectKFold, supervised, seed 0" in content
        assert b"test/accuracy" in content
        assert str(tmp_path).encode() not in content
    assert sorted(content.count(b"fold 0") > 0 for content in contents) == [False, True]
    assert sorted(content.count(b"fold 1") > 0 for content in contents) == [False, True]


@pytest.mark.parametrize("offline", [True, False], ids=["offline works", "offline fails, too"])
def test_where_w_and_b_cannot_be_reached_it_is_said_and_nothing_is_lost(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, modes = begun_runs(monkeypatch), []
    begin = wandb.init

    def init(**options: Any) -> FakeRun:
        modes.append(options["settings"].mode)
        if modes[-1] == "online" or not offline:
            raise wandb.errors.CommError("no answer within 90 seconds")
        return begin(**options)  # type: ignore[return-value]

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "login", lambda prompt: True)
    run(table(tmp_path, supervised=SUPERVISED), "--wandb=online")
    assert len(kept(tmp_path)) == 2
    said = capsys.readouterr().out
    assert "W&B did not accept the run of supervised, fold 0, seed 0: no answer within 90 seconds" in said
    assert "The result is kept; this run and the following ones are logged offline" in said
    assert modes == ["online", "offline", "offline"]
    assert len(runs) == (2 if offline else 0)
    outcome = "2 runs wait for W&B" if offline else "2 runs could not be logged for W&B; their results are kept."
    assert outcome in said


def test_online_without_a_key_is_refused_before_a_cell_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wandb, "login", lambda prompt: False)
    with pytest.raises(SystemExit) as stop:
        run(table(tmp_path, supervised=SUPERVISED), "--wandb=online")
    assert stop.value.code == 2
    assert "W&B has no key on this machine" in capsys.readouterr().err
    assert not kept(tmp_path)


@pytest.mark.slow
def test_cells_of_other_processes_are_sent_by_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    runs = begun_runs(monkeypatch)
    run(table(tmp_path, supervised=SUPERVISED), "--wandb=offline", "--workers=2")
    assert sorted(of(run, "init")[0]["name"] for run in runs) == ["fold 0", "fold 1"]
    for one in runs:
        check_scalars_and_options(one, tmp_path)
