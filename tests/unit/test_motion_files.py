import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from data_modules.flow import optical_strain
from data_modules.motion_files import MotionFile, MotionFiles
from data_modules.scaling import STRETCHED
from lightmannet.errors import ConfigurationError, DataError

WORDS = ("anger", "happiness", "surprise", "fear", "neutral")


def motion(clips: int = 5, size: int = 28, seed: int = 0) -> np.ndarray:
    """Noise of up to 2 pixels; the strain channel is in no unit."""
    return np.random.default_rng(seed).uniform(-2, 2, (clips, size, size, 3)).astype(np.float16)


def content(clips: int = 5, **changed: np.ndarray) -> dict[str, np.ndarray]:
    subjects = np.array([f"P{clip // 2}" for clip in range(clips)])
    emotions = np.array([WORDS[clip % len(WORDS)] for clip in range(clips)])
    return {"motion": motion(clips), "emotion": emotions, "subject": subjects} | changed


def write(folder: Path, name: str = "lab.npz", **changed: np.ndarray) -> Path:
    np.savez(folder / name, **content(**changed))  # type: ignore[arg-type]
    return folder


def read(folder: Path, *files: MotionFile, **options: str) -> MotionFiles:
    return MotionFiles(list(files) or [MotionFile("lab.npz", 28)], str(folder), **options)  # type: ignore[arg-type]


def test_clips_have_classes_people_and_names_of_their_file(tmp_path: Path) -> None:
    corpus = read(write(tmp_path)).load()
    assert corpus.macro is not None
    assert corpus.macro.labels.tolist() == [0, 1, 2, 0]  # neutral has no class
    assert corpus.macro.subjects == ("lab/P0", "lab/P0", "lab/P1", "lab/P1")
    assert corpus.macro.ids == ("lab/P0/0000", "lab/P0/0001", "lab/P1/0002", "lab/P1/0003")
    assert (len(corpus.micro), corpus.kind, corpus.synthetic) == (0, "motion", False)


def test_the_environment_may_name_the_root_and_the_file_its_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACRO_MOTION_ROOT", str(write(tmp_path, clip=np.array(list("abcde")))))
    corpus = MotionFiles([MotionFile("lab.npz", 28)]).load()
    assert corpus.macro is not None
    assert corpus.macro.ids[:2] == ("lab/P0/a", "lab/P0/b")


@pytest.mark.parametrize("unit", [28.0, 112.0, 1.0])
def test_images_hold_motion_as_a_share_of_the_width_and_unitless_strain(tmp_path: Path, unit: float) -> None:
    corpus = read(write(tmp_path), MotionFile("lab.npz", unit)).load()
    assert corpus.macro is not None
    assert corpus.scaling is not None
    shares = motion()[:4, :, :, :2].astype(np.float64).transpose(0, 3, 1, 2) / unit
    images = corpus.macro.inputs[:, 0].double().numpy()
    np.testing.assert_allclose(images[:, :2] * 2 * corpus.scaling.full_motion, shares, atol=1e-6 / unit * 28)
    strain = (images[:, 2] + 0.5) * corpus.scaling.full_strain
    np.testing.assert_allclose(strain, optical_strain(shares * 28), atol=1e-5 * 28 / unit)
    assert np.abs(images).max() == pytest.approx(0.5)


def test_stretched_motion_has_the_channels_of_the_file(tmp_path: Path) -> None:
    corpus = read(write(tmp_path), MotionFile("lab.npz", "stretched")).load()
    assert corpus.macro is not None
    assert corpus.scaling == STRETCHED
    expected = motion()[0, :, :, 2].astype(np.float64)
    expected = (expected - expected.min()) / np.ptp(expected) - 0.5
    np.testing.assert_allclose(corpus.macro.inputs[0, 0, 2].numpy(), expected, atol=1e-6)


def test_safetensors_give_the_same_as_npz(tmp_path: Path) -> None:
    texts = {name: json.dumps(content()[name].tolist()) for name in ("emotion", "subject")}
    (tmp_path / "other").mkdir()
    save_file({"motion": motion()}, tmp_path / "other" / "lab.safetensors", metadata=texts)
    one = read(write(tmp_path)).load()
    other = read(tmp_path / "other", MotionFile("lab.safetensors", 28)).load()
    assert one.macro is not None
    assert other.macro is not None
    assert torch.equal(one.macro.inputs, other.macro.inputs)
    assert (one.macro.ids, one.scaling) == (other.macro.ids, other.scaling)


def test_micro_expressions_can_be_read_and_a_database_s_own_rule_decides(tmp_path: Path) -> None:
    # CASME II has no class for fear, and none for sadness.
    corpus = read(write(tmp_path, "casme2.npz"), MotionFile("casme2.npz", 28), kind="micro")
    with pytest.raises(DataError, match=r"casme2.npz: The scheme megc2019 has no class for emotion 'anger' of casme2"):
        corpus.load()
    words = np.array(["disgust", "happiness", "surprise", "fear", "others"])
    write(tmp_path, "casme2.npz", emotion=words)
    loaded = corpus.load()
    assert loaded.macro is None
    assert loaded.micro.labels.tolist() == [0, 1, 2]


def test_several_files_share_one_scale(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "large.npz", motion=2 * motion())
    corpus = read(tmp_path, MotionFile("lab.npz", 28), MotionFile("large.npz", 28)).load()
    assert corpus.macro is not None
    assert set(corpus.macro.databases) == {"lab", "large"}
    torch.testing.assert_close(corpus.macro.inputs[:4, :, :2] * 2, corpus.macro.inputs[4:, :, :2])


BROKEN = np.full((5, 28, 28, 3), np.nan, np.float32)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"emotion": np.array(["joy", *WORDS[1:]])}, r"lab.npz: .*no class for emotion 'joy' of motion_files.*1 clips"),
        ({"motion": motion(4)}, r"lab.npz: one entry per clip is expected in each.*motion 4, emotion 5, subject 5"),
        ({"motion": motion()[..., :1]}, r"motion is float16 \(5, 28, 28, 1\).*with 2 or 3 channels \(u, v, strain\)"),
        ({"motion": motion().astype(np.int16)}, r"motion is int16"),
        ({"motion": motion(size=20)}, r"its images are 20 × 20 pixels; squares of 28 to 224 are expected"),
        ({"motion": motion()[:, :, 1:]}, r"its images are 28 × 27 pixels"),
        ({"motion": BROKEN}, r"clip 0 \(from 0\) and 4 more have motion that is infinite or no number"),
        ({"clip": np.array(["a"] * 5)}, r"clip lab/P0/a stands 2 times"),
        ({"subject": np.array(["../x", *"abcd"])}, r"subject '../x' of clip 0 \(from 0\) is not a valid name"),
        ({"subject": np.arange(5)}, r"subject is int64 \(5,\); a list of texts is expected"),
        (
            {"emotion": np.array(["anger", "fear", "surprise", "fear", "fear"])},
            r"no clip of class positive; add a file",
        ),
        ({"emotion": np.array(["neutral"] * 5)}, r"no clip has a class of the scheme megc2019"),
    ],
)
def test_bad_content_is_named(tmp_path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=f"(?s){message}"):
        read(write(tmp_path, "lab.npz", **changed)).load()


def test_a_file_without_people_says_what_it_lacks(tmp_path: Path) -> None:
    np.savez(tmp_path / "lab.npz", motion=motion())
    with pytest.raises(DataError, match=r"lab.npz: lacks emotion, subject; motion, emotion and subject are expected"):
        read(tmp_path).load()


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"no zip")
    (tmp_path / "b.safetensors").write_bytes(b"\x00" * 20)
    (tmp_path / "c.csv").write_text("")
    np.savez(tmp_path / "d.npz", motion=np.array([{}]))  # a pickle, which may run code
    files = [MotionFile(name, 28) for name in ("a.npz", "b.safetensors", "c.csv", "d.npz", "e.npz")]
    with pytest.raises(
        DataError, match=r"(?s)5 faults.*a.npz: cannot.*b.saf.*cannot.*c.csv: of another type.*d.npz: cannot.*no such"
    ):
        read(tmp_path, *files).load()


def test_files_of_two_sizes_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "large.npz", motion=motion(size=56))
    with pytest.raises(DataError, match=r"images of one size are expected, not lab.npz 28, large.npz 56 pixels"):
        read(tmp_path, MotionFile("lab.npz", 28), MotionFile("large.npz", 56)).load()


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name at least one file"):
        MotionFiles([])
    with pytest.raises(ConfigurationError, match="lab is named twice"):
        read(tmp_path, MotionFile("lab.npz", 28), MotionFile("lab.safetensors", 28))
    with pytest.raises(
        ConfigurationError, match="some are stretched, so that their amplitude is lost, and some are not"
    ):
        read(tmp_path, MotionFile("a.npz", 28), MotionFile("b.npz", "stretched"))
    with pytest.raises(ConfigurationError, match="unit is a width greater than 0, not -1"):
        MotionFile("lab.npz", -1)
    with pytest.raises(ConfigurationError, match="unit is a width or stretched, not 'pixels'"):
        MotionFile("lab.npz", "pixels")  # type: ignore[arg-type]


def test_a_root_that_is_not_given_or_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACRO_MOTION_ROOT", raising=False)
    with pytest.raises(DataError, match=r"Set `root:` or the environment variable MACRO_MOTION_ROOT to the folder"):
        MotionFiles([MotionFile("lab.npz", 28)]).load()
    with pytest.raises(DataError, match=r"root names .*nowhere', which is not a folder"):
        read(tmp_path / "nowhere").load()
