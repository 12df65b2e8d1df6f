"""A machine that cannot run what is asked says so at once; a run leaves a log and says where things are."""

import logging
import os
import time
import warnings
from pathlib import Path

import pytest
import torch
import wandb

from data_modules.corpus import Corpus, CorpusSource
from lightmannet.callbacks.run_log import RunLog
from lightmannet.cli import main

CONFIG = Path(__file__).parents[2] / "configs" / "supervised.yaml"
WANDB = CONFIG.parent / "logger" / "wandb.yaml"


class Untouchable(CorpusSource):
    """Says a warning, then fails as soon as it is asked for clips."""

    def prepare(self) -> None:
        for place in range(3):
            warnings.warn("frames are missing; unpack the archive again", stacklevel=place + 1)
        raise AssertionError("data were read")

    def load(self) -> Corpus:
        raise AssertionError("data were read")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def words(verb: str, corpus: str, *more: str) -> list[str]:
    quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    return [verb, f"--config={CONFIG}", f"--data.init_args.corpus={corpus}", "--trainer.max_epochs=1", *quiet, *more]


CORES = max(2, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--trainer.accelerator=gpu"], "torch finds no GPU here. Set --trainer.accelerator=cpu"),
        (["--trainer.accelerator=cpu", f"--trainer.devices={CORES + 1}"], f"Set --trainer.devices to {CORES} or less"),
        (
            ["--trainer.logger.init_args.save_dir=taken/below"],
            "Choose another folder with --trainer.logger.init_args.sa",
        ),
        (
            ["--trainer.logger=false", "--trainer.default_root_dir=taken/x"],
            "Choose another folder with --trainer.default",
        ),
        (
            ["--trainer.logger.init_args.save_dir=a\0b"],
            r"init_args.save_dir: 'a\x00b/lightning_logs' is not a folder name",
        ),
        (
            ["--trainer.logger=false", "--trainer.default_root_dir=a\0b"],
            r"trainer.default_root_dir: 'a\x00b' is not a folder name",
        ),
        ([f"--config={WANDB}", "--trainer.logger.init_args.offline=false"], "W&B has no key on this machine"),
    ],
)
def test_a_misconfigured_machine_is_told_before_data_are_read(
    wrong: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "gpu" in wrong[0] and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    monkeypatch.setattr(wandb, "login", lambda prompt: False)
    Path("taken").write_text("a file where a folder should be")
    start = time.process_time()  # not the clock: the machine may be busy with other things
    with pytest.raises(SystemExit) as stop:
        main(words("fit", f"{__name__}.Untouchable", *wrong))
    assert stop.value.code == 2
    assert time.process_time() - start < 5
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not list(Path().glob("lightning_logs/*"))


def test_the_corpus_of_these_tests_does_notice_when_it_is_read() -> None:
    with pytest.warns(UserWarning, match="frames are missing"), pytest.raises(AssertionError, match="data were read"):
        main(words("fit", f"{__name__}.Untouchable", "--trainer.accelerator=cpu"))


def test_each_verb_says_at_its_end_where_everything_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ["tests.clips.MadeCorpus", "--trainer.accelerator=cpu"]
    main(words("fit", *made))
    run = Path("lightning_logs/version_0")
    (checkpoint,) = run.glob("checkpoints/*.ckpt")
    said = capsys.readouterr().out
    assert f"The run is in {run}:" in said
    for what in (checkpoint.name, run / "metrics.csv", run / "config.yaml", run / "run.log"):
        assert str(what) in said
    for number, verb in enumerate(("test", "predict"), 1):
        main(words(verb, *made, f"--ckpt_path={checkpoint}"))
        said = capsys.readouterr().out
        assert f"The run is in lightning_logs/version_{number}:" in said
        assert ("predictions.csv" in said) == (verb == "predict")
        listed = [line.split()[-1] for line in said.split("The run is in")[1].splitlines()[1:]]
        assert listed
        assert all(Path(path).is_file() for path in listed)
    log = (run / "run.log").read_text()
    assert "`Trainer.fit` stopped: `max_epochs=1` reached." in log
    assert "Tip" not in log


def test_a_failure_is_written_to_the_log(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broke on the way"):
        main(words("fit", "tests.clips.MadeCorpus", "--trainer.callbacks+=tests.broken.Broken"))
    log = (tmp_path / "lightning_logs" / "version_0" / "run.log").read_text()
    assert "RuntimeError: broke on the way" in log
    assert "Traceback" in log


def test_what_was_repaired_while_reading_is_told_once_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog()
    for kind in ("micro", "macro"):
        logging.getLogger("data_modules.clip_corpus").warning("casme_sq: %d things were repaired", 3)
        logging.getLogger("data_modules.clip_corpus").info("%s: read", kind)
    kept = list(log._waiting)
    log._stop()
    assert capsys.readouterr().err == "warning: casme_sq: 3 things were repaired\n"
    assert [line.split(" ", 2)[2] for line in kept] == [
        "WARNING casme_sq: 3 things were repaired",
        "INFO micro: read",
        "WARNING casme_sq: 3 things were repaired",
        "INFO macro: read",
    ]


def test_a_warning_is_printed_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *more: shown.append(str(message)))
    log = RunLog()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for _ in range(3):
            warnings.warn("few clips: lower n_shot", UserWarning, stacklevel=1)
        warnings.warn("another thing", UserWarning, stacklevel=1)
    assert shown == ["few clips: lower n_shot", "another thing"]
    assert log._waiting == ["UserWarning: few clips: lower n_shot", "UserWarning: another thing"]
    log._stop()
    warnings.warn("few clips: lower n_shot", UserWarning, stacklevel=1)
    assert shown[-1] == "few clips: lower n_shot"
