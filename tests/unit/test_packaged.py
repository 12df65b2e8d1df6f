"""What comes with the package is found without importing anything heavy."""

import inspect
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import data_modules
import lightmannet
from lightmannet.cli import main
from lightmannet.commands import LIGHTNING, VERBS
from lightmannet.config_file import with_packaged_configs
from lightmannet.learners import LightmanNet
from lightmannet.packaged import config_folder, config_path, docstring, first_sentence

ROOT = Path(__file__).parents[2]


def test_a_configuration_is_known_by_its_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    maml = str(config_folder() / "maml.yaml")
    assert Path(maml).is_file()
    assert config_path("maml") == config_path("maml.yaml") == config_path("configs/maml.yaml") == maml
    assert config_path("synthetic", "tables") == str(config_folder() / "tables" / "synthetic.yaml")
    assert config_path("no_such_method") == "no_such_method"
    Path("maml").write_text("a file of one's own goes first")
    assert config_path("maml") == "maml"


def test_names_of_configurations_on_a_command_line_become_paths() -> None:
    anil, data = str(config_folder() / "anil.yaml"), str(config_folder() / "data" / "casme2.yaml")
    words = ["fit", "--config", "anil", "--config=data/casme2", "--data.init_args.fold", "2", "--config=nothing"]
    assert with_packaged_configs(words) == [
        *("fit", "--config", anil, f"--config={data}", "--data.init_args.fold", "2", "--config=nothing"),
    ]


def test_docstrings_are_read_from_the_source() -> None:
    assert docstring("lightmannet.learners.LightmanNet") == inspect.getdoc(LightmanNet)
    assert docstring("lightmannet.nothing.Here") == docstring("no_such_package.Class") == docstring("Class") == ""
    assert first_sentence("One, e.g.\n  two. Three.") == "One, e.g. two."


def test_each_name_of_the_data_package_is_imported_when_it_is_used() -> None:
    assert sorted(data_modules.__all__) == sorted(dir(data_modules))
    for name in data_modules.__all__:
        assert getattr(data_modules, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'data_modules' has no attribute 'CASME4'"):
        _ = data_modules.CASME4


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"lightmannet {lightmannet.__version__}\n"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lightmannet.nothing


def test_help_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert len(lines) == len(LIGHTNING | VERBS)
    for line, verb in zip(lines, LIGHTNING | VERBS, strict=True):
        assert line.strip().startswith(verb)
        assert line.removeprefix(f"  {verb}").strip().endswith(".")


def test_a_misspelt_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["tabel", "synthetic"])
    assert stop.value.code == 2
    assert "There is no command 'tabel'. Did you mean table? lightmannet --help lists" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["--help", "--version", "methods", "databases"])
def test_words_alone_import_nothing_heavy(word: str, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom lightmannet.cli import main\nmain(sys.argv[1:])\n"
        "heavy = {'torch', 'lightning', 'torchmetrics', 'learn2learn', 'albumentations', 'pandas', 'scipy'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, word], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert time.monotonic() - start < 15  # 1.5 s on an idle machine
