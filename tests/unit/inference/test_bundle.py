"""A bundle is read as it was written, or not at all."""

import json
from pathlib import Path

import pytest
import torch

from lightmannet.errors import BundleError
from lightmannet.inference.bundle import MANIFEST, read_bundle, write_bundle
from lightmannet.inference.recogniser import load
from tests.bundles import write_small_bundle


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = write_small_bundle(tmp_path / "bundle")
    first = read_bundle(folder)
    write_bundle(tmp_path / "again", first)
    second = read_bundle(tmp_path / "again")
    assert second.settings == first.settings
    assert second.card == "# A card\n"
    assert all(torch.equal(second.weights[name], value) for name, value in first.weights.items())
    assert len(first.draws) == 2
    for a, b in zip(first.draws, second.draws, strict=True):
        assert torch.equal(a.support.inputs, b.support.inputs)
        assert a.support.labels.tolist() == b.support.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert not [path for path in tmp_path.iterdir() if path.name not in ("bundle", "again")]


def test_a_bundle_is_replaced_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    folder = write_small_bundle(tmp_path / "bundle")
    write_small_bundle(folder, classes=["a", "b", "c"])
    assert load(folder).classes == ("a", "b", "c")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(BundleError, match="contains something that is not a bundle; use a new folder"):
        write_small_bundle(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "mine"]


@pytest.mark.parametrize("name", ["settings.json", "weights.safetensors", "support.safetensors", "card.md"])
def test_an_altered_or_missing_file_is_noticed(name: str, tmp_path: Path) -> None:
    file = write_small_bundle(tmp_path / "bundle") / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleError, match=f"{name}: has changed since the export"):
        load(tmp_path / "bundle")
    file.unlink()
    with pytest.raises(BundleError, match=f"the bundle's file {name} is missing"):
        load(tmp_path / "bundle")


def test_other_versions_and_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is not a bundle .* Make one with: lightmannet export RUN"):
        load(tmp_path)
    manifest = write_small_bundle(tmp_path / "bundle") / MANIFEST
    words = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**words, "version": 99}))
    with pytest.raises(BundleError, match="is a bundle of version 99, and this program reads version 1"):
        load(tmp_path / "bundle")
    manifest.write_text(json.dumps({**words, "format": "other"}))
    with pytest.raises(BundleError, match="does not describe a bundle of this program"):
        load(tmp_path / "bundle")
    manifest.write_text("{")
    with pytest.raises(BundleError, match=r"manifest\.json: damaged"):
        load(tmp_path / "bundle")
    manifest.write_text(json.dumps({**words, "sha256": None}))
    with pytest.raises(BundleError, match="has no hashes"):
        load(tmp_path / "bundle")


def test_loading_runs_no_code_that_the_bundle_names(tmp_path: Path) -> None:
    folder = write_small_bundle(tmp_path / "bundle", crop={"name": "os.system", "options": {"command": "touch here"}})
    with pytest.raises(BundleError, match=r"the bundle needs code of its author: os\.system. Loading runs none"):
        load(folder)


def test_options_and_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    folder = write_small_bundle(tmp_path / "bundle", crop={"name": "WholeFrame", "options": {"margin": 1}})
    with pytest.raises(BundleError, match="options of WholeFrame do not fit this version"):
        load(folder)
    write_small_bundle(folder, representation={"name": "ApexFlow", "options": {"size": 3}})
    with pytest.raises(BundleError, match="options of ApexFlow are invalid: size=3"):
        load(folder)
    network = {"name": "TwoBranchNetwork", "options": {"encoder": {"name": "Flatten", "options": {}}}}
    write_small_bundle(folder, learner={"name": "MAML", "options": {"network": network}})
    with pytest.raises(BundleError, match="the bundle's files contradict each other"):
        load(folder)
