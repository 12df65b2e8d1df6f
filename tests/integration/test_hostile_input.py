"""Configurations and checkpoints that mean harm, or no sense: a plain message, and nothing is run."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightmannet.cli import main
from lightmannet.learners import Supervised
from lightmannet.lightning_cli import Lightning
from lightmannet.networks import Conv4, TwoBranchNetwork

CONFIGS = Path(__file__).parents[2] / "configs"
SHORT = [
    f"--config={CONFIGS / 'supervised.yaml'}",
    "--data.init_args.corpus=tests.clips.MadeCorpus",
    "--trainer.max_epochs=1",
    "--trainer.limit_train_batches=2",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


# --- Configurations ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"model: !!python/object/apply:os.system [touch exploded]", "line 1: the tag .*os.system"),
        (b"trainer:\n  max_epochs: !!python/object/apply:os.system [touch exploded]", "line 2: the tag .*os.system"),
        (b"!!python/name:os.system x: 1", "the tag .*os.system.* creates an object"),
        (b"model: !mine 3", "the tag '!mine' creates an object"),
        (b"model: &a {x: *a}", "contains itself or more than 100000 values"),
        (
            b"a: &a [&b [&c [x,x,x,x,x,x,x,x,x,x]]]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (110 + n, 110 + n, b",".join([b"*%c" % (109 + n if n else 97)] * 30))
                for n in range(4)
            ),
            "contains itself or more than 100000 values",
        ),
        (b"[" * 5000, "not a readable YAML file"),
        (bytes(range(256)), "not a readable YAML file"),
        (b"model: \xff\xfe", "not a readable YAML file"),
        (b"a: \0", "not a readable YAML file"),
        (b"a: [1", "not a readable YAML file"),
        (b"model: {class_path: os.system, init_args: {command: touch exploded}}", "not correspond to a subclass"),
        (b"trainer: {callbacks: {class_path: os.system, init_args: {command: touch exploded}}}", "os.system"),
        (b"trainer: {devices: banana}", "Invalid options: `devices`"),
        (b"trainer: {accelerator: banana}", "Invalid options: .*accelerator='banana'"),
        (b"trainer: {num_nodes: -3}", "Invalid options: `num_nodes` must be a positive"),
        (b"model: {init_args: {learning_rate: .nan}}", "learning_rate: nan"),
    ],
)
def test_a_configuration_runs_nothing_and_its_fault_is_named(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    said = failure(capsys, "fit", *SHORT, "--config=mine.yaml")
    assert re.search(message, said), said
    assert not (tmp_path / "exploded").exists()


def test_a_configuration_whose_name_cannot_be_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert r"--config: 'a\x00b' is not a file name" in failure(capsys, "fit", "--config", "a\0b")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--model=&a {x: *a}", "--model, line 1: the value contains itself"),
        ("--data.init_args.corpus=&a [*a]", "--data.init_args.corpus, line 1: the value contains itself"),
        ("--trainer.callbacks=" + "[" * 5000, "--trainer.callbacks: the value is nested too deeply"),
        ("--model=" + '{"x":' * 5000, "--model: the value is nested too deeply"),
        ("--trainer.accumulate_grad_batches=0", "accumulate_grad_batches: 0, but an update needs at least one batch"),
        ("--trainer.accumulate_grad_batches=-2", "accumulate_grad_batches: -2, but an update needs"),
    ],
)
def test_a_value_that_cannot_be_is_named(word: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in failure(capsys, "fit", *SHORT, word)


OPTIONS = st.sampled_from(
    [
        "seed_everything",
        "ckpt_path",
        *(f"trainer.{name}" for name in ("devices", "accelerator", "strategy", "precision", "max_epochs", "callbacks")),
        *(f"trainer.{name}" for name in ("logger", "plugins", "limit_train_batches", "gradient_clip_val", "profiler")),
        *(f"model{name}" for name in ("", ".class_path", ".init_args.network", ".init_args.learning_rate")),
        *(f"model.init_args.{name}" for name in ("label_smoothing", "network.init_args.encoder.init_args.width")),
        *(f"data{name}" for name in ("", ".init_args.corpus", ".init_args.batch_size", ".init_args.protocol")),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["os.system", "..", "~", "!!python/name:os.system", "&a [*a]", "{", "1e999", "nan", "os", "\0"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["class_path", "init_args", "x"]) | st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def parse(words: list[str]) -> None:
    """Run ``main`` up to where a run would start: it gets there, or stops with code 2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lightning, "_run_subcommand", lambda self, subcommand: None)
        try:
            main(words)
        except SystemExit as stop:
            assert stop.code == 2  # noqa: PT017


@settings(max_examples=8)
@given(option=OPTIONS, value=VALUES)
def test_any_value_of_an_option_is_taken_or_refused(option: str, value: Any) -> None:
    parse(["fit", *SHORT, f"--{option}={value}"])


@pytest.mark.slow
@settings(max_examples=300)
@given(option=OPTIONS, value=VALUES)
def test_any_value_of_an_option_is_taken_or_refused_at_length(option: str, value: Any) -> None:
    parse(["fit", *SHORT, f"--{option}={value}"])


@settings(max_examples=8)
@given(st.binary(max_size=40) | st.text(alphabet="abmodeltrainer:{}[],&*!|>-'\"\n 1.", max_size=40).map(str.encode))
def test_any_file_as_a_configuration_is_taken_or_refused(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.mktemp("config") / "mine.yaml"
    path.write_bytes(content)
    parse(["fit", *SHORT, f"--config={path}"])


# --- Checkpoints ---


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A checkpoint as a fit writes it."""
    folder = tmp_path_factory.mktemp("run")
    main(["fit", *SHORT, f"--trainer.logger.init_args.save_dir={folder}"])
    (path,) = folder.glob("lightning_logs/*/checkpoints/*.ckpt")
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


@pytest.mark.parametrize("verb", ["fit", "test"])
def test_what_a_checkpoint_names_as_code_is_not_run(
    verb: str, checkpoint: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fit and the test go on as if it were not there; the file's own verb refuses it."""
    (tmp_path / "exploding.py").write_text("import pathlib; pathlib.Path('exploded').touch()\ndef boom(*_): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    hostile = {"_instantiator": "exploding.boom", "_class_path": "exploding.boom", "network": "exploding.boom"}
    names = {"hyper_parameters": hostile, "datamodule_hyper_parameters": hostile, "hparams_name": "_instantiator"}
    torch.save({**checkpoint, **names, "options": {"model": hostile}}, tmp_path / "hostile.ckpt")
    main([verb, *SHORT, "--trainer.max_epochs=2", "--ckpt_path=hostile.ckpt"])
    with pytest.raises((ValueError, TypeError)):
        Supervised.load_from_checkpoint(tmp_path / "hostile.ckpt", network=TwoBranchNetwork(Conv4()))
    assert "exploding" not in sys.modules
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pytorch-lightning_version": 3}, "it has no state_dict"),
        ({"pytorch-lightning_version": "new"}, "it has no state_dict"),
        ({"state_dict": [1]}, "it has no state_dict"),
        ({"state_dict": {"network": 1}}, "the weights of another network"),
        ({"loops": None}, "has no state to resume a run from: loops missing"),
        ({"optimizer_states": 3, "callbacks": 1}, "resume a run from: callbacks, optimizer_states missing"),
    ],
)
def test_a_foreign_checkpoint_is_refused_before_data_are_read(
    changes: dict[str, Any],
    message: str,
    checkpoint: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.save({**checkpoint, **changes}, tmp_path / "foreign.ckpt")
    assert message in failure(capsys, "fit", *SHORT, "--ckpt_path=foreign.ckpt")
