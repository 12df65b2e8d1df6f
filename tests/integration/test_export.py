"""From a finished run to a bundle, and what is no run for one."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from lightmannet.cli import main
from lightmannet.commands.export import export
from lightmannet.errors import BundleError, CheckpointError, ConfigurationError, DataError
from lightmannet.inference.bundle import FILES, MANIFEST, read_bundle
from lightmannet.inference.recogniser import load
from tests.archives.casme2 import write_casme2

CONFIGS = Path(__file__).parents[2] / "configs"
EMOTIONS = ("disgust", "happiness", "surprise")
ROWS: list[tuple[object, ...]] = [
    (f"{person:02d}", f"EP{clip:02d}_{number}", None, 2, 5, 8, None, "4", emotion)
    for person in range(1, 7)
    for clip, emotion in enumerate(EMOTIONS, 1)
    for number in (1, 2)
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An epoch of MAML on noise in the layout of CASME II: 2 test people, 2 to validate, 2 to train."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "CASME2").mkdir()
    write_casme2(folder / "CASME2", ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LIGHTMANNET_CACHE", str(folder / "cache"))
        corpus = "--data.init_args.corpus.init_args"
        main(
            [
                "fit",
                f"--config={CONFIGS / 'maml.yaml'}",
                f"--config={CONFIGS / 'data' / 'casme2.yaml'}",
                f"{corpus}.micro=[{{class_path: data_modules.CASME2, init_args: {{root: {folder / 'CASME2'}}}}}]",
                f"{corpus}.representation={{class_path: data_modules.ApexFlow, init_args: {{method: dis}}}}",
                f"{corpus}.cache={folder / 'cache'}",
                f"{corpus}.workers=0",
                "--data.init_args.protocol={class_path: data_modules.SubjectKFold, init_args: {k: 3}}",
                "--data.init_args.validation_fraction=0.5",
                *(f"--data.init_args.{count}=1" for count in ("n_shot", "n_query")),
                "--data.init_args.evaluation.init_args.draws=2",
                "--data.init_args.episodes_per_epoch=4",
                "--model.init_args.network.init_args.encoder.init_args.width=8",
                "--model.init_args.warm_start.epochs=0",
                "--trainer.max_epochs=1",
                "--trainer.accelerator=cpu",
                "--trainer.enable_progress_bar=false",
            ]
        )
    return folder / "lightning_logs" / "version_0"


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "bundle"
    main(["export", str(run), str(folder), "--draws=2", "--onnx"])
    return folder


def test_a_bundle_has_all_that_an_answer_needs(bundle: Path) -> None:
    pytest.importorskip("onnx")
    assert {path.name for path in bundle.iterdir()} == {MANIFEST, *FILES, "model.onnx"}
    settings = json.loads((bundle / "settings.json").read_text())
    assert settings["classes"] == ["negative", "positive", "surprise"]
    assert settings["learner"]["name"] == "MAML"
    assert settings["representation"]["name"] == "ApexFlow"
    assert settings["representation"]["options"]["method"] == "dis"
    assert settings["crop"] == {"name": "WholeFrame", "options": {}}
    assert (settings["missing_apex"], settings["synthetic"]) == ("middle", False)
    assert (settings["calibration"]["people"], settings["calibration"]["clips"]) == (2, 12)
    draws = read_bundle(bundle).draws
    assert len(draws) == 2
    assert all(draw.support.labels.sort().values.tolist() == [0, 1, 2] for draw in draws)


def test_nobody_is_named_in_a_bundle(bundle: Path, run: Path) -> None:
    for path in bundle.iterdir():
        content = path.read_bytes()
        assert not re.search(rb"sub0[1-6]|EP0[1-3]_", content), path.name
        assert str(run).encode() not in content, path.name


def test_the_card_has_protocol_data_score_and_limits(bundle: Path) -> None:
    card = (bundle / "card.md").read_text()
    assert card.startswith("# MAML on ")
    assert "training 12 clips of 2 people, validation 12 clips of 2 people, test 12 clips of 2 people" in card
    assert "protocol kfold, fold 0. No person is in two parts." in card
    assert "not a lie detector" in card
    assert "Nothing is known about its accuracy on people, cameras and rooms unlike those of these databases." in card
    score = re.search(r"UF1 (\.?[\d.]+) \(95 % interval ([\d.]+) to ([\d.]+), bootstrap over people\), UAR", card)
    assert score
    uf1, low, high = map(float, score.groups())
    assert 0 <= low <= uf1 <= high <= 1
    assert "Temperature " in card
    assert "fitted on 12 clips of 2 validation people." in card
    assert "2 support sets: network inputs from training people's clips" in card
    assert "float32, any number of clips x 1 x 3 x 28 x 28 (phase, channel, row, column)" in card


def test_the_score_is_that_of_lightnings_test(bundle: Path, run: Path, tmp_path: Path) -> None:
    (checkpoint,) = (run / "checkpoints").glob("*.ckpt")
    main(
        [
            "test",
            f"--config={run / 'config.yaml'}",
            f"--ckpt_path={checkpoint}",
            f"--trainer.logger.init_args.save_dir={tmp_path}",
        ]
    )
    (metrics,) = tmp_path.rglob("metrics.csv")
    names, *rows = (line.split(",") for line in metrics.read_text().splitlines())
    found = {name: value for row in rows for name, value in zip(names, row, strict=True) if value}
    card = (bundle / "card.md").read_text()
    assert f"UF1 {float(found['test/uf1']):.3f} (" in card
    assert f"UAR {float(found['test/uar']):.3f}, accuracy {float(found['test/accuracy']):.3f}" in card


def test_the_onnx_file_answers_as_the_bundle(bundle: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    recogniser = load(bundle)
    session = onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])
    inputs = torch.rand(5, 1, 3, 28, 28, generator=torch.Generator().manual_seed(0)) - 0.5
    (found,) = session.run(["probabilities"], {"inputs": inputs.numpy()})
    expected = torch.softmax(recogniser.network(inputs) / recogniser.temperature, 1)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=0, atol=1e-5)
    (bundle / "model.onnx").rename(bundle / "model.moved")
    try:
        with pytest.raises(BundleError, match=r"the bundle's file model\.onnx is missing"):
            load(bundle)
        (bundle / "model.onnx").write_bytes(b"another network")
        with pytest.raises(BundleError, match=r"model\.onnx: has changed since the export"):
            load(bundle)
    finally:
        (bundle / "model.moved").replace(bundle / "model.onnx")


def test_weights_are_those_of_the_checkpoint(bundle: Path, run: Path) -> None:
    (path,) = (run / "checkpoints").glob("*.ckpt")
    trained = torch.load(path, weights_only=True)["state_dict"]
    weights = load_file(bundle / "weights.safetensors")
    assert weights
    assert all(torch.equal(value, trained[name]) for name, value in weights.items())
    assert {name for name in trained if name.startswith("network.")} <= weights.keys()


# --- What is refused ---


def config(run: Path) -> dict[str, Any]:
    return yaml.safe_load((run / "config.yaml").read_text())


def changed(run: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copy a run, with another configuration."""
    shutil.copytree(run, folder)
    words = config(run)
    change(words)
    (folder / "config.yaml").write_text(yaml.safe_dump(words))
    return folder


def test_a_folder_that_is_no_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not the folder of a run, as config\.yaml cannot be read"):
        export(str(tmp_path), str(tmp_path / "bundle"))
    (tmp_path / "config.yaml").write_text("- a list\n")
    with pytest.raises(ConfigurationError, match=r"config\.yaml: not the configuration of a run"):
        export(str(tmp_path), str(tmp_path / "bundle"))
    (tmp_path / "config.yaml").write_text("model: &all [*all]\ndata: {}\n")
    with pytest.raises(ConfigurationError, match=r"config\.yaml, line 1: the file contains itself"):
        export(str(tmp_path), str(tmp_path / "bundle"))
    (tmp_path / "config.yaml").write_text("model: !!python/name:os.system\n")
    with pytest.raises(ConfigurationError, match=r"the tag .* creates an object"):
        export(str(tmp_path), str(tmp_path / "bundle"))
    shutil.copy(run / "config.yaml", tmp_path / "config.yaml")
    with pytest.raises(CheckpointError, match=r"has no checkpoint \(checkpoints/\*\.ckpt\); finish `lightning fit"):
        export(str(tmp_path), str(tmp_path / "bundle"))
    with pytest.raises(ConfigurationError, match="draws=0: at least 1 is needed"):
        export(str(run), str(tmp_path / "bundle"), draws=0)
    assert not (tmp_path / "bundle").exists()


def test_what_is_in_the_way_is_left_alone_before_anything_is_computed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(BundleError, match="contains something that is not a bundle; use a new folder"):
        export(str(tmp_path / "no run"), str(tmp_path))
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_weights_of_another_network_are_refused(run: Path, tmp_path: Path) -> None:
    def wider(words: dict[str, Any]) -> None:
        words["model"]["init_args"]["network"]["init_args"]["encoder"]["init_args"]["width"] = 16

    with pytest.raises(CheckpointError, match="contains the weights of another network"):
        export(str(changed(run, tmp_path / "run", wider)), str(tmp_path / "bundle"))


def test_inputs_that_are_not_made_of_frames_are_refused(run: Path, tmp_path: Path) -> None:
    def other(words: dict[str, Any]) -> None:
        words["data"]["init_args"]["corpus"] = {"class_path": "data_modules.SyntheticMotion"}

    with pytest.raises(
        ConfigurationError, match=r"cannot be exported: SyntheticMotion gives inputs .* Train on frames"
    ):
        export(str(changed(run, tmp_path / "run", other)), str(tmp_path / "bundle"))


def test_a_crop_that_needs_an_annotation_is_refused(run: Path, tmp_path: Path) -> None:
    def boxed(words: dict[str, Any]) -> None:
        words["data"]["init_args"]["corpus"]["init_args"]["crop"] = {"class_path": "data_modules.AnnotatedBox"}

    with pytest.raises(
        ConfigurationError, match="cannot be exported: crop: AnnotatedBox needs the annotated face boxes"
    ):
        export(str(changed(run, tmp_path / "run", boxed)), str(tmp_path / "bundle"))


def test_data_that_are_gone_are_said(run: Path, tmp_path: Path) -> None:
    def moved(words: dict[str, Any]) -> None:
        corpus = words["data"]["init_args"]["corpus"]["init_args"]
        corpus["micro"][0]["init_args"]["root"] = str(tmp_path / "gone")

    with pytest.raises(DataError, match="gone"):
        export(str(changed(run, tmp_path / "run", moved)), str(tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
