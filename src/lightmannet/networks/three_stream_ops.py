"""The streams of STSTNet as one convolution with batch normalisation, for training on a CPU.

Three convolutions of 3, 5 and 8 filters cost as much as one of 16 each, and a batch's maps do not fit a CPU's cache. So
the streams are computed together, a few clips at a time, with channels last in memory; and as normalisation does not
change which value of a window is the largest, only these largest values are normalised.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_CLIPS = 32  # whose maps fit the cache: 32 × 30 × 30 × 16 values are 1.8 MB
_PADDING, _WINDOW, _STRIDE, _BORDER = 2, 3, 3, 1


def pooled_streams(
    images: Float[Tensor, "clip channel height width"],
    weight: Float[Tensor, "filter channel 3 3"],
    bias: Float[Tensor, " filter"],
    scale: Float[Tensor, " filter"],
    shift: Float[Tensor, " filter"],
    eps: float,
) -> tuple[Float[Tensor, "clip filter row column"], Float[Tensor, " filter"], Float[Tensor, " filter"]]:
    """Return what convolution, ReLU, batch normalisation and max-pooling make of the images; mean and biased variance.

    It is differentiable once. Mean and variance are constants, for running statistics.

    Args:
        images: Input; a gradient with respect to it is not computed.
        weight: Of the convolution, with padding 2.
        bias: Of the convolution.
        scale: γ of the normalisation.
        shift: β of the normalisation.
        eps: Added to the variance.
    """
    found: tuple[Tensor, Tensor, Tensor] = _PooledStreams.apply(images, weight, bias, scale, shift, eps)  # type: ignore[no-untyped-call]
    return found


class _PooledStreams(torch.autograd.Function):
    """With p the largest (where γ < 0 the smallest) values of the windows: ``γ (p - mean) / σ + β``.

    Backwards, with g the gradient, M the number of values of a map and x̂ normalised values: ``β ← Σ g``,
    ``γ ← Σ g x̂``, and a map receives ``γ/σ g`` where p was taken and ``-γ / (σ M) (Σ g + x̂ Σ g x̂)`` everywhere.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        last = torch.channels_last
        weight = weight.contiguous(memory_format=last)
        turned = torch.where(scale < 0, -1.0, 1.0).to(scale.dtype)
        any_turned = bool((scale < 0).any())
        parts = [part.contiguous(memory_format=last) for part in images.split(_CLIPS)]
        maps, largest, places = [], [], []
        # Mean and sum of squared deviations, part by part (Chan, Golub, LeVeque 1983): no large numbers are subtracted.
        count, mean, deviations = 0, torch.zeros_like(scale), torch.zeros_like(scale)
        for part in parts:
            mine = F.conv2d(part, weight, bias, padding=_PADDING).relu_()
            rows = mine.permute(0, 2, 3, 1).flatten(0, 2)
            own, before, count = rows.mean(0), count, count + len(rows)
            deviations += (rows - own).square_().sum(0) + (own - mean).square() * (before * len(rows) / count)
            mean += (own - mean) * (len(rows) / count)
            seen = mine * turned[:, None, None] if any_turned else mine
            values, index = F.max_pool2d(seen, _WINDOW, _STRIDE, _BORDER, return_indices=True)
            maps.append(mine)
            largest.append(values)
            places.append(index)
        variance = deviations / count
        inverse = (variance + eps).rsqrt()
        hat = (torch.cat(largest) * turned[:, None, None] - mean[:, None, None]) * inverse[:, None, None]
        ctx.save_for_backward(weight, scale, mean, inverse, hat, *parts, *maps, *places)
        ctx.parts = len(parts)
        ctx.mark_non_differentiable(mean, variance)
        return (hat * scale[:, None, None] + shift[:, None, None]).contiguous(), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        weight, scale, mean, inverse, hat, *rest = ctx.saved_tensors
        parts, maps, places = (rest[start : start + ctx.parts] for start in (0, ctx.parts, 2 * ctx.parts))
        to_shift, to_scale = g.sum((0, 2, 3)), (g * hat).sum((0, 2, 3))
        height, width = maps[0].shape[2:]
        count = len(g) * height * width
        slope = scale * inverse
        factor = (-slope / count * inverse * to_scale)[:, None, None]
        offset = (-slope / count * to_shift)[:, None, None] - factor * mean[:, None, None]
        chosen = (g * slope[:, None, None]).split(_CLIPS)
        to_weight, to_bias = torch.zeros_like(weight), torch.zeros_like(scale)
        filters = len(scale)
        for part, mine, index, values in zip(parts, maps, places, chosen, strict=True):
            to_maps = torch.addcmul(offset, mine, factor)
            # Numbers of the places in memory, where channels lie last.
            clips = torch.arange(len(part))[:, None, None, None] * (height * width * filters)
            at = clips + index.permute(0, 2, 3, 1) * filters + torch.arange(filters)
            flat = to_maps.permute(0, 2, 3, 1).view(-1)
            flat.index_add_(0, at.flatten(), values.permute(0, 2, 3, 1).flatten())
            torch.ops.aten.threshold_backward.grad_input(to_maps, mine, 0, grad_input=to_maps)
            _, of_weight, of_bias = torch.ops.aten.convolution_backward(
                to_maps, part, weight, [filters], [1, 1], [_PADDING] * 2, [1, 1], False, [0, 0], 1, [False, True, True]
            )
            to_weight += of_weight
            to_bias += of_bias
        return None, to_weight, to_bias, to_scale, to_shift, None
