"""Whatever a scheduler does, a run goes on from its own state, bit for bit, and from nobody else's."""

import ast
import csv
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightmannet.callbacks import requeue
from lightmannet.cli import main
from lightmannet.commands import sweep as sweep_command
from lightmannet.lightning_cli import Lightning
from lightmannet.sweep.search import Sweep, read_sweep
from lightmannet.table.cell import Cell
from lightmannet.table.run_cell import FinishedCell, finish_cell
from tests.scheduler import NodeFailure, Scheduler, variables, write_scontrol

ROOT = Path(__file__).parents[2]
BATCHES = 3
"""An epoch's."""
QUICK = [
    "--data.init_args.corpus=tests.clips.MadeCorpus",
    "--data.init_args.batch_size=16",
    f"--trainer.limit_train_batches={BATCHES}",
    "--trainer.max_epochs=3",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--monitor.every_n_steps=0",
]
ACCUMULATED = ["--trainer.accumulate_grad_batches=2"]


def words(*more: str, config: str = "supervised") -> list[str]:
    return ["fit", f"--config={ROOT / 'configs' / config}.yaml", *QUICK, *more]


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    monkeypatch.chdir(tmp_path)
    return Scheduler(tmp_path / "slurm", monkeypatch)


def fit(scheduler: Scheduler, event: tuple[str, int] | None, options: Sequence[str]) -> bool:
    """Run a fit, during which something happens; return whether it was completed."""
    scheduler.event = event
    try:
        main(list(options))
    except (NodeFailure, SIGTERMException):
        return False
    return True


def refusal(capsys: pytest.CaptureFixture[str], options: Sequence[str]) -> str:
    """Run a command, which must be refused, and return what it says."""
    with pytest.raises(SystemExit) as stop:
        main(list(options))
    assert stop.value.code == 2
    return capsys.readouterr().err


Weights = dict[str, torch.Tensor]


def checkpoint(folder: Path) -> Path:
    """Return the checkpoint of the newest run below a folder."""
    return max(folder.glob("lightning_logs/version_*/checkpoints/*.ckpt"), key=lambda path: path.stat().st_mtime_ns)


def weights(path: Path) -> Weights:
    content: Weights = torch.load(path, weights_only=True)["state_dict"]
    return content


def equal(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@cache
def undisturbed(*options: str) -> Weights:
    """Return the weights at the end of a fit outside of any job; each is run once."""
    with tempfile.TemporaryDirectory() as folder:
        main([*options, f"--trainer.logger.init_args.save_dir={folder}"])
        return weights(checkpoint(Path(folder)))


@pytest.mark.parametrize(
    ("kind", "batch", "more"),
    [
        ("SIGUSR1", BATCHES + 1, ACCUMULATED),  # in the middle of an update
        pytest.param("SIGUSR1", BATCHES - 1, [], marks=pytest.mark.slow),  # the last of an epoch
        pytest.param("SIGUSR1", 1, [], marks=pytest.mark.slow),
        pytest.param("SIGTERM", 1, ACCUMULATED, marks=pytest.mark.slow),
        ("SIGTERM", BATCHES, ACCUMULATED),
    ],
)
def test_a_run_that_is_stopped_and_requeued_ends_as_if_it_had_not(
    kind: str, batch: int, more: list[str], scheduler: Scheduler
) -> None:
    expected = undisturbed(*words(*more))
    scheduler.enter("31")
    assert not fit(scheduler, (kind, batch), words(*more))
    assert scheduler.requeued == (["31"] if kind == "SIGUSR1" else [])
    (state,) = Path("lightning_logs/requeue/31").iterdir()
    assert not list(Path().glob("hpc_ckpt_*"))
    assert fit(scheduler, None, words(*more))
    assert equal(weights(checkpoint(Path())), expected)
    assert not state.exists()
    with max(Path("lightning_logs").glob("version_*/metrics.csv")).open() as file:
        validated = {row["epoch"] for row in csv.DictReader(file) if row["val/uf1"]}
    assert validated == ({"1", "2"} if batch >= BATCHES - 1 else {"0", "1", "2"})


def test_what_another_run_left_behind_is_not_taken_up(scheduler: Scheduler, capsys: pytest.CaptureFixture[str]) -> None:
    """Lightning would take it up for every fit, test and cell in this folder."""
    main(words("--seed_everything=5"))
    left = shutil.copy(checkpoint(Path()), "hpc_ckpt_7.ckpt")
    scheduler.enter("32_1")
    assert fit(scheduler, None, words())
    assert equal(weights(checkpoint(Path())), undisturbed(*words()))
    assert "--ckpt_path" in refusal(capsys, ["test", *words()[1:]])
    assert "rename it to use it on purpose" in refusal(capsys, words(f"--ckpt_path={left}"))
    alone = Lightning([*words()[1:], "--trainer.logger=false", "--trainer.enable_checkpointing=false"], run=False)
    alone.trainer.fit(alone.model, datamodule=alone.datamodule)
    trained, expected = alone.model.network.state_dict(), undisturbed(*words())
    assert all(torch.equal(expected[f"network.{name}"], value) for name, value in trained.items())


def test_two_jobs_in_one_folder_go_on_from_their_own(scheduler: Scheduler) -> None:
    runs = {"40_1": words("--data.init_args.fold=1"), "40_2": words("--data.init_args.fold=2")}
    for job, options in runs.items():
        scheduler.enter(job)
        assert not fit(scheduler, ("SIGUSR1", 1), options)
    assert scheduler.requeued == ["40_1", "40_2"]
    for job, options in reversed(runs.items()):
        scheduler.enter(job)
        assert fit(scheduler, None, options)
        assert equal(weights(checkpoint(Path())), undisturbed(*options))


def test_a_state_that_is_damaged_or_of_another_run_or_data_is_refused(
    scheduler: Scheduler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.enter("33")
    assert not fit(scheduler, ("SIGUSR1", 1), words())
    (state,) = Path("lightning_logs/requeue/33").iterdir()
    scheduler.event = None
    whole = torch.load(state, weights_only=True)

    torch.save(whole | {"options": whole["options"] | {"seed_everything": "8"}}, state)
    assert re.search(r"saved with other options; remove it .*\n  seed_everything: 8 → 0", refusal(capsys, words()))
    torch.save(whole | {"training_clips": "others"}, state)
    assert "the data have changed" in refusal(capsys, words())
    state.write_bytes(state.read_bytes()[:1000])
    assert "it is damaged" in refusal(capsys, words())


def test_a_job_that_cannot_be_requeued_says_so_and_goes_on(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler.enter("34")
    (Path("slurm/bin/scontrol")).write_text("#!/bin/sh\necho not permitted >&2; exit 1\n")
    assert fit(scheduler, ("SIGUSR1", 1), words())
    assert "Job 34 could not be requeued (scontrol requeue 34): not permitted" in capsys.readouterr().err
    assert equal(weights(checkpoint(Path())), undisturbed(*words()))


def test_a_signal_before_training_and_in_a_test_requeues_at_once(scheduler: Scheduler) -> None:
    main(words())
    scheduler.enter("35")
    for verb in ("fit", "test"):
        make = Lightning.after_instantiate_classes

        def signalled(cli: Lightning, make: Callable[[Lightning], None] = make) -> None:
            make(cli)
            os.kill(os.getpid(), signal.SIGUSR1)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Lightning, "after_instantiate_classes", signalled)
            patch.setattr(Lightning, "_run_subcommand", lambda cli, verb: None)
            main([verb, *words()[1:], *([f"--ckpt_path={checkpoint(Path())}"] if verb == "test" else [])])
    assert scheduler.requeued == ["35", "35"]
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


# --- Tables and sweeps ---


def until_signal(kind: str, scheduler: Scheduler, arguments: Sequence[str]) -> None:
    """Run a command in a job until its second run gets a signal."""
    scheduler.enter("70_1")
    with pytest.raises((NodeFailure, SIGTERMException)) as end:
        main([*arguments])
    assert scheduler.requeued == (["70_1"] if kind == "SIGUSR1" else [])
    assert getattr(end.value, "code", 143) == 143


@pytest.fixture(scope="module")
def foreign_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of another seed, under the name that Lightning takes up under SLURM."""
    folder = tmp_path_factory.mktemp("foreign")
    main(words("--seed_everything=5", f"--trainer.logger.init_args.save_dir={folder}"))
    return checkpoint(folder)


def answers(folder: Path) -> dict[str, object]:
    return {path.name: json.loads(path.read_text())["answers"] for path in folder.rglob("fold-*.json")}


@pytest.fixture(scope="module")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two cells, and in ``whole`` its results outside of any job."""
    folder = tmp_path_factory.mktemp("table")
    options = [*QUICK, "--trainer.max_epochs=1", "--trainer.callbacks+=tests.scheduler.Signalled"]
    methods = {"supervised": {"config": str(ROOT / "configs" / "supervised.yaml"), "options": options}}
    protocol = {"class_path": "SubjectKFold", "init_args": {"k": 2}}
    content = {"title": "Made", "seeds": [0], "data": "made.yaml", "protocol": protocol, "methods": methods}
    (folder / "made.yaml").write_text("data: {init_args: {corpus: {class_path: tests.clips.MadeCorpus}}}\n")
    (folder / "small.yaml").write_text(yaml.safe_dump(content))
    main(["table", str(folder / "small.yaml"), "--workers=1", f"--results={folder / 'whole'}"])
    return folder


@pytest.mark.parametrize("kind", ["SIGUSR1", "SIGTERM"])
def test_a_table_that_is_signalled_goes_on_with_what_is_missing(
    kind: str, scheduler: Scheduler, small_table: Path, foreign_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(foreign_state, "hpc_ckpt_1.ckpt")
    results = Path("results")

    def signalled_run(cell: Cell, log: bool) -> FinishedCell:
        if len(answers(results)) == 1:
            monkeypatch.setenv("TEST_SIGNAL", kind)
        return finish_cell(cell, log)

    command = ["table", str(small_table / "small.yaml"), "--workers=1", f"--results={results}"]
    with monkeypatch.context() as patch:
        patch.setattr("lightmannet.table.run_together.finish_cell", signalled_run)
        until_signal(kind, scheduler, command)
    assert len(answers(results)) == 1
    main(command)
    assert answers(results) == answers(small_table / "whole")
    assert len(answers(results)) == 2


@pytest.mark.parametrize("kind", ["SIGUSR1", "SIGTERM"])
def test_a_sweep_that_is_signalled_goes_on_with_trials_of_its_own(
    kind: str, scheduler: Scheduler, foreign_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(foreign_state, "hpc_ckpt_1.ckpt")
    options = [*QUICK, "--trainer.max_epochs=1", "--trainer.callbacks+=tests.scheduler.Signalled"]
    scores: dict[str, float] = {}

    def signalled_run(plan: Sweep, arguments: list[str]) -> float:
        if len(scores) == 1:
            monkeypatch.setenv("TEST_SIGNAL", kind)
        scores[repr(arguments)] = -1.0
        scores[repr(arguments)] = score = run_trial(plan, arguments)
        return score

    run_trial = sweep_command._score
    command = ["sweep", "supervised", "--trials=2", "--results=sweeps", f"--options=[{','.join(options)}]"]
    with monkeypatch.context() as patch:
        patch.setattr(sweep_command, "_score", signalled_run)
        until_signal(kind, scheduler, command)
        main(command)
    scheduler.leave()
    assert sorted(scores.values())[0] == -1.0  # of the trial that was ended
    with Path("sweeps/supervised/trials.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert {row["state"] for row in rows} == {"complete"}
    assert [float(row["val/uf1"]) for row in rows] == pytest.approx([score for score in scores.values() if score >= 0])
    plan = read_sweep(ROOT / "configs" / "sweeps" / "supervised.yaml")
    for arguments, score in scores.items():
        assert score in (-1.0, run_trial(plan, ast.literal_eval(arguments)))


@pytest.mark.parametrize(
    ("environment", "options", "message"),
    [
        (
            {"SLURM_NTASKS": "4"},
            [],
            "SLURM_NTASKS is 4, but srun did not start this process, so it would wait forever for the other 3.",
        ),
        ({"SLURM_NTASKS": "many"}, [], "SLURM_NTASKS is 'many', not a number of tasks. Unset it, or start with srun."),
        ({"SLURM_NTASKS": "1"}, ["--trainer.devices=2"], r"SLURM started 1 task(s), but trainer.devices × trainer.num"),
    ],
)
def test_a_number_of_tasks_that_would_wait_for_ever_is_refused(
    environment: dict[str, str],
    options: list[str],
    message: str,
    scheduler: Scheduler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler.enter("36")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert message in refusal(capsys, words(*options))


def run(folder: Path, environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    command = [sys.executable, "-c", "from lightmannet.cli import main; main()", *options]
    whole = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(command, cwd=folder, env=whole, text=True, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_a_process_whose_others_never_come_says_so_in_time(tmp_path: Path) -> None:
    environment = variables("37") | {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_STEP_ID": "0"}
    process = run(tmp_path, environment, *words("--trainer.devices=2", "--trainer.strategy=ddp"))
    assert process.stderr is not None
    start = time.monotonic()
    try:
        for line in process.stderr:
            if "still waiting for others of 2 processes" in line:
                break
        assert time.monotonic() - start < 60  # of which importing takes some on a busy machine
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_real_processes_of_two_jobs_that_are_signalled_killed_and_started_again(tmp_path: Path) -> None:
    """As a cluster does it: SIGUSR1, scontrol requeue, SIGKILL, and the same command once more."""
    program = write_scontrol(tmp_path / "slurm")
    logs, notes = tmp_path / "lightning_logs", tmp_path / "slurm" / "requeued"
    slow = ["--trainer.max_epochs=30", "--trainer.callbacks+=tests.slow.Slow"]
    runs = {job: words(*slow, f"--seed_everything={job[-1]}") for job in ("50_1", "50_2")}
    for final in (False, True):
        processes = {}
        for job, options in runs.items():
            path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
            processes[job] = run(tmp_path, variables(job) | path, *options)
        if final:
            for process in processes.values():
                _, said = process.communicate(timeout=500)
                assert process.returncode == 0, said
            break
        wait_for(lambda: len(list(logs.glob("version_*/checkpoints/epoch=[3-9]*.ckpt"))) == 2)
        for process in processes.values():
            process.send_signal(signal.SIGUSR1)
        wait_for(lambda: notes.is_file() and sorted(notes.read_text().split()) == ["50_1", "50_2"])
        for process in processes.values():
            process.kill()
            process.communicate()
    ended = [weights(path) for path in (tmp_path / "lightning_logs").glob("version_*/checkpoints/epoch=29-*.ckpt")]
    assert len(ended) == 2
    for seed in (1, 2):
        expected = undisturbed(*words("--trainer.max_epochs=30", f"--seed_everything={seed}"))
        assert sum(equal(expected, one) for one in ended) == 1


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_no_order_of_events_gives_a_run_anothers_weights(
    seed: int, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs and array tasks with runs one after the other, in one folder, with signals, failures and leftovers."""
    draw = random.Random(seed)
    monkeypatch.setattr(requeue, "EVERY", draw.choice([0.0, 0.5, 60.0]))
    kinds = [words(), words(*ACCUMULATED), words("--seed_everything=1"), words("--data.init_args.fold=1")]
    jobs = {job: draw.sample(kinds, 2) for job in draw.sample(["60", "61_0", "61_1", "62"], 2)}
    waiting = [*jobs]
    for _ in itertools.count():
        if not waiting:
            break
        job = draw.choice(waiting)
        scheduler.enter(job)
        options = jobs[job][0]
        kind = draw.choice(["SIGUSR1", "SIGUSR1", "SIGTERM", "failure", "", ""])
        if fit(scheduler, (kind, draw.randrange(3 * BATCHES)), options):
            found = weights(checkpoint(Path()))
            assert equal(found, undisturbed(*options)), (job, options, kind)
            jobs[job].pop(0)
        if draw.random() < 0.3:
            shutil.copy(checkpoint(Path()), f"hpc_ckpt_{draw.randrange(9)}.ckpt")
        waiting = [name for name, left in jobs.items() if left]
