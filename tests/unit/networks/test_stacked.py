"""Stacked networks compute and learn what each computes and learns alone, float64."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.networks import Conv4, ThreeStream, TwoBranchNetwork
from lightmannet.networks.stacked import count, each, repeat, stack, unstack

# A bias before a normalisation has a gradient of rounding errors, of which AdamW would make whole steps.
EPS = 1e-3


def network(seed: int) -> TwoBranchNetwork:
    torch.manual_seed(seed)
    return TwoBranchNetwork(Conv4(width=8, size=16, dropout=0)).double()


def loss(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(network(inputs), labels)


def batch(networks: int, size: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(networks, 6, 1, 3, size, size, generator=generator, dtype=torch.float64) - 0.5
    return inputs, torch.randint(3, (networks, 6), generator=generator)


def test_stacked_networks_learn_what_each_learns_alone() -> None:
    alone = [network(seed) for seed in range(3)]
    stacked, (inputs, labels) = stack(alone), batch(3)
    together = torch.optim.AdamW(stacked.parameters(), 0.01, eps=EPS)
    apart = [torch.optim.AdamW(one.parameters(), 0.01, eps=EPS) for one in alone]
    for _ in range(3):
        together.zero_grad()
        each(stacked, loss, inputs, labels).sum().backward()
        together.step()
        for one, optimizer, x, y in zip(alone, apart, inputs, labels, strict=True):
            optimizer.zero_grad()
            loss(one, x, y).backward()
            optimizer.step()
    assert count(stacked) == 3
    for found, expected in zip(unstack(stacked), alone, strict=True):
        for name, value in expected.state_dict().items():
            torch.testing.assert_close(found.state_dict()[name], value, rtol=1e-9, atol=1e-10, msg=name)


def test_running_statistics_of_batch_normalisation_are_each_networks_own() -> None:
    alone = [TwoBranchNetwork(ThreeStream(normalization="batch", dropout=0)).double() for _ in range(2)]
    stacked, (inputs, labels) = stack(alone), batch(2, 28)
    each(stacked, loss, inputs, labels)
    for one, x, y in zip(alone, inputs, labels, strict=True):
        loss(one, x, y)
    for found, expected in zip(unstack(stacked), alone, strict=True):
        for name, value in expected.named_buffers():
            torch.testing.assert_close(dict(found.named_buffers())[name], value, msg=name)


def test_repeated_networks_send_their_gradients_to_the_ones_they_repeat() -> None:
    alone = [network(seed) for seed in range(2)]
    stacked, (inputs, labels) = stack(alone), batch(4)
    each(repeat(stacked, 2), loss, inputs, labels).sum().backward()
    for number, one in enumerate(alone):
        for task in (2 * number, 2 * number + 1):
            loss(one, inputs[task], labels[task]).backward()
    own = [dict(one.named_parameters()) for one in alone]
    for name, parameter in stacked.named_parameters():
        gradients = [parameters[name].grad for parameters in own]
        torch.testing.assert_close(parameter.grad, torch.stack(gradients), msg=name)  # type: ignore[arg-type]


def test_a_parameter_in_two_places_stays_one_and_a_frozen_one_frozen() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.requires_grad_(False)
    tied = nn.Sequential(layer, layer)
    stacked = stack([tied, tied])
    assert len(list(stacked.parameters())) == 2
    assert not stacked[0].weight.requires_grad
    assert stacked[0].weight is stacked[1].weight
    assert len(each(stacked, lambda network, x: network(x).sum(), torch.ones(2, 3, 2))) == 2
