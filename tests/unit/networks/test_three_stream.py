"""The STSTNet layers as an encoder."""

import copy
from typing import Literal

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from lightmannet.errors import ConfigurationError
from lightmannet.networks import ThreeStream


def images(clips: int = 5, channels: int = 3, seed: int = 0, phases: int = 1) -> torch.Tensor:
    return torch.rand(clips, phases, channels, 28, 28, generator=torch.Generator().manual_seed(seed)) - 0.5


@pytest.mark.parametrize("normalization", ["batch", "group"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_clip_becomes_400_features(normalization: Literal["batch", "group"], channels: int) -> None:
    encoder = ThreeStream(2, channels, normalization=normalization)
    assert encoder.features == 400
    assert encoder(images(5, channels, phases=2)).shape == (5, 400)


def test_it_has_the_parameters_of_the_paper() -> None:
    # (3 + 5 + 8) filters of 27 weights and a bias, and two numbers a filter to normalise.
    assert sum(parameter.numel() for parameter in ThreeStream().parameters()) == 16 * 28 + 16 * 2


def test_group_normalization_computes_what_the_docstring_says() -> None:
    encoder = ThreeStream(normalization="group").double().eval()
    inputs = images().double()
    maps = []
    for stream in encoder.streams:
        assert isinstance(stream.convolution, nn.Conv2d)
        active = functional.conv2d(
            inputs.flatten(1, 2), stream.convolution.weight, stream.convolution.bias, padding=2
        ).clamp(min=0)
        mean = active.mean((1, 2, 3), keepdim=True)
        variance = active.var((1, 2, 3), keepdim=True, unbiased=False)
        maps.append(functional.max_pool2d((active - mean) / (variance + 1e-5).sqrt(), 3, 3, 1))
    expected = functional.avg_pool2d(torch.cat(maps, 1), 2).reshape(5, 400)
    torch.testing.assert_close(encoder(inputs), expected, rtol=0, atol=1e-12)


def test_with_group_normalization_a_clip_does_not_depend_on_the_others() -> None:
    encoder = ThreeStream(normalization="group", dropout=0.0).double().train()
    together = encoder(images(5).double())
    alone = torch.cat([encoder(image[None]) for image in images(5).double()])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_group_normalization_has_no_state_that_training_changes() -> None:
    assert list(ThreeStream(normalization="group").buffers()) == []
    assert len(list(ThreeStream(normalization="batch").buffers())) == 9


def test_gradients_of_gradients_reach_every_parameter() -> None:
    encoder = ThreeStream(normalization="group", dropout=0.0).double()
    parameters = dict(encoder.named_parameters())
    loss = encoder(images().double()).square().mean()
    inner = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    adapted = {name: value - 0.1 * step for (name, value), step in zip(parameters.items(), inner, strict=True)}
    outer = functional_call(encoder, adapted, (images(seed=1).double(),)).square().mean()
    for gradient in torch.autograd.grad(outer, list(parameters.values())):
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


def test_values_are_dropped_in_training_only() -> None:
    encoder = ThreeStream(normalization="group", dropout=0.5)
    inputs = images()
    assert not torch.equal(encoder.train()(inputs), encoder(inputs))
    assert torch.equal(encoder.eval()(inputs), encoder(inputs))


def test_features_are_the_maps_flattened() -> None:
    encoder = ThreeStream().eval()
    maps = encoder.encode_maps(images())
    assert maps.shape == (5, 16, 5, 5)
    assert torch.equal(encoder(images()), maps.flatten(1))


@pytest.mark.parametrize("shape", [(2, 1, 3, 32, 32), (2, 1, 3, 28, 27), (2, 2, 3, 28, 28), (2, 1, 1, 28, 28)])
def test_clips_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    found = ", ".join(map(str, shape[1:]))
    with pytest.raises(ConfigurationError, match=rf"\(1, 3, 28, 28\), but these are \({found}\).*phases, channels"):
        ThreeStream()(torch.zeros(shape))


def test_another_size_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="28×28 pixels, not size: 64"):
        ThreeStream(size=64)


def test_an_unknown_normalization_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'layer'"):
        ThreeStream(normalization="layer")  # type: ignore[arg-type]


@pytest.mark.parametrize("clips", [3, 70])
def test_streams_computed_together_learn_what_the_layers_one_by_one_learn(clips: int) -> None:
    """Values, gradients, running statistics and dropout; γ of either sign, and more clips than are computed at once."""
    torch.manual_seed(0)
    encoder = ThreeStream(normalization="batch", dropout=0.3).double()
    with torch.no_grad():
        for stream in encoder.streams:
            assert isinstance(stream.normalization, nn.BatchNorm2d)
            stream.normalization.weight.uniform_(-1, 1)
            stream.normalization.bias.uniform_(-1, 1)
    layers = copy.deepcopy(encoder)
    inputs = images(clips).double()
    torch.manual_seed(1)
    found = encoder(inputs)
    torch.manual_seed(1)
    streams = torch.cat([stream(inputs.flatten(1, 2)) for stream in layers.streams], dim=1)
    expected = layers.pool(streams).flatten(1)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)
    weights = torch.randn_like(found)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for mine, theirs in zip(encoder.parameters(), layers.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-9, atol=1e-8)
    for buffer, same in zip(encoder.buffers(), layers.buffers(), strict=True):
        torch.testing.assert_close(buffer, same, rtol=0, atol=1e-12)
