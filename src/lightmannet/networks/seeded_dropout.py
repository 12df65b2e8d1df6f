"""Dropout whose masks are a function of a seed: the same on every device, for one task or several at once."""

from functools import cache
from itertools import count
from typing import Any, TypeVar

import torch
from jaxtyping import Int64
from torch import Tensor, nn

Number = TypeVar("Number", int, Tensor)
_BITS = 0xFFFFFFFF


def seed_dropout(copy: nn.Module, seed: Int64[Tensor, "*network"]) -> None:
    """Let the dropout layers of a copy draw their masks from ``seed`` and the number of the call.

    Args:
        copy: Its layers are changed in place. They share one count of calls, from 0.
        seed: 0 <= seed < 2³²; for stacked networks one each.
    """
    calls = count()
    for module in copy.modules():
        if (kind := _KINDS.get(type(module))) is not None:
            module.__class__ = kind
            module.calls = calls  # type: ignore[assignment]
            # A buffer, so that stacked networks have a seed each.
            module._buffers = {**module._buffers, "seed": seed}


def has_dropout(network: nn.Module) -> bool:
    """Return whether a network drops anything as it is now."""
    return any(type(module) in _KINDS and module.training and module.p for module in network.modules())


class _Seeded(nn.modules.dropout._DropoutNd):
    """What both kinds share."""

    seed: Tensor
    calls: Any

    def dropped(self, inputs: Tensor, shape: torch.Size) -> Tensor:
        """Return the inputs times a mask of ``shape``, whose values that stay are raised by ``1 / (1 - p)``."""
        if not self.training or self.p == 0:
            return inputs
        call = _mixed(self.seed ^ _mixed(next(self.calls) + 1))
        stays = _mixed(_numbers(shape, inputs.device) ^ call) >= int(self.p * (_BITS + 1))
        return inputs * (stays.to(inputs.dtype) * (1 / (1 - self.p) if self.p < 1 else 0.0))


class SeededDropout(_Seeded, nn.Dropout):
    """``nn.Dropout``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs with some values dropped."""
        return self.dropped(inputs, inputs.shape)


class SeededDropout2d(_Seeded, nn.Dropout2d):
    """``nn.Dropout2d``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs with some maps dropped."""
        return self.dropped(inputs, torch.Size([*inputs.shape[:2], *(1 for _ in inputs.shape[2:])]))


_KINDS: dict[type[nn.Module], type[_Seeded]] = {nn.Dropout: SeededDropout, nn.Dropout2d: SeededDropout2d}


@cache
def _numbers(shape: torch.Size, device: torch.device) -> Int64[Tensor, "..."]:
    """Return one hashed number a value, kept: networks see few shapes."""
    return _mixed(torch.arange(shape.numel(), device=device)).view(shape)


def _mixed(x: Number) -> Number:
    """Return the 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain), of an int or of int64."""
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & _BITS
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & _BITS
    return x ^ (x >> 16)
