"""Runs of a table: what a cell keeps, and what happens when runners, workers and disks fail."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from data_modules.base import ResumableLoader, SubjectDisjointDataModule
from data_modules.corpus import Corpus
from lightmannet.table.plan import Plan, make_plan
from lightmannet.table.run_cell import run_cell
from lightmannet.table.store import Result, read_result, write_result
from tests.clips import MadeCorpus
from tests.integration.test_table import EPISODIC, ROOT, SUPERVISED, cells, run, write_table

SEARCH = os.pathsep.join([str(ROOT / "src"), str(ROOT)])


class Deadly(MadeCorpus):
    """A corpus whose reading kills a worker process, as the kernel does when memory is short."""

    def load(self) -> Corpus:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().load()


def changed(path: Path, **change: object) -> Path:
    """Change keys of a table's file and return its path."""
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    return path


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("fold-*.json"))]


def first_cell(path: Path, **change: Any) -> Result:
    plan = make_plan(path, None)
    return run_cell(replace(plan.cells[0], **change))


# --- What a cell keeps ---


def test_a_cell_keeps_its_cost_its_curve_and_its_code(tmp_path: Path) -> None:
    result = first_cell(write_table(tmp_path, maml=[*EPISODIC, "--trainer.max_epochs=3"]))
    # Conv4 of width 8: four convolutions of 3 × 3 with bias and GroupNorm, on 28², 14², 7² and 3² places; 3 classes.
    assert result.parameters == (27 * 8 + 24) + (72 * 8 + 24) + (72 * 16 + 48) + (144 * 16 + 48) + 144 * 3 + 3
    assert result.multiply_adds == 27 * 8 * 28**2 + 72 * 8 * 14**2 + 72 * 16 * 7**2 + 144 * 16 * 3**2 + 144 * 3
    assert [point["epoch"] for point in result.curve] == [0, 1, 2]
    assert all(0 < point["train_loss"] < 5 for point in result.curve)
    assert 100 < result.peak_memory_mb < 20_000
    assert set(result.seconds) == {"training", "predicting", "adapting"}
    assert 0 < result.seconds["adapting"] < 5
    assert result.oracle is None
    # Three epochs of two tasks, each with 2 support and 2 query clips of 3 classes.
    assert result.drawn_clips == {"micro": 3 * 2 * 3 * (2 + 2), "macro": 0}


def test_a_method_that_only_compares_with_a_support_has_a_result_too(tmp_path: Path) -> None:
    config = {"config": str(ROOT / "configs" / "proto_net.yaml"), "options": [*EPISODIC, "--trainer.max_epochs=1"]}
    result = first_cell(changed(write_table(tmp_path, maml=EPISODIC), methods={"ProtoNet": config}))
    assert result.multiply_adds > 0
    assert result.answers
    assert result.unadapted is None


def test_a_method_that_adapts_is_tested_without_adapting_too(tmp_path: Path) -> None:
    def cell(folder: str, name: str, config: str, *options: str) -> Result:
        (tmp_path / folder).mkdir()
        return first_cell(
            changed(
                write_table(tmp_path / folder, maml=[]),
                methods={name: {"config": str(ROOT / "configs" / config), "options": [*EPISODIC, *options]}},
            )
        )

    # Fine-tuning trains the same network whatever it does at test time; without steps it answers with that.
    adapted = cell("adapted", "tuned", "fine_tuning.yaml", "--model.init_args.inner.learning_rate=0.5")
    resting = cell("resting", "resting", "fine_tuning.yaml", "--model.init_args.inner.steps=0")
    assert adapted.unadapted == resting.unadapted
    assert resting.unadapted is not None
    assert [answer.clip for answer in adapted.unadapted or []] == [answer.clip for answer in adapted.answers]
    for answer, itself in zip(resting.answers, resting.unadapted, strict=True):
        assert answer.probabilities == pytest.approx(itself.probabilities, abs=2e-6)
    assert adapted.answers != adapted.unadapted
    macro = cell("macro", "lightmannet", "lightmannet.yaml", "--data.init_args.n_auxiliary=4")
    assert macro.drawn_clips == {"micro": 2 * 3 * (2 + 2), "macro": 2 * 3 * 4}
    assert macro.unadapted is not None


def test_a_method_that_does_not_adapt_has_one_set_of_answers(tmp_path: Path) -> None:
    result = first_cell(write_table(tmp_path, supervised=SUPERVISED))
    assert result.unadapted is None
    assert result.drawn_clips == {"micro": len(set(result.train_subjects)) * 9, "macro": 0}


def test_a_result_of_an_earlier_version_of_its_format_is_read(tmp_path: Path) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    cell = make_plan(path, None).cells[0]
    result = run_cell(cell)
    write_result(tmp_path, result)
    file = tmp_path / cell.file_name
    content = json.loads(file.read_text())
    content["words"] = content.pop("arguments")
    del content["drawn_clips"], content["unadapted"], content["oracle_epoch"]
    file.write_text(json.dumps(content))
    assert read_result(tmp_path, cell) == replace(result, drawn_clips=None, unadapted=None)


def test_the_oracle_epoch_is_the_best_on_the_test_people_and_changes_nothing_else(tmp_path: Path) -> None:
    path = write_table(tmp_path, supervised=[*SUPERVISED, "--trainer.max_epochs=4"])
    with_oracle, without = first_cell(path, oracle_epoch=True), first_cell(path)
    assert with_oracle.answers == without.answers
    assert with_oracle.curve == without.curve
    assert with_oracle.oracle is not None

    def right(answers: list[Any]) -> int:
        return sum(answer.prediction == answer.label for answer in answers)

    accuracies = [
        right(
            first_cell(path, arguments=(*make_plan(path, None).cells[0].arguments, f"--trainer.max_epochs={n}")).answers
        )
        for n in range(1, 5)
    ]
    assert right(with_oracle.oracle) == max(accuracies)
    assert {answer.clip for answer in with_oracle.oracle} == {answer.clip for answer in without.answers}


def test_training_never_looks_at_a_test_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = SubjectDisjointDataModule.test_dataloader

    def noted(self: SubjectDisjointDataModule) -> ResumableLoader:
        assert self.trainer is not None
        asked.append(str(self.trainer.state.fn))
        return original(self)

    monkeypatch.setattr(SubjectDisjointDataModule, "test_dataloader", noted)
    first_cell(write_table(tmp_path, supervised=SUPERVISED))
    assert set(asked) == {"TrainerFn.PREDICTING"}


def test_conditions_are_columns_of_cells_each_with_its_options(tmp_path: Path) -> None:
    shots = {
        f"K = {k}": {
            "value": k,
            "options": [
                "--data.init_args.evaluation=UnseenPeople",
                "--data.init_args.evaluation.init_args.tasks=4",
                f"--data.init_args.n_shot={k}",
                "--data.init_args.n_query=1",
            ],
        }
        for k in (1, 2)
    }
    path = changed(write_table(tmp_path, maml=EPISODIC), axis="K", conditions=shots, seeds=[0])
    changed(path, protocol={"class_path": "SubjectKFold", "init_args": {"k": 2}})
    run(path)
    found = results(tmp_path)
    assert sorted((result["condition"], result["value"], result["fold"]) for result in found) == [
        ("K = 1", 1, 0),
        ("K = 1", 1, 1),
        ("K = 2", 2, 0),
        ("K = 2", 2, 1),
    ]
    for result in found:
        assert len(result["answers"]) == 4 * 3
        assert [answer["episode"] for answer in result["answers"]] == np.repeat(range(4), 3).tolist()
        assert yaml.safe_load(result["config"])["data"]["init_args"]["n_shot"] == result["value"]
        tested = {answer["clip"].rsplit("/", 1)[0] for answer in result["answers"]}
        assert tested <= set(result["test_subjects"])


def test_a_task_of_two_classes_is_answered_among_them(tmp_path: Path) -> None:
    options = [
        "--data.init_args.evaluation=OwnPerson",
        "--data.init_args.n_way=2",
        "--data.init_args.evaluation.init_args.tasks=5",
    ]
    result = first_cell(write_table(tmp_path, maml=[*EPISODIC, *options, "--data.init_args.n_query=1"]))
    for episode in range(5):
        mine = [answer for answer in result.answers if answer.episode == episode]
        classes = {answer.label for answer in mine}
        assert len(classes) == 2
        for answer in mine:
            assert sum(answer.probabilities[label] for label in classes) == pytest.approx(1, abs=1e-5)


# --- What goes wrong ---


def test_a_file_of_another_version_is_named_and_set_aside_and_its_cell_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), seeds=[0])
    run(path)
    old, moved = sorted(tmp_path.rglob("fold-*.json"))[:2]
    old.write_text(json.dumps({**json.loads(old.read_text()), "format": 1}))
    moved.write_text(json.dumps({**json.loads(moved.read_text()), "key": "0"}))
    capsys.readouterr()
    run(path)
    said = capsys.readouterr().out
    assert f"{old} was written by another version of this program. It was set aside as {old.stem}.other-format" in said
    assert f"{moved} holds another run than its name says" in said
    assert "3 runs, 1 done before, 2 to go" in said
    assert old.with_suffix(".other-format").exists()
    assert len(cells(tmp_path)) == 3


def test_a_full_disk_stops_the_runner_and_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), seeds=[0])
    written = 0

    def sync(handle: int) -> None:
        nonlocal written
        written += 1
        if written > 3:  # the table's description and two results
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("lightmannet.files.os.fsync", sync)
        with pytest.raises(SystemExit) as stop:
            run(path)
    assert stop.value.code == 2
    assert "cannot be written: [Errno 28] No space left on device" in capsys.readouterr().err
    before = cells(tmp_path)
    assert len(before) == 2
    assert not list(tmp_path.rglob("*.part"))
    run(path)
    assert "3 runs, 2 done before, 1 to go" in capsys.readouterr().out
    after = cells(tmp_path)
    assert len(after) == 3
    assert all(after[name] == at for name, at in before.items())


def test_a_store_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    (tmp_path / "results").write_text("no folder")
    with pytest.raises(SystemExit) as stop:
        run(path, f"--results={tmp_path / 'results'}")
    assert stop.value.code == 2
    assert "cannot be written" in capsys.readouterr().err


def test_status_says_what_is_done_running_and_left_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), seeds=[0])
    run(path)
    next(tmp_path.rglob("fold-02*.json")).unlink()
    capsys.readouterr()
    plan = make_plan(path, None)
    with other_runner(tmp_path / "small-kfold", plan, fold=2):
        run(path, "--status=true")
        assert "supervised: 2 of 3 done, 1 running, 0 left" in capsys.readouterr().out
    run(path, "--status=true")
    said = capsys.readouterr().out
    assert "supervised: 2 of 3 done, 0 running, 1 left" in said
    assert "to go with one process" in said
    assert len(cells(tmp_path)) == 2


def test_nothing_is_forgotten_while_another_runner_is_at_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), seeds=[0])
    run(path)
    with other_runner(tmp_path / "small-kfold", make_plan(path, None), fold=0):
        with pytest.raises(SystemExit):
            run(path, "--fresh=true")
        assert "Another runner is at work" in capsys.readouterr().err
    assert len(cells(tmp_path)) == 3


def test_what_another_runner_held_is_taken_over_when_it_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), seeds=[0])
    other = other_runner(tmp_path / "small-kfold", make_plan(path, None), fold=0)
    # This runner waits when only the other's cell is left; then the other one is killed.
    monkeypatch.setattr("lightmannet.runners.run_cells.time.sleep", lambda seconds: other.kill())
    with other:
        run(path)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert lines[-1].startswith("[3/3] supervised, fold 0, seed 0")
    assert other.killed
    assert len(cells(tmp_path)) == 3


class other_runner:  # noqa: N801  used like a function
    """Another process that has locked a cell, until the block ends or it is killed."""

    def __init__(self, folder: Path, plan: Plan, fold: int) -> None:
        key = next(cell.key for cell in plan.cells if cell.fold == fold)
        folder.mkdir(parents=True, exist_ok=True)
        # The file alone: the package would import torch, which takes seconds.
        self.script = (
            "import runpy, time\n"
            "from pathlib import Path\n"
            f"locks = runpy.run_path({str(ROOT / 'src' / 'lightmannet' / 'runners' / 'locks.py')!r})\n"
            f"print(locks['CellLocks'](Path({str(folder)!r})).acquire({key!r}), flush=True)\n"
            "time.sleep(600)\n"
        )
        self.killed = False

    def __enter__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", self.script], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "True\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.killed = True

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.mark.slow
def test_two_runners_share_the_work_and_repeat_none_of_it(tmp_path: Path) -> None:
    path = write_table(tmp_path, supervised=[*SUPERVISED, "--trainer.max_epochs=40"])
    script = f"from lightmannet.cli import main; main(['table', {str(path)!r}, '--results={tmp_path}', '--workers=1'])"
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": SEARCH},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [runner.communicate()[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0]
    ran = [
        line.split("] ")[1].split(":")[0]
        for output in outputs
        for line in output.splitlines()
        if line.startswith("[") and "another runner" not in line
    ]
    assert sorted(ran) == sorted(f"supervised, fold {fold}, seed {seed}" for fold in range(3) for seed in (0, 1))
    assert all(output.count("supervised, fold") >= 1 for output in outputs)


@pytest.mark.slow
def test_a_killed_worker_fails_its_cell_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deadly = [*SUPERVISED, f"--data.init_args.corpus={__name__}.Deadly"]
    path = changed(write_table(tmp_path, supervised=SUPERVISED, supervised_deadly=deadly), seeds=[0])
    changed(path, protocol={"class_path": "SubjectKFold", "init_args": {"k": 2}})
    os.environ["PYTHONPATH"], before = SEARCH, os.environ.get("PYTHONPATH")
    try:
        with pytest.raises(SystemExit) as stop:
            run(path, "--workers=2")
    finally:
        os.environ["PYTHONPATH"] = before or ""
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "2 of 4 runs failed" in message
    assert "supervised_deadly, fold 0, seed 0: its process was killed; if memory is short" in message
    assert [result["method"] for result in results(tmp_path)] == ["supervised", "supervised"]
    assert (tmp_path / "small-kfold" / "failed" / "supervised_deadly" / "fold-00.seed-0.log").exists()


@pytest.mark.slow
def test_killed_with_all_its_workers_it_repeats_no_finished_cell(tmp_path: Path) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    script = f"from lightmannet.cli import main; main(['table', {str(path)!r}, '--results={tmp_path}', '--workers=2'])"
    env = {**os.environ, "PYTHONPATH": SEARCH}
    seen: dict[str, int] = {}
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", script], env=env, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while len(cells(tmp_path)) <= len(seen) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.wait()
        now = cells(tmp_path)
        assert len(now) > len(seen)
        assert all(now[name] == at for name, at in seen.items())
        seen = now
    plan = make_plan(path, None)
    kept = [cell for cell in plan.cells if read_result(tmp_path / "small-kfold", cell) is not None]
    assert len(kept) == len(seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": {"a": {"config": str(ROOT / "configs" / "maml.yaml"), "options": ["--no.such=1"]}}}, "method a: "),
        ({"methods": {"a/b": {"config": "x.yaml"}}}, "'a/b' cannot be a folder's name"),
        ({"conditions": {}}, "conditions is empty"),
        ({"baseline": "nobody"}, "baseline: 'nobody' is not among the methods"),
        ({"protocol": "NoSuchProtocol"}, "NoSuchProtocol"),
        ({"protocol": {"class_path": "HoldOutDatabase", "init_args": {"test": ["nowhere"]}}}, "no database nowhere"),
        (
            {"protocol": {"class_path": "LeaveOneSubjectOut", "init_args": {"expect": [24, 24, 30]}}},
            "surprise: 30 expected, 24 found",
        ),
    ],
)
def test_a_table_that_cannot_be_run_is_refused(
    change: dict[str, object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(write_table(tmp_path, supervised=SUPERVISED), **change)
    with pytest.raises(SystemExit) as stop:
        run(path)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
