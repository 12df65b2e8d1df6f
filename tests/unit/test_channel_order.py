from itertools import permutations

import numpy as np
import pytest

from data_modules.channel_order import NAMES, channel_order
from data_modules.flow import optical_strain
from data_modules.scaling import stretch
from data_modules.synthetic.fields import flow_noise
from lightmannet.errors import DataError


def images(count: int = 12, stretched: bool = True) -> list[np.ndarray]:
    """Motion images of smooth noise, u, v and strain, 0..255."""
    field = flow_noise(count, 3.0, np.random.default_rng(0)) * np.array([1.0, 1.5])[:, None, None]
    channels = np.concatenate([field, optical_strain(field)[:, None]], axis=1)
    stored = 255 * (stretch(channels) + 0.5) if stretched else 128 + 20 * channels
    return [image.transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8) for image in stored]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_is_found(order: tuple[int, int, int]) -> None:
    found = channel_order([image[:, :, list(order)] for image in images()])
    assert found.order == tuple(NAMES[channel] for channel in order)
    assert found.fit > 0.9
    assert found.fit > found.fit_exchanged
    assert (found.stretched, found.images) == (True, 12)


def test_images_that_are_not_stretched_are_told() -> None:
    assert not channel_order(images(stretched=False)).stretched


def test_other_pictures_are_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    with pytest.raises(DataError, match="no channel is the optical strain of the other two"):
        channel_order([noise])
