"""What leaves the machine: scalars and options, unless more is asked for in so many words."""

import getpass
import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import wandb

from lightmannet.cli import main
from lightmannet.errors import ConfigurationError
from lightmannet.wandb_run import WandbRun
from tests.clips import make_clips

CONFIGS = Path(__file__).parents[2] / "configs"


class FakeConfig:
    def __init__(self, record: list[tuple[str, Any]]) -> None:
        self.record = record

    def update(self, values: Mapping[str, Any], allow_val_change: bool = False) -> None:
        self.record.append(("config", dict(values)))


class FakeRun:
    """A run of W&B that keeps what it is given, also through methods that it does not have."""

    id = "made"

    def __init__(self) -> None:
        self.record: list[tuple[str, Any]] = []
        self.config = FakeConfig(self.record)

    def log(self, values: Mapping[str, Any]) -> None:
        self.record.append(("log", dict(values)))

    def finish(self, exit_code: int) -> None:
        self.record.append(("finish", exit_code))

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **options: self.record.append((name, (arguments, options)))


def begun_runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    """Return the runs that are begun at W&B from now on; what each was begun with is its first record."""
    begun: list[FakeRun] = []

    def init(**options: Any) -> FakeRun:
        begun.append(FakeRun())
        begun[-1].record.append(("init", options))
        return begun[-1]

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "run", None)
    return begun


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[FakeRun]:
    monkeypatch.chdir(tmp_path)
    return begun_runs(monkeypatch)


def words(verb: str, method: str, *more: str) -> list[str]:
    shots = ["n_shot", "n_query"] if method == "lightmannet" else []
    return [
        verb,
        f"--config={CONFIGS / method}.yaml",
        f"--config={CONFIGS / 'logger' / 'wandb.yaml'}",
        "--data.init_args.corpus=tests.clips.MadeCorpus",
        *(f"--data.init_args.{shot}=2" for shot in shots),
        "--trainer.accelerator=cpu",
        "--trainer.max_epochs=1",
        "--trainer.log_every_n_steps=1",
        "--trainer.limit_train_batches=2",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        *more,
    ]


def of(run: FakeRun, kind: str) -> list[Any]:
    return [what for name, what in run.record if name == kind]


def primitive(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and primitive(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(primitive, value))
    return value is None or isinstance(value, bool | int | float | str)


def names() -> set[str]:
    """Return the names of all people and clips of the made corpus."""
    clips = (make_clips(72, subjects=8), make_clips(30, 9, database="macro"))
    return {name.split("/", 1)[1] for part in clips for name in (*part.ids, *part.subjects)}


def check_scalars_and_options(run: FakeRun, folder: Path) -> None:
    """Make sure that a run got scalars and options alone, without a name or a path, and was ended."""
    assert {name for name, _ in run.record} <= {"init", "config", "log", "finish"}
    for scalars in of(run, "log"):
        assert all(type(value) in (int, float) for value in scalars.values())
    assert all(map(primitive, of(run, "config")))
    assert of(run, "finish") == [0]
    text = repr([*of(run, "config"), *of(run, "log")])
    assert not [name for name in names() if name in text]
    assert str(folder) not in text
    assert str(CONFIGS) not in text


@pytest.mark.parametrize("method", ["lightmannet", "supervised"])
def test_fit_test_and_predict_send_scalars_and_options_alone(method: str, runs: list[FakeRun], tmp_path: Path) -> None:
    main(words("fit", method))
    (checkpoint,) = tmp_path.glob("lightning_logs/version_0/checkpoints/*.ckpt")
    main(words("test", method, f"--ckpt_path={checkpoint}"))
    main(words("predict", method, f"--ckpt_path={checkpoint}"))
    assert [of(run, "init")[0]["job_type"] for run in runs] == ["fit", "test", "predict"]
    for run in runs:
        check_scalars_and_options(run, tmp_path)
    fitted = {name for scalars in of(runs[0], "log") for name in scalars}
    assert {"train/loss", "val/uf1", "val/uar"} <= fitted
    assert {"test/uf1", "test/uar"} <= {name for scalars in of(runs[1], "log") for name in scalars}
    assert not of(runs[2], "log")


def test_by_default_w_and_b_is_told_to_collect_nothing_by_itself(runs: list[FakeRun]) -> None:
    main(words("fit", "supervised"))
    (begun,) = of(runs[0], "init")
    settings = begun["settings"]
    assert settings.mode == "offline"
    assert settings.console == "off"
    assert not settings.save_code
    assert settings.disable_code
    assert settings.disable_git
    assert settings.x_disable_meta
    assert settings.x_disable_machine_info
    assert settings.x_disable_stats
    assert not settings.x_save_requirements
    assert (settings.host, settings.username, settings.email, settings.program) == ("", "", "", "")
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"


@pytest.mark.parametrize(
    ("asked", "opened"),
    [
        ("code", {"save_code": True, "disable_code": False, "x_disable_meta": False}),
        ("git", {"disable_git": False, "x_disable_meta": False}),
        ("machine", {"x_disable_machine_info": False, "x_disable_stats": False, "x_save_requirements": True}),
        ("console", {"console": "wrap"}),
    ],
)
def test_each_thing_more_is_an_option_of_its_own(asked: str, opened: dict[str, Any], tmp_path: Path) -> None:
    def settings(run: WandbRun) -> dict[str, Any]:
        return {name: getattr(run._settings(), name) for name in CLOSED}

    default = settings(WandbRun(str(tmp_path)))
    changed = settings(WandbRun(str(tmp_path), **{asked: True}))  # type: ignore[arg-type]  # one of the switches
    differing = {name: value for name, value in changed.items() if value != default[name]}
    assert opened.items() <= differing.items()
    assert set(differing) - set(opened) <= ({"x_disable_meta"} if asked == "machine" else set())


CLOSED = (
    "console",
    "save_code",
    "disable_code",
    "disable_git",
    "disable_job_creation",
    "x_disable_meta",
    "x_disable_machine_info",
    "x_disable_stats",
    "x_save_requirements",
)


def test_predictions_go_with_numbers_for_names_when_asked_for(runs: list[FakeRun], tmp_path: Path) -> None:
    main(words("fit", "supervised"))
    (checkpoint,) = tmp_path.glob("lightning_logs/version_0/checkpoints/*.ckpt")
    main(words("predict", "supervised", f"--ckpt_path={checkpoint}", "--trainer.logger.init_args.predictions=true"))
    (logged,) = of(runs[-1], "log")
    table = logged["predictions"]
    assert table.columns[:4] == ["clip", "subject", "label", "prediction"]
    lines = next(tmp_path.glob("lightning_logs/*/predictions.csv")).read_text().splitlines()[1:]
    assert len(table.data) == len(lines) > 0
    assert not names() & {cell for row in table.data for cell in row}
    assert "made" not in repr(table.data)
    assert {row[1] for row in table.data} == {f"p{n:03d}" for n in range(1, len({row[1] for row in table.data}) + 1)}
    assert len({row[0] for row in table.data}) == len(lines)


def test_checkpoints_go_when_asked_for(runs: list[FakeRun]) -> None:
    main(words("fit", "supervised"))
    assert not of(runs[-1], "log_artifact")
    main(words("fit", "supervised", "--trainer.logger.init_args.checkpoints=true"))
    assert len(of(runs[-1], "log_artifact")) == 1


def test_a_path_of_the_machine_is_cut_to_its_last_part(runs: list[FakeRun], tmp_path: Path) -> None:
    run = WandbRun(str(tmp_path))
    corpus = {"class_path": "made.Corpus", "init_args": {"root": "/home/alice/faces/CASME2", "cache": Path("/var/c")}}
    run.log_hyperparams(
        {"data": {"init_args": {"corpus": corpus, "list": ["~/x/y", "C:\\Users\\alice\\z", "near/by"]}}}
    )
    (config,) = of(runs[0], "config")
    arguments = config["data"]["init_args"]
    assert arguments["corpus"]["init_args"] == {"root": "CASME2", "cache": "c"}
    assert arguments["list"] == ["y", "z", "near/by"]
    assert "alice" not in repr(config)


def test_the_folds_of_a_method_are_one_group(runs: list[FakeRun]) -> None:
    more = ["--data.init_args.protocol=data_modules.LeaveOneSubjectOut", "--trainer.logger.init_args.table=mine"]
    for fold in (0, 3):
        main(words("fit", "supervised", f"--data.init_args.fold={fold}", *more))
    begun = [of(run, "init")[0] for run in runs]
    assert [options["group"] for options in begun] == ["mine, MadeCorpus, LeaveOneSubjectOut, Supervised, seed 0"] * 2
    assert [options["name"] for options in begun] == ["fold 0", "fold 3"]
    (config,) = of(runs[1], "config")
    place = {name: config[name] for name in ("table", "method", "fold", "seed")}
    assert place == {"table": "mine", "method": "Supervised", "fold": 3, "seed": 0}


def test_what_is_no_number_is_not_sent(runs: list[FakeRun], tmp_path: Path) -> None:
    run = WandbRun(str(tmp_path))
    with pytest.raises(TypeError, match="face is not a number but ndarray; a logger takes only scalars"):
        run.log_metrics({"loss": 1.0, "face": make_clips(1).inputs.numpy()})
    assert not runs
    run.log_metrics({"loss": make_clips(1).inputs.mean()})
    (logged,) = of(runs[0], "log")
    assert math.isfinite(logged["loss"])


def test_online_without_a_key_is_refused_before_anything_is_read(
    runs: list[FakeRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb, "login", lambda prompt: False)
    with pytest.raises(ConfigurationError, match=r"W&B has no key on this machine. Run `wandb login`"):
        WandbRun(str(tmp_path), offline=False).check()
    WandbRun(str(tmp_path)).check()
    assert not runs


def test_the_file_of_an_offline_run_knows_nothing_of_the_machine_or_of_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SAVE_CODE", "true")  # an option of the run decides, not the environment
    monkeypatch.setenv("WANDB_SILENT", "true")
    main(words("fit", "supervised"))
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    # `wandb sync` sends the .wandb file and what is in files/; logs/ stays.
    assert not [path for path in folder.glob("files/**/*") if path.is_file()]
    (file,) = folder.glob("*.wandb")
    # W&B's own process writes it, in its own time.
    deadline = time.monotonic() + 60
    while b"val/uf1" not in (content := file.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert b"label_smoothing" in content
    known = [socket.gethostname(), str(tmp_path), str(Path.cwd()), str(CONFIGS), str(Path.home()), "test_privacy"]
    # A name of few letters is found anywhere.
    known += [name for name in (getpass.getuser(), *names()) if len(name) > 4]
    assert not [text for text in known if len(text) > 3 and text.encode() in content]
