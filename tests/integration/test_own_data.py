"""From one's own labelled clips to an answer, by the commands of the documentation's first block and no others."""

import shlex
from pathlib import Path

import pytest

from lightmannet.errors import ConfigurationError
from lightmannet.lightning_cli import Lightning
from lightmannet.own_data import with_own_data
from tests.integration.test_documented_commands import ROOT, command_lines, exit_code
from tests.own_clips import write_own_clips, write_own_table

CONFIGS = ROOT / "configs"
BLOCK = (ROOT / "docs" / "own_data.md").read_text().split("```")[1]
WALK = [line for line in command_lines(ROOT / "docs" / "own_data.md") if line in BLOCK]
FAST = ["--trainer.max_epochs=2", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "cache"))
    clips = write_own_clips(tmp_path / "clips")
    (clips / "eve" / "raised" / "1.mp4").rename(tmp_path / "clip.mp4")
    return tmp_path


def test_four_commands_lead_from_a_folder_to_an_answer(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [line.split()[:2][-1] for line in WALK] == ["databases", "fit", "export", "predict"]
    for line in WALK:
        words = shlex.split(line)[1:]
        assert exit_code(words + {"fit": FAST, "predict": ["--any-face"]}.get(words[0], [])) == 0
        said = capsys.readouterr().out
        if words[0] == "databases":
            assert "clips in clips: 19 clips without a fault" in said
            assert "lightning fit --config supervised --data clips" in said
        if words[0] == "export":
            assert "not trained on: UF1" in said
            assert "lightmannet predict CLIP --model bundle" in said
    assert "(raised " in said
    assert "Learned from clips" in said
    assert "cleo" not in (place / "bundle" / "card.md").read_text()  # nobody's name leaves with a bundle


@pytest.mark.parametrize("method", ["lightmannet", "supervised"])
def test_network_and_tasks_have_as_many_classes_as_the_clips(method: str, place: Path) -> None:
    write_own_table(place / "own.csv", place / "clips")
    words = with_own_data(["--data", "own.csv", f"--config={CONFIGS / method}.yaml"])  # --data may stand first
    made = Lightning([*words, "--trainer.accelerator=cpu"], run=False)
    assert made.model.network.mer_head.out_features == 2
    assert getattr(made.datamodule, "n_way", 2) == 2


def test_macro_expressions_of_a_folder_are_d_aux(place: Path) -> None:
    (place / "both").mkdir()
    (place / "clips").rename(place / "both" / "micro")
    write_own_clips(place / "both" / "macro", people=("fay",), clips=1)
    words = with_own_data([f"--config={CONFIGS / 'lightmannet.yaml'}", "--data=both", "--trainer.accelerator=cpu"])
    source = Lightning(words, run=False).datamodule.source
    assert [reader.root for reader in source.macro] == ["both"]
    assert {row.kind for row in source.macro[0].table().rows} == {"micro", "macro"}


def test_the_name_of_a_corpus_stands_for_its_configuration() -> None:
    assert with_own_data(["fit", "--data", "casme2"]) == ["fit", f"--config={CONFIGS / 'data' / 'casme2.yaml'}"]
    assert with_own_data(["fit", "--data=EpisodicDataModule"]) == ["fit", "--data=EpisodicDataModule"]


def test_a_path_without_clips_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"--data \./nowhere: there is no such folder or table of clips"):
        with_own_data(["fit", "--data", "./nowhere"])
