"""LightmanNet beside the loop that one would write with learn2learn alone."""

import pytest
import torch

from data_modules.episodes import EpisodeSampler
from lightmannet.episode import Episode
from lightmannet.timing.engines import Load, time_engines
from lightmannet.timing.meta_step import BareLoop, _in_fresh_process, _learner, _peak_memory, time_in_turns
from tests.clips import make_clips


def episodes(count: int) -> list[Episode]:
    sampler = EpisodeSampler(
        make_clips(36), make_clips(30, 9, database="macro"), 3, 2, 2, 2, True, augmentation=None, seed=0
    )
    return [sampler.episode(0, index) for index in range(count)]


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_a_meta_step_equals_the_bare_loops() -> None:
    tasks = episodes(3)
    loop, learner = BareLoop(tasks), _learner().train()
    # Ours are functions of the task, the loop's are drawn from torch's generator.
    for network in (loop.maml, learner):
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    loop.step()
    for task in tasks:
        (learner.training_step(task, 0) / len(tasks)).backward()
    for bare, ours in zip(loop.maml.parameters(), learner.network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, bare.grad, rtol=0, atol=2e-6)


def test_both_loops_are_timed_in_turns() -> None:
    ours, bare = time_in_turns(steps=2, tasks=2)
    assert len(ours) == len(bare) == 2
    assert min(ours + bare) > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_tasks_of_a_meta_batch() -> None:
    one, many = (_in_fresh_process(_peak_memory, "ours", tasks) for tasks in (1, 12))
    # A task's graph takes about 30 MiB: eleven more of them would show.
    assert many - one < 30


def test_engines_are_timed_in_turns_with_the_bare_loop() -> None:
    seconds = time_engines(Load(tasks=1, shots=1, size=16), repeats=2)
    assert list(seconds) == ["bare", "learn2learn", "fused", "vectorized"]
    assert all(len(values) == 2 and min(values) > 0 for values in seconds.values())
