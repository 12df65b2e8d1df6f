"""A meta-step on given tasks with each engine and with learn2learn's own loop, in turns within one process."""

import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from lightmannet.adaptation.engine import EngineName
from lightmannet.adaptation.reference import learn2learn_maml
from lightmannet.episode import Clips, Episode
from lightmannet.learners import LightmanNet
from lightmannet.learners.episodic import InnerLoop
from lightmannet.networks import Conv4, TwoBranchNetwork

ENGINES: tuple[EngineName, ...] = ("learn2learn", "fused")


def time_engines(size: int, inner_steps: int, tasks: int, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each meta-step by the bare loop (``bare``) and by each engine, warmed up once.

    The tasks are noise: 3-way 5-shot, 15 macro-expressions and 15 queries, for Conv4 of width 32 with GroupNorm.

    Args:
        size: Height and width of an image in pixels.
        inner_steps: Steps of the inner loop, second order.
        tasks: Tasks per meta-step.
        repeats: Meta-steps of each.
    """
    generator = torch.Generator().manual_seed(0)
    episodes = [_episode(size, index, generator) for index in range(tasks)]
    kinds: dict[str, Callable[[], None]] = {"bare": _bare(episodes, size, inner_steps)}
    kinds |= {name: _by_engine(episodes, size, inner_steps, name) for name in ENGINES}
    for step in kinds.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(repeats):
        for name, step in kinds.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def _bare(episodes: list[Episode], size: int, steps: int) -> Callable[[], None]:
    learner = _learner(size, steps, "learn2learn")
    maml = learn2learn_maml()(learner.network, lr=learner.inner.learning_rate, first_order=False)

    def meta_step() -> None:
        learner.zero_grad()
        for episode in episodes:
            task = maml.clone()
            for _ in range(steps):
                task.adapt(learner.inner_loss(task.module, episode.support, episode.auxiliary))
            (F.cross_entropy(task(episode.query.inputs), episode.query.labels) / len(episodes)).backward()

    return meta_step


def _by_engine(episodes: list[Episode], size: int, steps: int, engine: EngineName) -> Callable[[], None]:
    learner = _learner(size, steps, engine)

    def meta_step() -> None:
        learner.zero_grad()
        for episode in episodes:
            (learner.meta_loss(episode) / len(episodes)).backward()

    return meta_step


def _learner(size: int, steps: int, engine: EngineName) -> LightmanNet:
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(size=size), alignment_features=64)
    return LightmanNet(network, InnerLoop(steps, engine=engine)).train()


def _episode(size: int, index: int, generator: torch.Generator) -> Episode:
    support, query, macro = (_noise(size, generator) for _ in range(3))
    return Episode(support, query, macro, n_way=3, n_shot=5, index=index)


def _noise(size: int, generator: torch.Generator) -> Clips:
    count = 15
    inputs = torch.rand(count, 1, 3, size, size, generator=generator) - 0.5
    return Clips(inputs, torch.arange(count) % 3, ("noise/a",) * count, tuple(f"noise/a/{i}" for i in range(count)))
