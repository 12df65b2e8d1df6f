"""The released STSTNet: the same numbers as an independent computation, and as published where the data are.

The real images and weights are licensed to their users. Set ``MEGC2019_ROOT`` to a folder with the flow images,
``STSTNET_WEIGHTS`` to the released weights as safetensors (or lay them into the root as
``ststnet_loso_weights.safetensors``) and ``MEGC2019_PHASES_ROOT`` to the extraction with four images per clip.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.torch import save_file

from data_modules.databases.megc2019 import MEGC2019, read_pixels
from data_modules.databases.megc2019_rows import KNOWN_COUNTS
from data_modules.scaling import STRETCHED
from lightmannet.commands import check_release as module
from lightmannet.commands.check_release import check_release, predict_with_released
from lightmannet.errors import CheckpointError, LightmanNetError
from lightmannet.networks.released_ststnet import ReleasedSTSTNet
from tests.megc2019_files import csv_row, write_rows

FILTERS = {1: 3, 2: 5, 3: 8}


def generated_weights(subject: str, seed: int) -> dict[str, torch.Tensor]:
    """Return random weights of one subject, named and shaped as in the release."""
    generator = torch.Generator().manual_seed(seed)
    weights = {"fc.weight": torch.randn(3, 400, generator=generator), "fc.bias": torch.randn(3, generator=generator)}
    for number, filters in FILTERS.items():
        weights[f"conv{number}.weight"] = torch.randn(filters, 3, 3, 3, generator=generator)
        weights[f"conv{number}.bias"] = torch.randn(filters, generator=generator)
        weights[f"bn{number}.weight"] = torch.randn(filters, generator=generator)
        weights[f"bn{number}.bias"] = torch.randn(filters, generator=generator)
        weights[f"bn{number}.running_mean"] = 50 * torch.randn(filters, generator=generator)
        weights[f"bn{number}.running_var"] = 1000 * torch.rand(filters, generator=generator) + 10
        weights[f"bn{number}.num_batches_tracked"] = torch.tensor(1600)
    return {f"{subject}/{name}": tensor for name, tensor in weights.items()}


def reference_logits(weights: dict[str, torch.Tensor], subject: str, images: np.ndarray) -> np.ndarray:
    """Compute STSTNet in float64 NumPy, from the paper, sharing nothing with the network under test."""
    own = {name.removeprefix(f"{subject}/"): tensor.double().numpy() for name, tensor in weights.items()}
    maps = []
    for number in FILTERS:
        padded = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
        windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
        filtered = np.einsum("nchwij,fcij->nfhw", windows, own[f"conv{number}.weight"])
        active = np.maximum(filtered + own[f"conv{number}.bias"][:, None, None], 0)
        mean, variance = own[f"bn{number}.running_mean"], own[f"bn{number}.running_var"]
        scale = own[f"bn{number}.weight"] / np.sqrt(variance + 1e-5)
        normal = (active - mean[:, None, None]) * scale[:, None, None] + own[f"bn{number}.bias"][:, None, None]
        framed = np.pad(normal, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        maps.append(sliding_window_view(framed, (3, 3), axis=(2, 3))[:, :, ::3, ::3].max((4, 5)))
    stacked = np.concatenate(maps, axis=1)
    pooled = stacked.reshape(len(images), 16, 5, 2, 5, 2).mean((3, 5))
    logits: np.ndarray = pooled.reshape(len(images), 400) @ own["fc.weight"].T + own["fc.bias"]
    return logits


@pytest.fixture
def generated(tmp_path: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """Return a weights file of two subjects and what it holds."""
    weights = generated_weights("s01", 1) | generated_weights("s02", 2)
    path = tmp_path / "weights.safetensors"
    save_file(weights, path)
    return path, weights


def test_network_computes_what_the_paper_says(generated: tuple[Path, dict[str, torch.Tensor]]) -> None:
    path, weights = generated
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 28, 28)).astype(np.float64)
    for subject in ("s01", "s02"):
        network = ReleasedSTSTNet(path).network(subject).double()
        with torch.no_grad():
            logits = network(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(logits, reference_logits(weights, subject, images), rtol=1e-10, atol=1e-9)


def test_each_subject_is_predicted_with_its_own_weights_from_raw_b_g_r(
    generated: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    path, weights = generated
    rows = [csv_row("smic", subject, label, clip) for label in range(3) for clip in range(1, 9) for subject in (1, 2)]
    root = write_rows(tmp_path / "set", rows)
    pixels, table = read_pixels(str(root), check_counts=False)
    expected = [
        int(reference_logits(weights, row.subject, image.numpy()[None, ::-1].astype(np.float64)).argmax())
        for image, row in zip(pixels[:, 0], table, strict=True)
    ]
    assert predict_with_released(pixels[:, 0], table, ReleasedSTSTNet(path)).tolist() == expected
    assert len(set(expected)) > 1


def complete_smic(root: Path) -> Path:
    known = KNOWN_COUNTS["smic"]
    rows = [
        csv_row("smic", clip % known.subjects + 1, label, clip // known.subjects + 1)
        for label, count in enumerate(known.clips)
        for clip in range(count)
    ]
    weights: dict[str, torch.Tensor] = {}
    for subject in range(1, known.subjects + 1):
        weights |= generated_weights(f"s{subject:02}", subject)
    write_rows(root, rows)
    save_file(weights, root / "weights.safetensors")
    return root


def test_other_scores_than_the_known_ones_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = complete_smic(tmp_path / "set")
    with pytest.raises(LightmanNetError, match=r"do not give the known scores on SMIC\. Either the images"):
        check_release(str(root / "weights.safetensors"), str(root))
    printed = capsys.readouterr().out
    assert "0.6871" in printed
    assert "differs" in printed
    assert "equal" not in printed


def test_equal_scores_are_said_to_be_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = complete_smic(tmp_path / "set")
    monkeypatch.setattr(module, "KNOWN_SCORES", {})
    (unknown,) = check_release(str(root / "weights.safetensors"), str(root))
    assert unknown.known is None
    known = (round(unknown.uf1, 4), round(unknown.uar, 4))
    monkeypatch.setattr(module, "KNOWN_SCORES", {("smic",): known})
    (score,) = check_release(str(root / "weights.safetensors"), str(root))
    assert (score.clips, score.subjects, score.equal) == (164, 16, True)
    assert capsys.readouterr().out.endswith("equal to the known scores at four decimals\n")
    monkeypatch.setattr(module, "KNOWN_SCORES", {("smic",): (known[0], known[1] + 1e-4)})
    with pytest.raises(LightmanNetError, match="SMIC"):
        check_release(str(root / "weights.safetensors"), str(root))


def test_a_subject_without_weights_is_named(generated: tuple[Path, dict[str, torch.Tensor]]) -> None:
    with pytest.raises(CheckpointError, match="no weights of subject 's03'; it has those of 2 subjects: s01, s02"):
        ReleasedSTSTNet(generated[0]).network("s03")


def test_missing_weights_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(CheckpointError, match=f"{path}: no such file; a safetensors file"):
            ReleasedSTSTNet(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle", b"version https://git-lfs", b"\xff" * 64])
def test_a_file_that_is_not_safetensors_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: not a safetensors file, or a damaged one"):
        ReleasedSTSTNet(path)


def test_a_cut_weights_file_is_named(generated: tuple[Path, dict[str, torch.Tensor]]) -> None:
    path = generated[0]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a safetensors file, or a damaged one"):
        ReleasedSTSTNet(path)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("bn2.running_mean", None, "bn2.running_mean is missing"),
        ("fc.weight", torch.zeros(5, 400), r"fc.weight is float32 \(5, 400\) where float32 \(3, 400\) is expected"),
        ("conv1.bias", torch.zeros(3).double(), r"conv1.bias is float64 \(3,\) where float32 \(3,\) is expected"),
        ("conv4.bias", torch.zeros(3), "conv4.bias is unknown"),
        ("fc.bias", torch.tensor([0.0, float("nan"), 0.0]), "fc.bias holds values that are not finite"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    tmp_path: Path, name: str, tensor: torch.Tensor | None, message: str
) -> None:
    weights = generated_weights("s01", 0)
    if tensor is None:
        del weights[f"s01/{name}"]
    else:
        weights[f"s01/{name}"] = tensor
    save_file(weights, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=f"weights of subject 's01' are not those of STSTNet: {message}"):
        ReleasedSTSTNet(tmp_path / "weights.safetensors").network("s01")


# --- The real thing ---

PUBLISHED = {
    "CASME II": ("0.8304", "0.8304"),
    "SMIC": ("0.6871", "0.6876"),
    "SAMM": ("0.5993", "0.6145"),
    "CASME II + SMIC": ("0.7525", "0.7530"),
    "CASME II + SMIC + SAMM": ("0.7209", "0.7250"),
}


def real_root(variable: str, repository: str) -> str:
    root = os.environ.get(variable)
    if not root:
        pytest.skip(f"needs the real flow images: clone the GitHub repository {repository} and set {variable} to it")
    return root


def megc2019() -> str:
    return real_root("MEGC2019_ROOT", "wangzhifengharrison/HTNet")


def test_released_weights_give_the_published_scores(capsys: pytest.CaptureFixture[str]) -> None:
    root = megc2019()
    weights = Path(os.environ.get("STSTNET_WEIGHTS") or Path(root, "ststnet_loso_weights.safetensors"))
    if not weights.exists():
        pytest.skip(
            f"needs the weights in the GitHub repository christy1206/STSTNet as a safetensors file: no {weights}; "
            "set STSTNET_WEIGHTS to it"
        )
    scores = check_release(str(weights), root)
    for score in scores:
        assert (f"{score.uf1:.4f}", f"{score.uar:.4f}") == PUBLISHED[score.name]
    assert len(scores) == 1 or " + " in scores[-1].name
    assert "equal" in capsys.readouterr().out


def test_real_images_are_stretched_to_the_full_range() -> None:
    corpus = MEGC2019(megc2019(), scaling="stored").load()
    assert corpus.scaling == STRETCHED
    assert corpus.micro.inputs.shape[1:] == (1, 3, 28, 28)
    assert len(set(corpus.micro.ids)) == len(corpus.micro)


def test_real_images_with_phases_keep_amplitude_and_hold_the_same_clips() -> None:
    root = real_root("MEGC2019_PHASES_ROOT", "tony19980810/CausalNet")
    four, one = (MEGC2019(root, phases=phases, scaling="stored").load() for phases in (4, 1))
    assert four.scaling is None
    assert four.micro.inputs.shape[1:] == (4, 3, 28, 28)
    assert four.micro.ids == one.micro.ids
    assert torch.equal(four.micro.inputs[:, :1], one.micro.inputs)
    assert not torch.equal(four.micro.inputs[:, 0], four.micro.inputs[:, 1])
