"""Motion of face regions: frames that are warped by known amounts."""

import cv2
import numpy as np
import pytest

from lightmannet.inference.moment.region_motion import REGIONS, RegionMotion, region_motion
from lightmannet.inference.moment.training import mirrored

SIZE, LEFT, RIGHT = 96, (35.0, 34.0), (61.0, 34.0)
DISTANCE = RIGHT[0] - LEFT[0]
NAMES = list(REGIONS)


def texture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(SIZE, SIZE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return 128 + 40 * smooth / smooth.std()


def moved(image: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return a frame, gray, that shows at each place what was ``right`` and ``down`` pixels before it."""
    x, y = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    warped = cv2.remap(image, x - right.astype(np.float32), y - down.astype(np.float32), cv2.INTER_CUBIC)
    return warped.round().clip(0, 255).astype(np.uint8)[..., None]


def bump(name: str) -> np.ndarray:
    """Return a region's share in its own motion, by pixel."""
    a, b, wide, high = REGIONS[name]
    x, y = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    x, y = (x - (LEFT[0] + RIGHT[0]) / 2) / DISTANCE, (y - LEFT[1]) / DISTANCE
    return np.exp(-0.5 * (((x - a) / wide) ** 2 + ((y - b) / high) ** 2))


def measured(frames: list[np.ndarray], rate: float = 100.0, chunk: int = 7) -> RegionMotion:
    chunks = (np.stack(frames[k : k + chunk]) for k in range(0, len(frames), chunk))
    return region_motion(chunks, LEFT, RIGHT, rate)


def test_a_moving_region_is_told_apart_from_the_others() -> None:
    course = 1.2 * np.sin(np.linspace(0, np.pi, 60))  # pixels
    share = bump("mouth corner, left")
    motion = measured([moved(texture(), -0.5 * a * share, -a * share) for a in course])
    places = motion.local[..., :2] - motion.local[:1, :, :2]
    corner = places[:, NAMES.index("mouth corner, left")] * DISTANCE
    assert np.corrcoef(corner[:, 1], -course)[0, 1] > 0.99
    assert corner[30] == pytest.approx([-0.6, -1.2], abs=0.3)
    lengths = np.hypot(*places[30].T)
    assert lengths.argmax() == NAMES.index("mouth corner, left")
    assert lengths[[NAMES.index(name) for name in ("eye, left", "eye, right", "inner brow, left")]].max() < 0.01


def test_head_motion_is_no_motion_of_regions_and_is_followed_far() -> None:
    course = np.linspace(0, 12, 120)  # pixels, nearly half of the distance between the eyes
    motion = measured([moved(texture(), np.full((SIZE, SIZE), a), np.full((SIZE, SIZE), -a / 4)) for a in course])
    head = (motion.head[:, :2] - motion.head[0, :2]) * DISTANCE
    assert head[-1] == pytest.approx([12, -3], abs=0.6)
    assert np.abs(np.diff(motion.local[..., :2], axis=0)).max() * DISTANCE < 0.25
    assert np.abs(motion.local[..., :2] - motion.local[0, :, :2]).mean() * DISTANCE < 0.25


def test_a_change_of_light_is_no_motion() -> None:
    frames = [(texture() * (1 + 0.1 * k / 40)).clip(0, 255).astype(np.uint8)[..., None] for k in range(40)]
    motion = measured(frames)
    assert np.abs(motion.local[..., :2] - motion.local[0, :, :2]).max() < 0.01
    assert np.abs(motion.head - motion.head[0]).max() < 0.01


def test_chunks_and_blocks_leave_no_trace() -> None:
    still = texture().round().astype(np.uint8)[..., None]
    frames = [still] * 61
    one, other = measured(frames, chunk=1), measured(frames, chunk=61)
    for name in ("local", "head", "change"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).shape[0] == 61
        np.testing.assert_allclose(getattr(one, name), 0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 26, 29])
def test_each_frame_has_its_motion_however_few_there_are(count: int) -> None:
    motion = measured([moved(texture(), np.full((SIZE, SIZE), 0.05 * k), np.zeros((SIZE, SIZE))) for k in range(count)])
    assert len(motion.local) == len(motion.head) == len(motion.change) == count
    assert np.isfinite(motion.local).all()


def test_a_mirrored_video_gives_mirrored_motion() -> None:
    course = np.sin(np.linspace(0, np.pi, 40))
    frames = [moved(texture(), 0.8 * a * bump("cheek, right"), a * bump("outer brow, left")) for a in course]
    flipped = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    one, other = mirrored(measured(frames)), measured(flipped)
    np.testing.assert_allclose(one.local, other.local, atol=2e-3)
    np.testing.assert_allclose(one.head, other.head, atol=2e-3)
