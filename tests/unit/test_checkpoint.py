"""The one door for checkpoints: whole files or none, plain values alone."""

import ast
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lightmannet.checkpoint import SafeCheckpoints, check_checkpoint, read_checkpoint
from lightmannet.errors import CheckpointError

ROOT = Path(__file__).parents[2]


def content(value: float, size: int = 1000) -> dict[str, object]:
    return {"state_dict": {"weight": torch.full((size,), value)}, "pytorch-lightning_version": "2.6.0"}


def save(path: Path, value: float, size: int = 1000) -> None:
    SafeCheckpoints().save_checkpoint(content(value, size), path)


def holds(path: Path, value: float) -> bool:
    return bool((read_checkpoint(path)["state_dict"]["weight"] == value).all())


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file may grow beyond this: writing more fails halfway, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield 20_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    save(path, 1)
    save(path, 2)
    assert holds(path, 2)
    assert os.listdir(path.parent) == ["last.ckpt"]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, small_files: int) -> None:
    path = tmp_path / "last.ckpt"
    save(path, 1)
    with pytest.raises(OSError, match="File too large"):
        save(path, 2, size=small_files)
    assert holds(path, 1)
    assert os.listdir(tmp_path) == ["last.ckpt"]


def test_a_kill_in_the_middle_of_writing_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    save(path, 1)
    child = os.fork()
    if child == 0:  # it never comes back
        os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        save(path, 2)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2  # the half of a file is hidden beside it, under another name
    assert holds(path, 1)
    save(path, 3)
    assert holds(path, 3)


def test_any_cut_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "whole.ckpt", 1)
    whole = (tmp_path / "whole.ckpt").read_bytes()
    path = tmp_path / "cut.ckpt"
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="damaged, of another kind, or holds more than weights"):
            read_checkpoint(path)


@pytest.mark.parametrize("given", [True, False, None])
def test_lightning_cannot_ask_for_more_than_weights(given: bool | None, tmp_path: Path) -> None:
    torch.save({**content(1), "code": Path}, tmp_path / "code.ckpt")
    with pytest.raises(CheckpointError, match="holds more than weights"):
        SafeCheckpoints().load_checkpoint(tmp_path / "code.ckpt", weights_only=given)


def test_weights_alone_can_be_tested_and_not_gone_on_from(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 1)
    torch.save(
        {"state_dict": network.state_dict(), "pytorch-lightning_version": "2.6.0"}, path := tmp_path / "weights.ckpt"
    )
    assert check_checkpoint(str(path), network) == ({}, frozenset())
    with pytest.raises(CheckpointError, match=r"no state to resume a run from: epoch, .* without save_weights_only"):
        check_checkpoint(str(path), network, resume=True)


def test_nothing_else_reads_checkpoints_or_pickles() -> None:
    """The whole code has one call of torch.load, with weights_only; no pickle, and arrays without objects."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "data_modules").rglob("*.py")]
    calls = [
        (path.name, ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords})
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    loads = [(name, words.get("weights_only")) for name, call, words in calls if call == "torch.load"]
    assert loads == [("checkpoint.py", "True")]
    assert not [call for call in calls if call[1].startswith(("pickle.", "dill.", "joblib."))]
    assert not [
        call for call in calls if call[1] in ("yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec")
    ]
    assert all(words.get("allow_pickle", "False") == "False" for _, call, words in calls if call == "np.load")
