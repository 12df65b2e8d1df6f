"""What every encoder promises, whichever it is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from lightmannet.adaptation.maml import adapt
from lightmannet.errors import ConfigurationError
from lightmannet.networks import (
    ClipEncoder,
    Conv4,
    DualStream,
    Encoder,
    HierarchicalTransformer,
    OffApexNet,
    ResNet12,
    SSSNet,
    ThreeStream,
    TwoBranchNetwork,
)

MAKERS: dict[str, Callable[[int], Encoder]] = {
    "clip, attention": lambda phases: ClipEncoder(phases, width=16, width_of_phase=16),
    "clip, convolution": lambda phases: ClipEncoder(phases, width=16, width_of_phase=16, temporal="convolution"),
    "conv4": lambda phases: Conv4(phases, width=16),
    "dual stream, multiply": lambda phases: DualStream(phases, widths=(8, 8)),
    "dual stream, add": lambda phases: DualStream(phases, widths=(8, 8), merge="add"),
    "dual stream, concatenate": lambda phases: DualStream(phases, widths=(8, 8), merge="concatenate"),
    "hierarchical transformer": lambda phases: HierarchicalTransformer(phases, width=8, heads=2),
    "off-apexnet": lambda phases: OffApexNet(phases, hidden=16),
    "resnet12": lambda phases: ResNet12(phases, widths=(8, 8, 16, 16)),
    "sssnet": lambda phases: SSSNet(phases, widths=(8, 16, 12)),
    "three streams": lambda phases: ThreeStream(phases),
}
WITH_PHASES = [name for name in MAKERS if name.startswith("clip")]


def made(name: str, phases: int = 1) -> Encoder:
    torch.manual_seed(0)
    return MAKERS[name](phases)


def clips(count: int, phases: int = 1, seed: int = 1) -> Tensor:
    return torch.rand(count, phases, 3, 28, 28, generator=torch.Generator().manual_seed(seed)) - 0.5


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("phases", [1, 3])
def test_clips_become_as_many_features_as_announced(name: str, phases: int) -> None:
    encoder = made(name, phases)
    assert encoder.shape == (phases, 3, 28, 28)
    assert encoder(clips(2, phases)).shape == (2, encoder.features)
    assert TwoBranchNetwork(encoder, n_classes=5)(clips(2, phases)).shape == (2, 5)


@pytest.mark.parametrize("name", MAKERS)
def test_maps_show_where_on_the_face_something_is(name: str) -> None:
    encoder = made(name, 2).eval()
    inputs = clips(1, 2)
    before = encoder.encode_maps(inputs)
    for corner, place in ((slice(None, 4), 0), (slice(-4, None), -1)):
        moved = inputs.clone()
        moved[..., corner, corner] += 0.4
        change = (encoder.encode_maps(moved) - before).abs().sum((0, 1))
        opposite = -1 - place
        assert change[place, place] > 1.2 * change[opposite, opposite]


@pytest.mark.parametrize("name", WITH_PHASES)
def test_the_features_of_a_phase_come_from_its_own_image(name: str) -> None:
    encoder = made(name, 3).eval()
    inputs = clips(2, 3)
    other = inputs.clone()
    other[:, 1] = 0
    before, after = encoder.encode_phases(inputs), encoder.encode_phases(other)
    assert before.shape[:2] == (2, 3)
    assert torch.equal(before[:, [0, 2]], after[:, [0, 2]])
    assert not torch.equal(before[:, 1], after[:, 1])


@pytest.mark.parametrize("name", sorted(set(MAKERS) - set(WITH_PHASES)))
def test_encoders_that_stack_the_phases_say_that_they_have_no_features_of_single_ones(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"has no features of single phases\. Use .* ClipEncoder"):
        made(name).encode_phases(clips(2))


@pytest.mark.parametrize("name", MAKERS)
def test_each_phase_matters_and_so_does_their_order(name: str) -> None:
    encoder = made(name, 2).eval().double()
    inputs = clips(1, 2).double()
    features = encoder(inputs)
    assert (encoder(inputs.flip(1)) - features).abs().max() > 1e-5
    for phase in (0, 1):
        without = inputs.clone()
        without[:, phase] = 0
        assert (encoder(without) - features).abs().max() > 1e-5


@pytest.mark.parametrize("name", MAKERS)
def test_a_clips_features_do_not_depend_on_the_others(name: str) -> None:
    encoder = made(name, 2).double()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.p = 0.0
    inputs = clips(4, 2).double()
    for training in (True, False):
        encoder.train(training)
        alone = torch.cat([encoder(clip[None]) for clip in inputs])
        torch.testing.assert_close(encoder(inputs), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_is_kept_between_batches(name: str) -> None:
    encoder = made(name)
    assert list(encoder.buffers()) == []
    assert not any(isinstance(module, _BatchNorm) for module in encoder.modules())


@pytest.mark.parametrize("name", MAKERS)
def test_the_gradient_through_an_inner_step_equals_the_slope(name: str) -> None:
    network = TwoBranchNetwork(made(name, 2)).double().eval()
    theta = {key: value.detach() for key, value in network.named_parameters()}
    generator = torch.Generator().manual_seed(2)
    labels = torch.tensor([0, 1, 2])
    direction = {
        key: torch.randn(value.shape, generator=generator, dtype=value.dtype) * (value.abs().mean() + 1e-3)
        for key, value in theta.items()
    }

    def loss(parameters: dict[str, Tensor], seed: int) -> Tensor:
        return F.cross_entropy(functional_call(network, parameters, (clips(3, 2, seed).double(),)), labels)

    def after_a_step(shift: float) -> tuple[Tensor, dict[str, Tensor]]:
        start = {key: (value + shift * direction[key]).requires_grad_() for key, value in theta.items()}
        inner = torch.autograd.grad(loss(start, 1), list(start.values()), create_graph=True)
        moved = {key: value - 0.05 * step for (key, value), step in zip(start.items(), inner, strict=True)}
        return loss(moved, 3), start

    outer, start = after_a_step(0.0)
    gradients = torch.autograd.grad(outer, list(start.values()))
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    slope = sum((g * direction[key]).sum().item() for key, g in zip(start, gradients, strict=True))
    step = 1e-6
    measured = (after_a_step(step)[0] - after_a_step(-step)[0]).item() / (2 * step)
    assert slope == pytest.approx(measured, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("name", MAKERS)
def test_an_adapted_copy_fits_its_task_and_leaves_the_original_alone(name: str) -> None:
    network = TwoBranchNetwork(made(name)).double().eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    inputs, labels = clips(6).double(), torch.arange(6) % 3

    def loss(copy: TwoBranchNetwork) -> Tensor:
        return F.cross_entropy(copy(inputs), labels)

    adapted = adapt(network, loss, steps=3, learning_rate=1e-3, first_order=False)
    assert loss(adapted) < loss(network)
    assert all(not torch.equal(value, before[key]) for key, value in adapted.state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", MAKERS)
def test_bfloat16_gives_nearly_the_same_features_and_gradients(name: str) -> None:
    encoder = made(name).eval()
    expected = encoder(clips(2))
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(clips(2))
    assert (found - expected).abs().max() < 0.05 * expected.abs().max() + 0.02
    found.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (1, 4, 28, 28), (1, 3, 32, 32), (1, 3, 28, 14)])
@pytest.mark.parametrize("method", ["forward", "encode_maps"])
def test_clips_of_another_shape_are_refused_with_both_shapes(
    name: str, shape: tuple[int, int, int, int], method: str
) -> None:
    found = ", ".join(map(str, shape))
    with pytest.raises(ConfigurationError, match=rf"\(1, 3, 28, 28\), but these are \({found}\).*phases, channels and"):
        getattr(made(name), method)(torch.zeros(2, *shape))
