"""Adapting leaves nothing behind."""

import gc

import pytest
import torch

from tests.clips import make_episode
from tests.learners import make


def tensors() -> int:
    gc.collect()
    # Asking some things for their class, as isinstance does, makes them.
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


@pytest.mark.parametrize(
    ("name", "times"),
    [
        *((name, 6) for name in ("lightmannet", "fine_tuning", "r2d2", "maml_plus_plus")),
        pytest.param("lightmannet", 500, marks=pytest.mark.slow),
    ],
)
def test_adapting_again_and_again_leaves_no_tensor(name: str, times: int) -> None:
    learner, episode = make(name), make_episode()
    learner.adapt(episode.support, episode.auxiliary).predict(episode.query)
    before = tensors()
    for number in range(times):
        learner.train(number % 2 == 0)
        learner.adapt(episode.support, episode.auxiliary).predict(episode.query)
    assert tensors() == before
