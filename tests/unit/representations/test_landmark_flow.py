import os
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from data_modules import MEGC2019, ClipCorpus, KDEFLandmarks, MacroSets, MotionFile, MotionFiles
from data_modules.corpus import CorpusSource
from data_modules.flow import LOW
from data_modules.protocols import Fold
from data_modules.representations.landmark_flow import LandmarkFlow, landmark_motion
from data_modules.scaling import STRETCHED, Scaling
from data_modules.video.eyes import EYES
from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError, DataError
from tests.archives.faces import landmarks
from tests.archives.kdef_landmarks import write_kdef_landmarks

REST = landmarks()
SCALE = (EYES[1][0] - EYES[0][0]) / 200  # the drawn face's eyes are 200 pixels apart
ORIGIN = EYES[0] - SCALE * np.array([180, 380])


def at(motion: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return the motion at the pixel nearest to a point of the drawn face, in that face's pixels."""
    x, y = np.floor(ORIGIN + SCALE * point).astype(int)
    return motion[:, y, x] / SCALE


def test_a_raised_brow_moves_up_where_it_is_and_nothing_else_does() -> None:
    motion = landmark_motion(REST, landmarks(brows=20))
    brow, mouth, nose = REST[[19, 48, 30]]
    assert at(motion, brow)[1] == pytest.approx(-20, abs=6)
    assert np.abs(at(motion, mouth)).max() < 2
    assert np.abs(at(motion, nose)).max() < 3
    assert np.abs(motion[:, -1]).max() < 0.1  # the forehead moves with the brows, the chin does not


def test_a_smile_pulls_the_corners_out_and_up() -> None:
    motion = landmark_motion(REST, landmarks(smile=20))
    left, right = (at(motion, REST[corner]) for corner in (48, 54))
    assert left == pytest.approx([-20, -20], abs=7)
    assert right == pytest.approx([20, -20], abs=7)


def test_the_error_at_the_points_is_below_a_tenth_of_a_pixel_of_28() -> None:
    """The end-point error at the landmarks themselves, of a smile whose corners move by 1.7 pixels."""
    moved = landmarks(smile=20)
    motion = landmark_motion(REST, moved, size=224)
    outer = [*range(17, 27), *range(48, 55)]  # brows, upper lip
    errors = []
    for point, true in zip(REST[outer], (moved - REST)[outer] * SCALE, strict=True):
        x, y = np.floor((ORIGIN + SCALE * point) * 8).astype(int)
        errors.append(np.hypot(*(motion[:, y, x] / 8 - true)))
    assert np.hypot(20, 20) * SCALE > 1.6
    assert np.mean(errors) < 0.1


@pytest.mark.parametrize("turn", [0.0, 0.1])
def test_motion_size_and_turn_of_the_head_are_taken_out(turn: float) -> None:
    rotation = 1.1 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = landmarks(smile=20) @ rotation.T + (15, -8)
    np.testing.assert_allclose(landmark_motion(REST, moved), landmark_motion(REST, landmarks(smile=20)), atol=0.02)


@pytest.mark.parametrize("size", [28, 56, 112])
def test_the_same_motion_is_a_multiple_at_another_size(size: int) -> None:
    small, large = (landmark_motion(REST, landmarks(smile=20), s) for s in (28, size))
    factor = size // 28
    average = large.reshape(2, 28, factor, 28, factor).mean(axis=(2, 4)) / factor
    np.testing.assert_allclose(average, small, atol=0.06)


def test_a_mirrored_face_has_mirrored_motion() -> None:
    # The order of points of the mirrored face: left and right exchanged.
    pairs = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    pairs += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    pairs += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    one_sided = landmarks(smile=20)
    one_sided[54:] = REST[54:]
    first, second = ((points * (-1, 1) + (560, 0))[pairs] for points in (REST, one_sided))
    motion, other = landmark_motion(REST, one_sided), landmark_motion(first, second)
    expected = motion[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    np.testing.assert_allclose(other, expected, atol=0.01)


def test_images_are_scaled_as_those_of_frames() -> None:
    points = np.stack([REST, landmarks(smile=20)])
    motion = landmark_motion(points[0], points[1])
    image = LandmarkFlow().render_points(points)[0]
    np.testing.assert_allclose(image[:2], (motion / (2 * 0.05 * 28)).clip(-0.5, 0.5), atol=1e-6)
    assert image[2].min() == pytest.approx(LOW, abs=0.01)
    assert LandmarkFlow().scaling == Scaling("absolute", 0.05, 0.5)
    stretching = LandmarkFlow(stretch=True)
    assert stretching.scaling == STRETCHED
    assert stretching.render_points(points).max(axis=(2, 3)) == pytest.approx(0.5)


def test_an_apex_equal_to_the_neutral_face_is_refused() -> None:
    with pytest.raises(DataError, match="landmarks of the apex equal those of the neutral face"):
        LandmarkFlow().render_points(np.stack([REST, REST]))


def test_frames_are_refused() -> None:
    with pytest.raises(DataError, match="LandmarkFlow needs landmarks, but the clip has frames"):
        LandmarkFlow().render(np.zeros((2, 28, 28, 1), np.uint8))


@pytest.mark.parametrize("option", [{"full_scale": 0.0}, {"full_strain": -1.0}, {"phases": 0}])
def test_options_out_of_range_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"a number greater than 0|phases=0: at least 1 is needed"):
        LandmarkFlow(**option)  # type: ignore[arg-type]


def test_a_corpus_of_landmarks_has_classes_and_people(tmp_path: Path) -> None:
    write_kdef_landmarks(tmp_path / "kdef")
    reader = KDEFLandmarks(str(tmp_path / "kdef"))
    corpus = ClipCorpus([], [reader], representation=LandmarkFlow(), cache=str(tmp_path / "cache"), workers=0).load()
    assert corpus.macro is not None
    assert (len(corpus.micro), corpus.macro.inputs.shape) == (0, (18, 1, 3, 28, 28))
    assert torch.bincount(corpus.macro.labels).tolist() == [12, 3, 3]
    happy, surprised = (corpus.macro.inputs[corpus.macro.labels == label].mean(0)[0, 1] for label in (1, 2))
    assert happy[17:20].mean() < surprised[17:20].mean()  # the corners of the mouth go up


KDEF, MOTION, MEGC = (os.environ.get(f"{name}_ROOT") for name in ("KDEF_LANDMARKS", "MACRO_MOTION", "MEGC2019"))
REFERENCE = {"kdef": (0.84, 0.73, 0.79), "ckplus": (0.28, 0.77, 0.56), "jaffe": (0.19, 0.70, 0.68)}
"""Correlation of what is peculiar to each class's mean motion, macro with micro, of all 442 images of MEGC2019."""


def peculiar(clips: Clips) -> Float[Tensor, "3 motion"]:
    """Return the mean u and v of each class, without what the three have in common."""
    means = torch.stack([clips.inputs[clips.labels == label, 0, :2].mean(0).flatten() for label in range(3)])
    return means - means.mean(0)


def resemblance(source: CorpusSource) -> list[float]:
    """Return, for each class, the correlation with the micro-expressions of MEGC2019."""
    corpus = MEGC2019(MEGC).load()
    macro = MacroSets([source]).clips(corpus, Fold(train=("a",), validation=(), test=("b",)))
    pairs = zip(peculiar(corpus.micro), peculiar(macro), strict=True)
    return [float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in pairs]


@pytest.mark.skipif(not (MOTION and MEGC), reason="MACRO_MOTION_ROOT and MEGC2019_ROOT are not set")
@pytest.mark.parametrize("name", REFERENCE)
def test_macro_expressions_differ_by_class_as_micro_expressions_do(name: str) -> None:
    unit = 28 if name == "kdef" else 112
    found = resemblance(MotionFiles([MotionFile(f"{name}.npz", unit)], MOTION))
    assert found == pytest.approx(REFERENCE[name], abs=0.04)


@pytest.mark.skipif(not (KDEF and MEGC), reason="KDEF_LANDMARKS_ROOT and MEGC2019_ROOT are not set")
@pytest.mark.slow
def test_the_motion_of_kdefs_landmarks_differs_by_class_as_micro_expressions_do(tmp_path: Path) -> None:
    flow = LandmarkFlow(full_scale=0.4, full_strain=4)
    source = ClipCorpus([], [KDEFLandmarks(KDEF)], representation=flow, cache=str(tmp_path), workers=0)
    assert resemblance(source) == pytest.approx(REFERENCE["kdef"], abs=0.04)
    macro = source.load().macro
    assert macro is not None
    assert len(macro) == 840
    if MOTION:
        stored = np.load(Path(MOTION) / "kdef.npz")["motion"][..., :2].astype(np.float64).transpose(0, 3, 1, 2)
        # Both in the order of the files' names, in pixels of 28.
        pairs = zip(stored, macro.inputs[:, 0, :2].numpy(), strict=True)
        assert np.median([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]) > 0.97
