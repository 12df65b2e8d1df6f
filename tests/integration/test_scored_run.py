"""What ``test``, ``validate`` and ``predict`` score: the checkpoint that was meant, with its run's options."""

import shutil
from pathlib import Path

import pytest
import torch
import yaml

from lightmannet.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
QUICK = [
    "--data.init_args.corpus=tests.clips.MadeCorpus",
    "--data.init_args.evaluation.draws=2",
    "--data.init_args.n_query=2",
    "--data.init_args.episodes_per_epoch=2",
    "--model.init_args.warm_start.epochs=0",
    "--trainer.max_epochs=1",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]
MAML = [f"--config={CONFIGS / 'maml.yaml'}", *QUICK]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is trained once."""
    folder = tmp_path_factory.mktemp("trained")
    main(["fit", *MAML, f"--trainer.logger.init_args.save_dir={folder}"])
    return folder / "lightning_logs" / "version_0"


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, "some_run"))


def checkpoint(run: Path) -> Path:
    (path,) = run.glob("checkpoints/*.ckpt")
    return path


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main([*words])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


HERE = "--trainer.logger.init_args.save_dir=."


@pytest.mark.parametrize("form", ["--ckpt_path={}", "--ckpt_path {}"])
def test_a_checkpoint_alone_is_scored_with_the_options_of_its_run(
    form: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["test", *form.format(checkpoint(run)).split(), HERE])
    assert "other options" not in capsys.readouterr().err
    scored = yaml.safe_load(Path("lightning_logs/version_0/config.yaml").read_text())
    assert scored["data"] == yaml.safe_load((run / "config.yaml").read_text())["data"]
    assert scored["ckpt_path"] == str(checkpoint(run))


def test_a_runs_config_alone_names_the_runs_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", f"--config={run / 'config.yaml'}", HERE])
    assert "has learned from" not in capsys.readouterr().err
    scored = yaml.safe_load(Path("lightning_logs/version_0/config.yaml").read_text())
    shutil.copy(checkpoint(run), run / "checkpoints" / "second.ckpt")
    said = refusal(capsys, "validate", f"--config={run / 'config.yaml'}", HERE)
    assert "has 2 checkpoints: " in said
    assert "second.ckpt. Give the path of one" in said
    assert scored["ckpt_path"] is None


@pytest.mark.parametrize("verb", ["test", "validate", "predict"])
def test_other_options_than_the_checkpoints_are_reported(
    verb: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([verb, *MAML, f"--ckpt_path={checkpoint(run)}", "--model.init_args.inner.steps=3", HERE])
    said = capsys.readouterr().err
    assert "is used with options that differ from its run's" in said
    assert "model.init_args.inner.steps: 1 → 3" in said
    assert said.count("→") == 1
    log = Path("lightning_logs/version_0/run.log").read_text()
    assert "model.init_args.inner.steps: 1 → 3" in log


def test_a_score_of_people_whom_the_checkpoint_has_learned_from_is_warned_of(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["test", *MAML, f"--ckpt_path={checkpoint(run)}", "--data.init_args.fold=1", HERE])
    assert "has learned from 1 of the 2 people on whom it is scored (made/p04)" in capsys.readouterr().err
    # What went on with others has learned from both.
    main(["fit", *MAML, "--trainer.max_epochs=2", f"--ckpt_path={checkpoint(run)}", "--data.init_args.fold=1", HERE])
    capsys.readouterr()
    rest = checkpoint(Path("lightning_logs/version_1"))
    for fold in (0, 1):
        main(["test", *MAML, f"--ckpt_path={rest}", f"--data.init_args.fold={fold}", HERE])
        assert "has learned from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "lightning test needs a trained network: give a .ckpt file by --ckpt_path, or --ckpt_path=untrained"),
        (["--ckpt_path=last"], "--ckpt_path=last: there is no last*.ckpt where this configuration's ModelCheckpoint"),
        (["--ckpt_path=best"], "--ckpt_path=best means the best checkpoint of the process that trained. Give the path"),
        (["--ckpt_path=hpc"], "--ckpt_path=hpc means any checkpoint that a scheduler left in the folder. Give the"),
        (["--ckpt_path=registry"], "--ckpt_path=registry means a model of Lightning's registry. Give the path of a"),
    ],
)
def test_a_network_that_is_not_trained_is_not_scored_by_mistake(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refusal(capsys, "test", *MAML, *words)


def test_a_checkpoint_without_its_runs_config_needs_one(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "config.yaml").unlink()
    said = refusal(capsys, "test", f"--ckpt_path={checkpoint(run)}")
    assert "there is no config.yaml in its folder or the one above" in said


def test_the_initial_weights_are_scored_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["test", *MAML, "--ckpt_path=untrained"])
    assert "test/uf1" in Path("lightning_logs/version_0/metrics.csv").read_text()


def test_the_last_checkpoint_is_found_where_it_is_written(run: Path) -> None:
    shutil.copy(checkpoint(run), run / "checkpoints" / "last.ckpt")
    keeper = [
        "--trainer.callbacks+=lightning.pytorch.callbacks.ModelCheckpoint",
        f"--trainer.callbacks.dirpath={run / 'checkpoints'}",
    ]
    main(["test", *MAML, *keeper, "--ckpt_path=last", HERE])
    assert "last.ckpt" in Path("lightning_logs/version_0/run.log").read_text()


def test_a_run_that_went_on_from_another_scores_its_own_weights(run: Path) -> None:
    main(["fit", *MAML, "--trainer.max_epochs=2", f"--ckpt_path={checkpoint(run)}", HERE])
    rest = Path("lightning_logs/version_0")
    assert yaml.safe_load((rest / "config.yaml").read_text())["ckpt_path"] is None
    main(["test", f"--config={rest / 'config.yaml'}"])
    assert f"Loaded model weights from the checkpoint at {checkpoint(rest)}" in (
        Path("lightning_logs/version_1/run.log").read_text()
    )
    before, after = (torch.load(checkpoint(folder), weights_only=True)["global_step"] for folder in (run, rest))
    assert after == 2 * before
