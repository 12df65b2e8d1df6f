"""Adapting leaves nothing behind."""

import gc

import pytest
import torch

from tests.clips import make_episode
from tests.learners import make


def tensors() -> int:
    gc.collect()
    return sum(isinstance(thing, torch.Tensor) for thing in gc.get_objects())


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["lightmannet", "fine_tuning", "r2d2", "maml_plus_plus"])
def test_five_hundred_adaptations_leave_no_tensor(name: str, training: bool) -> None:
    learner, episode = make(name).train(training), make_episode()
    learner.adapt(episode.support, episode.auxiliary).predict(episode.query)
    before = tensors()
    for _ in range(500 if name == "lightmannet" else 20):
        learner.adapt(episode.support, episode.auxiliary).predict(episode.query)
    assert tensors() == before
