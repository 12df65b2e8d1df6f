"""Runs used from Python, and methods of one's own, as somebody who knows Lightning expects."""

from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

import lightmannet
from lightmannet.cli import main
from lightmannet.errors import CheckpointError, ConfigurationError
from lightmannet.learners import Supervised
from lightmannet.networks import Conv4, TwoBranchNetwork

CONFIG = Path(__file__).parents[2] / "configs" / "supervised.yaml"
QUICK = [
    f"--config={CONFIG}",
    "--data.init_args.corpus=tests.clips.MadeCorpus",
    "--trainer.max_epochs=1",
    "--trainer.limit_train_batches=2",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    main(["fit", *QUICK, f"--trainer.logger.init_args.save_dir={folder}"])
    return folder / "lightning_logs" / "version_0"


def checkpoint(run: Path) -> Path:
    (path,) = run.glob("checkpoints/*.ckpt")
    return path


@pytest.mark.parametrize("what", ["folder", "checkpoint"])
def test_a_run_is_loaded_with_its_weights_and_data(what: str, run: Path) -> None:
    learner, data = lightmannet.load_run(run if what == "folder" else checkpoint(run))
    expected = torch.load(checkpoint(run), weights_only=True)["state_dict"]
    assert all(torch.equal(expected[name], value) for name, value in learner.state_dict().items())
    assert not learner.training
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    (scores,) = trainer.test(learner, datamodule=data, verbose=False)
    assert 0 <= scores["test/uf1"] <= 1


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no checkpoint\. Give the folder of a finished fit"):
        lightmannet.load_run(tmp_path)
    (tmp_path / "alone.ckpt").write_bytes(checkpoint(run).read_bytes())
    with pytest.raises(ConfigurationError, match=r"there is no config\.yaml in its folder or the one above"):
        lightmannet.load_run(tmp_path / "alone.ckpt")


def test_load_from_checkpoint_takes_the_network_or_says_how(run: Path) -> None:
    learner = Supervised.load_from_checkpoint(checkpoint(run), network=TwoBranchNetwork(Conv4(width=32)))
    expected = torch.load(checkpoint(run), weights_only=True)["state_dict"]
    assert all(torch.equal(expected[name], value) for name, value in learner.state_dict().items())
    with pytest.raises(ConfigurationError, match=r"missing .*'network'.* or use lightmannet\.load_run\(RUN\)"):
        Supervised.load_from_checkpoint(checkpoint(run))


def test_a_method_of_ones_own_is_a_file_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [path for path in __import__("sys").path if path not in ("", str(tmp_path))])
    Path("my_methods.py").write_text(
        "import torch.nn.functional as F\n"
        "from lightmannet.learners import Supervised\n"
        "class Doubled(Supervised):\n"
        '    """Supervised learning with twice the loss."""\n'
        "    def training_step(self, batch, batch_idx):\n"
        "        return 2 * super().training_step(batch, batch_idx)\n"
    )
    main(["fit", *QUICK, "--model=my_methods.Doubled", "--model.init_args.network=TwoBranchNetwork"])
    run = tmp_path / "lightning_logs" / "version_0"
    learner, _ = lightmannet.load_run(run)
    assert type(learner).__name__ == "Doubled"
    assert checkpoint(run).is_file()


def test_a_corpus_whose_default_the_runs_configuration_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its run could be trained, but neither tested nor exported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("my_corpus.py").write_text(
        "from dataclasses import dataclass\n"
        "from tests.clips import MadeCorpus\n"
        "class Scaling:\n    pass\n"
        "@dataclass\nclass Scaled(MadeCorpus):\n    scaling: Scaling = Scaling()\n"
    )
    with pytest.raises(SystemExit):
        main(["fit", *QUICK, "--data.init_args.corpus=my_corpus.Scaled"])
    assert "corpus.init_args.scaling: its default is a Python object that config.yaml cannot" in capsys.readouterr().err


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("2", 2)])
def test_a_fit_on_a_cpu_takes_one_thread_unless_told_otherwise(
    variable: str | None, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        main(["fit", *QUICK])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
