"""The command lines of README, docs and Makefile on a user's own clip are run as they stand there."""

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lightmannet.cli import main
from lightmannet.commands import demo
from lightmannet.inference.recogniser import Recogniser
from tests.bundles import moving_frames, rise_and_fall, write_film, write_small_bundle

ROOT = Path(__file__).parents[2]
TEXTS = [path.read_text() for path in (ROOT / "README.md", ROOT / "Makefile", *sorted(ROOT.glob("docs/**/*.md")))]


def command_lines(verb: str) -> list[str]:
    """Return the lines of the texts that run a verb of ours on a bundle."""
    pattern = rf"^\s*(?:\$\(BIN\)/)?lightmannet ({verb} .*--model \S+[^#\n]*)"
    return [line for text in TEXTS for line in re.findall(pattern, text, re.MULTILINE)]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the paths of the texts are there."""
    monkeypatch.chdir(tmp_path)
    for folder in ("bundle", "results/bundle"):
        write_small_bundle(tmp_path / folder)
    write_film(tmp_path / "clip.mp4", moving_frames(rise_and_fall(20, 3.0), size=64))
    for label in ("negative", "positive"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        write_film(tmp_path / "mine" / label / "1.mp4", moving_frames(rise_and_fall(20, 2.0), size=64))
    return tmp_path


def test_the_lines_of_demo_open_the_page(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []

    @contextlib.contextmanager
    def serve(recogniser: Recogniser, port: int | None) -> Iterator[tuple[str, SimpleNamespace]]:
        served.append((recogniser.classes, port))
        yield "http://127.0.0.1:7860", SimpleNamespace(block_thread=lambda: None)

    monkeypatch.setattr(demo, "serve", serve)
    lines = command_lines("demo")
    assert len(lines) >= 2
    for line in lines:
        main(shlex.split(line.replace("$(ARGS)", "")))
    assert served == [(("negative", "positive", "surprise"), None)] * len(lines)


def test_the_lines_of_predict_answer(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = command_lines("predict")
    assert lines
    for line in lines:
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(line), "--any-face"])
        assert ended.value.code == 0, (line, capsys.readouterr().err)
        assert "clip.mp4: " in capsys.readouterr().out
