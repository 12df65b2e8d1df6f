"""Runs used from Python, and methods of one's own, as somebody who knows Lightning expects."""

from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

import lightmannet
from data_modules.clip_corpus import ClipCorpus
from lightmannet.cli import main
from lightmannet.errors import BundleError, CheckpointError, ConfigurationError
from lightmannet.learners import Supervised
from lightmannet.lightning_cli import Lightning
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.own_clips import write_own_clips

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


def test_a_configuration_gives_what_the_command_would_train() -> None:
    learner, data = lightmannet.from_config("lightmannet", options={"data.init_args.fold": 1})
    made = Lightning([f"--config={CONFIG.with_name('lightmannet.yaml')}", "--trainer.accelerator=cpu"], run=False)
    assert isinstance(made.model, type(learner))
    expected = made.model.state_dict()  # the same seed
    assert all(torch.equal(expected[name], value) for name, value in learner.state_dict().items())
    assert (data.fold_number, made.datamodule.fold_number) == (1, 0)
    assert vars(learner)["loss"] == made.model.loss


def test_data_are_named_as_on_the_command_line(tmp_path: Path) -> None:
    _, data = lightmannet.from_config("supervised", data="casme2")
    assert isinstance(data.source, ClipCorpus)
    assert [type(reader).__name__ for reader in data.source.micro] == ["CASME2"]
    with pytest.raises(ConfigurationError, match="there is no such folder or table of clips"):
        lightmannet.from_config("supervised", data=tmp_path / "nowhere")


def test_what_is_no_configuration_or_no_option_of_it_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"There is no configuration 'lightman'\. These are: anil, "):
        lightmannet.from_config("lightman")
    with pytest.raises(ConfigurationError, match=r"trainer\.max_epochs is an option of the Trainer; give it to yours"):
        lightmannet.from_config("maml", options={"trainer.max_epochs": 1})


def test_own_code_is_exported_and_loaded_where_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    Path("my_nets.py").write_text(
        "from lightmannet.learners import Supervised\n"
        "from lightmannet.networks import Conv4\n"
        "class Net(Conv4):\n"
        '    """An encoder of my own."""\n'
        "class Method(Supervised):\n"
        '    """A method of my own."""\n'
    )
    write_own_clips(tmp_path / "clips", clips=1)
    own = ["--model=my_nets.Method", "--model.init_args.network.init_args.encoder=my_nets.Net"]
    main(["fit", "--config=supervised", "--data=clips", *own, *QUICK[2:]])
    main(["export", "lightning_logs/version_0", "bundle"])
    assert "must have and allow: --allow my_nets.Method,my_nets.Net" in capsys.readouterr().out
    clip = next((tmp_path / "clips").rglob("*.mp4"))
    with pytest.raises(
        BundleError, match=r"needs code of its author: my_nets\.Method, my_nets\.Net\. Loading runs none"
    ):
        lightmannet.load("bundle")
    answer = lightmannet.load("bundle", any_face=True, allow=["my_nets.Method", "my_nets.Net"]).predict(clip)
    assert len(answer.probabilities) == 2
    with pytest.raises(SystemExit, match="0"):
        main(["predict", str(clip), "--model=bundle", "--any-face", "--allow=my_nets.Method,my_nets.Net"])


def test_a_run_that_cannot_be_exported_says_so_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["fit", *QUICK])
    said = [message for message in caplog.messages if "not exported for clips of your own: MadeCorpus" in message]
    assert len(said) == 1
