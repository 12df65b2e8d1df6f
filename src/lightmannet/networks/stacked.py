"""Several networks of one layout as a single module, whose parameters have a leading dimension that counts them.

All of them then take a step at once: one large operation in place of many small ones. To train five networks:

    stacked = stack([make(seed) for seed in range(5)])  # a weight (64, 32, 3, 3) becomes (5, 64, 32, 3, 3)
    optimizer = torch.optim.AdamW(stacked.parameters())  # elementwise, so each network learns as it would alone

    def loss(network, inputs, labels):  # of one network, written as always
        return F.cross_entropy(network(inputs), labels)

    losses = each(stacked, loss, inputs, labels)  # inputs (5, clip, ...), labels (5, clip) → losses (5,)
    losses.sum().backward()
    first = unstack(stacked)[0]

Five networks with four tasks each are twenty networks: ``repeat(stacked, 4)``, whose gradients reach the five.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.func import vmap

from lightmannet.networks.copies import Classes, Network, copy_module

Result = TypeVar("Result")


def stack(networks: Sequence[Network]) -> Network:
    """Return networks of one layout as one, with parameters of its own (leaves); buffers are stacked, too."""
    others = iter([list(_tensors(network)) for network in networks])
    columns = zip(*others, strict=True)
    stacked = {id(first): torch.stack([first, *rest]).detach() for first, *rest in columns}
    return copy_module(
        networks[0],
        lambda p: nn.Parameter(stacked[id(p)], requires_grad=p.requires_grad),
        {},
        buffer=lambda b: stacked[id(b)],
    )


def repeat(stacked: Network, times: int) -> Network:
    """Return each of the networks ``times`` times in a row, as differentiable functions of them; buffers are copied."""
    return copy_module(
        stacked,
        lambda p: p.repeat_interleave(times, 0),
        {},
        buffer=lambda b: b.repeat_interleave(times, 0),
    )


def unstack(stacked: Network) -> list[Network]:
    """Return the networks apart, with parameters of their own (leaves)."""
    return [
        copy_module(
            stacked,
            lambda p, k=number: nn.Parameter(p[k].detach().clone(), requires_grad=p.requires_grad),  # type: ignore[misc]
            {},
            buffer=lambda b, k=number: b[k].clone(),  # type: ignore[misc]
        )
        for number in range(count(stacked))
    ]


def count(stacked: nn.Module) -> int:
    """Return how many networks a stacked one holds."""
    return len(next(_tensors(stacked)))


def each(
    stacked: Network,
    function: Callable[..., Result],
    *arguments: Tensor | tuple[Tensor | None, ...] | None,
    classes: Classes | None = None,
) -> Result:
    """Return ``function(network, *arguments)`` of each network on its share of the arguments, stacked.

    Args:
        stacked: The networks. Buffers that a network changes in place are changed here.
        function: Takes one network and tensors without the leading dimension; returns a tensor, or a tuple of them. It
            may use other tensors from around it, the same for all networks. No value of a tensor may decide what it
            does (no ``if loss > 0``).
        *arguments: Tensors with a leading dimension that counts the networks, tuples of them, or None.
        classes: Layers to compute with in place of the network's own, see ``copy_module``.
    """
    own = list({id(tensor): tensor for tensor in _tensors(stacked)}.values())

    def one(tensors: list[Tensor], shares: tuple[Any, ...]) -> Result:
        mine = {id(tensor): share for tensor, share in zip(own, tensors, strict=True)}
        network = copy_module(stacked, lambda p: mine[id(p)], classes or {}, buffer=lambda b: mine[id(b)])
        return function(network, *shares)

    result: Result = vmap(one, (0, _dimensions(arguments)), randomness="different")(own, arguments)
    return result


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()


def _dimensions(arguments: Any) -> Any:
    """Return 0 in place of each tensor and None in place of each None."""
    if isinstance(arguments, tuple):
        return tuple(map(_dimensions, arguments))
    return None if arguments is None else 0
