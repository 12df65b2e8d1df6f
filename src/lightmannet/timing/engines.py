"""A meta-step on given tasks with each engine and with learn2learn's own loop, in turns within one process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from lightmannet.adaptation.engine import EngineName
from lightmannet.adaptation.precision import full_float32
from lightmannet.adaptation.reference import learn2learn_maml
from lightmannet.episode import Clips, Episode
from lightmannet.learners import LightmanNet
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import Conv4, TwoBranchNetwork

BARE, GRAPH = "bare", "vectorized, CUDA graph"
ENGINES: tuple[str, ...] = (BARE, "learn2learn", "fused", "vectorized")

Step = Callable[[], None]


@dataclass(frozen=True)
class Load:
    """A second-order meta-step of LightmanNet with Conv4 of width 32 and GroupNorm, on noise.

    Attributes:
        tasks: Tasks.
        steps: Inner steps.
        shots: Support, auxiliary and query clips a class, of three.
        size: Height and width of an image in pixels.
    """

    tasks: int = 4
    steps: int = 1
    shots: int = 5
    size: int = 28


def meta_step(load: Load, kind: str, device: str = "cpu") -> Step:
    """Return a function that computes the meta-gradient once; the optimiser's step is left out.

    Args:
        load: What is computed.
        kind: ``bare``, learn2learn's own loop; the name of an engine; or ``vectorized, CUDA graph``.
        device: Where.

    Raises:
        ConfigurationError: learn2learn is needed and not installed.
    """
    generator = torch.Generator().manual_seed(0)
    episodes = [_episode(load, index, generator).to(device) for index in range(load.tasks)]
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(size=load.size), alignment_features=64)
    engine: EngineName = "auto" if kind == BARE else kind.removesuffix(", CUDA graph")  # type: ignore[assignment]
    inner = InnerLoop(load.steps, engine=engine, cuda_graph=kind == GRAPH)
    learner = LightmanNet(network, inner).train().to(device)
    if kind == BARE:
        return _bare(learner, episodes)

    def at_once() -> None:
        learner.zero_grad()
        with full_float32(device):
            learner.mean_meta_loss(episodes).backward()

    def one_by_one() -> None:
        learner.zero_grad()
        for episode in episodes:
            with full_float32(device):
                (learner.meta_loss(episode) / len(episodes)).backward()

    return at_once if engine == "vectorized" else one_by_one


def _bare(learner: LightmanNet, episodes: Sequence[Episode]) -> Step:
    maml = learn2learn_maml()(learner.network, lr=learner.inner.learning_rate, first_order=False)

    def step() -> None:
        learner.zero_grad()
        for episode in episodes:
            task = maml.clone()
            for _ in range(learner.inner.steps):
                task.adapt(learner.inner_loss(task.module, episode.support, episode.auxiliary))
            (F.cross_entropy(task(episode.query.inputs), episode.query.labels) / len(episodes)).backward()

    return step


def time_engines(load: Load, repeats: int, kinds: Sequence[str] = ENGINES) -> dict[str, list[float]]:
    """Return the seconds of each meta-step by each kind on the CPU, in turns, warmed up once.

    Args:
        load: What is computed.
        repeats: Meta-steps each.
        kinds: See ``meta_step``.
    """
    steps = {kind: meta_step(load, kind) for kind in kinds}
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind, step in steps.items():
            start = time.perf_counter()
            step()
            seconds[kind].append(time.perf_counter() - start)
    return seconds


def _episode(load: Load, index: int, generator: torch.Generator) -> Episode:
    support, query, macro = (_noise(load, generator) for _ in range(3))
    return Episode(support, query, macro, n_way=3, n_shot=load.shots, index=index)


def _noise(load: Load, generator: torch.Generator) -> Clips:
    count = 3 * load.shots
    inputs = torch.rand(count, 1, 3, load.size, load.size, generator=generator) - 0.5
    return Clips(inputs, torch.arange(count) % 3, ("noise/a",) * count, tuple(f"noise/a/{i}" for i in range(count)))
