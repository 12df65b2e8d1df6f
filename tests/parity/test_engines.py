"""Every engine computes the meta-gradients of learn2learn, for every method, network and number of steps."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lightmannet.adaptation.engine import EngineName
from lightmannet.episode import Clips, Episode, MetaBatch
from lightmannet.learners import ANIL, MAML, LightmanNet, MAMLPlusPlus, MetaSGD, Reptile
from lightmannet.learners.inner_loop import InnerLoopLearner
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import ActionUnitOverlap, AllPairs, LearnedPairs, SameObjectiveClass
from lightmannet.losses.kernels import MMD2, RBF, Cosine, InfoNCE, SoftDTW, SquaredEuclidean
from lightmannet.networks import Conv4, Encoder, Maps, Phases, TwoBranchNetwork
from tests.clips import annotated, make_clips
from tests.unit.networks.test_every_encoder import MAKERS, made

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")
OWN: list[EngineName] = ["fused", "vectorized"]


def clips(count: int, seed: int, phases: int, size: int, dtype: torch.dtype) -> Clips:
    made = annotated(make_clips(count, seed, size), seed)
    generator = torch.Generator().manual_seed(seed)
    return replace(made, inputs=(torch.rand(count, phases, 3, size, size, generator=generator) - 0.5).to(dtype))


def episode(number: int, phases: int, size: int, dtype: torch.dtype) -> Episode:
    support, query, macro = (clips(6, 3 * number + part, phases, size, dtype) for part in range(3))
    return Episode(support, query, macro, n_way=3, n_shot=2, index=number)


def network(encoder: Encoder | None = None) -> TwoBranchNetwork:
    torch.manual_seed(0)
    whole = TwoBranchNetwork(encoder or Conv4(width=8, size=16), alignment_features=4)
    with torch.no_grad():
        for module in whole.modules():
            if isinstance(module, nn.GroupNorm | nn.LayerNorm):
                # Scales of both signs and different shifts, so that none of them drops out of the comparison.
                module.weight.uniform_(-1.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return whole


METHODS: dict[str, Callable[[TwoBranchNetwork, InnerLoop], InnerLoopLearner]] = {
    "maml": MAML,
    "fomaml": lambda made, inner: MAML(made, replace(inner, first_order=True)),
    "learned rate": lambda made, inner: MAML(made, replace(inner, learn_learning_rate=True)),
    "anil": ANIL,
    "meta_sgd": MetaSGD,
    "reptile": Reptile,
    "maml_plus_plus": MAMLPlusPlus,
    "lightmannet, heads": lambda made, inner: LightmanNet(made, replace(inner, parameters="heads")),
    "lightmannet, scales": lambda made, inner: LightmanNet(made, replace(inner, parameters="scales")),
    "lightmannet, λ2 and pairs learned": lambda made, inner: LightmanNet(
        made, inner, InnerLoss(aligned=Maps(), pairs=LearnedPairs(AllPairs()), learn_auxiliary_weight=True)
    ),
}
for _kernel in (Cosine(), SquaredEuclidean(), RBF(), MMD2(), InfoNCE()):
    METHODS[f"lightmannet, {type(_kernel).__name__}"] = partial(LightmanNet, loss=InnerLoss(kernel=_kernel))
for _pairs in (SameObjectiveClass(), ActionUnitOverlap()):
    METHODS[f"lightmannet, {type(_pairs).__name__}"] = partial(LightmanNet, loss=InnerLoss(pairs=_pairs))


def meta_gradient(learner: InnerLoopLearner, tasks: tuple[Episode, ...], dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the gradient of the mean loss over tasks: at once by the vectorized engine, else one by one."""
    learner.train().to(dtype)
    torch.manual_seed(1)  # the same dropout
    if learner.inner.engine == "vectorized":
        learner.training_step(MetaBatch(tasks), 0).backward()
    else:
        for task in tasks:
            (learner.training_step(task, 0) / len(tasks)).backward()
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    """Compare gradients by the norm of their difference, relative to the norm of the whole gradient."""
    assert found.keys() == expected.keys()
    size = torch.stack([g.norm() for g in expected.values()]).norm()
    for name, gradient in expected.items():
        error = ((found[name] - gradient).norm() / size).item()
        assert error < tolerance, (name, error)


def compare(
    make: Callable[[EngineName], InnerLoopLearner],
    engine: EngineName,
    dtype: torch.dtype,
    phases: int = 1,
    size: int = 16,
) -> None:
    tasks = episode(0, phases, size, dtype), episode(1, phases, size, dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The vectorized engine cannot take")
        found, expected = (meta_gradient(make(name), tasks, dtype) for name in (engine, "learn2learn"))
    assert_equal(found, expected, 1e-10 if dtype == torch.float64 else 1e-4)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("engine", OWN)
def test_every_method_has_learn2learns_meta_gradient(engine: EngineName, method: str, steps: int) -> None:
    compare(lambda name: METHODS[method](network(), InnerLoop(steps, engine=name)), engine, torch.float64)


@pytest.mark.parametrize("method", ["maml", "lightmannet, Cosine"])
@pytest.mark.parametrize("engine", OWN)
def test_float32_agrees_to_four_digits(engine: EngineName, method: str) -> None:
    compare(lambda name: METHODS[method](network(), InnerLoop(3, engine=name)), engine, torch.float32)


@pytest.mark.parametrize("phases", [1, 2])
@pytest.mark.parametrize("encoder", MAKERS)
@pytest.mark.parametrize("engine", OWN)
def test_every_encoder_has_learn2learns_meta_gradient(engine: EngineName, encoder: str, phases: int) -> None:
    compare(
        lambda name: LightmanNet(network(made(encoder, phases)), InnerLoop(2, engine=name)),
        engine,
        torch.float64,
        phases,
        size=28,
    )


@pytest.mark.parametrize("frozen", ["encoder.blocks.0.weight", "encoder.blocks.1.bias", "mer_head"])
@pytest.mark.parametrize("engine", OWN)
def test_parameters_that_need_no_gradient_stay_out_of_it(engine: EngineName, frozen: str) -> None:
    def make(name: EngineName) -> InnerLoopLearner:
        made = network()
        for parameter, value in made.named_parameters():
            value.requires_grad_(not parameter.startswith(frozen))
        return LightmanNet(made, InnerLoop(2, engine=name))

    compare(make, engine, torch.float64)


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("engine", OWN)
def test_adapted_networks_answer_as_learn2learns_do(engine: EngineName, first_order: bool) -> None:
    answers = []
    task = episode(0, 1, 16, torch.float32)
    for name in (engine, "learn2learn"):
        learner = MAML(network(), InnerLoop(3, engine=name, first_order=first_order)).eval()
        with torch.inference_mode():
            answers.append(learner.adapt(task.support, task.auxiliary).predict(task.query))
    torch.testing.assert_close(*answers, rtol=0, atol=1e-5)


@pytest.mark.parametrize("engine", OWN)
def test_phases_aligned_by_soft_dtw_have_learn2learns_meta_gradient(engine: EngineName) -> None:
    loss = InnerLoss(kernel=SoftDTW(), aligned=Phases())
    compare(
        lambda name: LightmanNet(network(made("clip, attention", 2)), InnerLoop(2, engine=name), loss),
        engine,
        torch.float64,
        phases=2,
        size=28,
    )
