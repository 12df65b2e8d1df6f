"""Every engine computes the meta-gradients of learn2learn, for every method, network and number of steps."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lightmannet.adaptation.engine import EngineName
from lightmannet.episode import Clips, Episode
from lightmannet.learners import ANIL, MAML, LightmanNet, MAMLPlusPlus, MetaSGD, Reptile
from lightmannet.learners.episodic import InnerLoop, InnerLoopLearner
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import AllPairs, LearnedPairs
from lightmannet.losses.kernels import MMD2, RBF, Cosine, InfoNCE, SoftDTW, SquaredEuclidean
from lightmannet.networks import Conv4, Encoder, Maps, Phases, TwoBranchNetwork
from tests.clips import make_clips
from tests.unit.networks.test_every_encoder import MAKERS, made

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")
OWN: list[EngineName] = ["fused"]


def clips(count: int, seed: int, phases: int = 1) -> Clips:
    made = make_clips(count, seed, size=28)
    inputs = torch.rand(count, phases, 3, 28, 28, generator=torch.Generator().manual_seed(seed)) - 0.5
    return Clips(inputs, made.labels, made.subjects, made.ids, made.objective_classes, made.action_units)


def episode(phases: int = 1) -> Episode:
    return Episode(clips(6, 2, phases), clips(6, 3, phases), clips(6, 4, phases), n_way=3, n_shot=2, index=0)


def network(encoder: Encoder | None = None) -> TwoBranchNetwork:
    torch.manual_seed(0)
    whole = TwoBranchNetwork(encoder or Conv4(width=8), alignment_features=4)
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


def meta_gradient(learner: InnerLoopLearner, task: Episode, dtype: torch.dtype) -> dict[str, Tensor]:
    learner.train().to(dtype)
    assert task.auxiliary is not None
    support, query, macro = (_as(each, dtype) for each in (task.support, task.query, task.auxiliary))
    task = replace(task, support=support, query=query, auxiliary=macro)
    torch.manual_seed(1)  # the same dropout
    learner.training_step(task, 0).backward()
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def _as(clips: Clips, dtype: torch.dtype) -> Clips:
    return replace(clips, inputs=clips.inputs.to(dtype))


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    """Compare gradients by the norm of their difference, relative to the norm of the whole gradient."""
    assert found.keys() == expected.keys()
    size = torch.stack([g.norm() for g in expected.values()]).norm()
    for name, gradient in expected.items():
        error = ((found[name] - gradient).norm() / size).item()
        assert error < tolerance, (name, error)


def compare(
    make: Callable[[EngineName], InnerLoopLearner], engine: EngineName, dtype: torch.dtype, phases: int = 1
) -> None:
    found, expected = (meta_gradient(make(name), episode(phases), dtype) for name in (engine, "learn2learn"))
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
    task = episode()
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
    )
