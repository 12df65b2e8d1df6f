"""Convolution and normalisation with derivatives written out, twice differentiable and cheap on a CPU.

PyTorch differentiates a gradient of GroupNorm by some forty elementwise operations, and pools several times faster when
channels lie last in memory. Everything here takes and returns maps in that layout (``torch.channels_last``).

Conventions: maps x have shape (clip, channel, row, column); ``rows`` is a view of them as (clip, place, channel), in
which sums over places and products with one number per channel run along contiguous memory.
"""

from functools import cache
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

FeatureMaps = Float[Tensor, "clip channel row column"]
Out = Float[Tensor, "clip filter row2 column2"]
Rows = Float[Tensor, "clip place channel"]
Pair = tuple[int, int]


def convolution(maps: FeatureMaps, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Out:
    """Return the 2-D convolution, equal to ``F.conv2d``, whose gradient is again made of plain convolutions.

    Args:
        maps: Input; converted to channels_last.
        weight: (filter, channel, height, width).
        bias: One number a filter, or None.
        stride: Vertical and horizontal stride.
        padding: Zeros at each side, vertical and horizontal.
    """
    maps = maps.contiguous(memory_format=torch.channels_last)
    result: Tensor = _Convolution.apply(maps, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return result


def normalise(
    maps: FeatureMaps,
    weight: Float[Tensor, "*clip channel"],
    bias: Float[Tensor, "*clip channel"],
    groups: int,
    eps: float,
    slope: float = 1.0,
    pool: int = 1,
) -> Float[Tensor, "clip channel row2 column2"]:
    """Return GroupNorm, then (Leaky)ReLU, then max-pooling: ``pool(act(γ (x - μ) / σ + β))``.

    Args:
        maps: x; converted to channels_last.
        weight: γ, the same for all clips or one row a clip.
        bias: β, likewise.
        groups: Groups of channels that share μ and σ, each of its own clip.
        eps: Added to the variance.
        slope: What values below zero are multiplied by: 0 for ReLU, 1 for no activation.
        pool: Side of the windows of max-pooling, which do not overlap; 1 for none.
    """
    maps = maps.contiguous(memory_format=torch.channels_last)
    # Autograd sums a gradient over the clips that share a row.
    # Not len(): an export to ONNX would take this number for the only one.
    weight, bias = (each.expand(maps.shape[0], -1) for each in (weight, bias))
    result: Tensor = _Normalise.apply(maps, weight, bias, groups, eps, slope, pool)  # type: ignore[no-untyped-call]
    return result


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.options = stride, padding
        return F.conv2d(x, w, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        needed = tuple(ctx.needs_input_grad[:3])
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        found = _ConvolutionGradient.apply(gradient, x, w, *ctx.options, needed)  # type: ignore[no-untyped-call]
        return *found, None, None


class _ConvolutionGradient(torch.autograd.Function):
    """g, x, w → gradients with respect to x, w and the bias."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, x: Tensor, w: Tensor, stride: Pair, padding: Pair, needed: tuple[bool, bool, bool]
    ) -> tuple[Tensor | None, ...]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(g, x, w)
        ctx.options = stride, padding
        return _convolution_backward(g, x, w, stride, padding, needed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, vx: Tensor | None, vw: Tensor | None, vb: Tensor | None) -> tuple[Tensor | None, ...]:
        g, x, w = ctx.saved_tensors
        stride, padding = ctx.options
        to_g = to_x = to_w = None
        if vw is not None:
            if ctx.needs_input_grad[0]:
                to_g = F.conv2d(x, vw, vb, stride, padding)
            if ctx.needs_input_grad[1]:
                to_x = _convolution_backward(g, x, vw, stride, padding, (True, False, False))[0]
        elif vb is not None and ctx.needs_input_grad[0]:
            to_g = vb[:, None, None].expand_as(g)
        if vx is not None:
            vx = vx.contiguous(memory_format=torch.channels_last)
            if ctx.needs_input_grad[0]:
                step = F.conv2d(vx, w, None, stride, padding)
                to_g = step if to_g is None else step.add_(to_g)
            if ctx.needs_input_grad[2]:
                to_w = _convolution_backward(g, vx, w, stride, padding, (False, True, False))[1]
        return to_g, to_x, to_w, None, None, None


def _convolution_backward(
    g: Tensor, x: Tensor, w: Tensor, stride: Pair, padding: Pair, needed: tuple[bool, bool, bool]
) -> tuple[Tensor | None, ...]:
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        g, x, w, [w.shape[0]], stride, padding, (1, 1), False, (0, 0), 1, needed
    )
    return found


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, groups: int, eps: float, slope: float, pool: int
    ) -> Tensor:
        rows = _rows(x)
        averaging = _averaging(rows, groups)
        mean = rows.sum(1) @ averaging
        # The mean is taken away before squares are summed: the difference of two large sums would be inexact.
        inverse = (rows - mean[:, None]).square_().sum(1).matmul(averaging).add_(eps).rsqrt_()
        scale = gamma * inverse
        offset = torch.addcmul(beta, mean, scale, value=-1)
        y = _maps(torch.addcmul(offset[:, None], rows, scale[:, None]), x)
        places = None
        if pool > 1:
            y, places = F.max_pool2d(y, pool, return_indices=True)
        if slope != 1:
            y = F.leaky_relu_(y, slope) if slope else y.relu_()
        hat = _picked(rows, None if places is None else _rows(places))
        hat = torch.addcmul((-mean * inverse)[:, None], hat, inverse[:, None])
        ctx.save_for_backward(x, gamma, mean, inverse, averaging, hat, y, places)
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        found = _NormaliseGradient.apply(gradient, *ctx.saved_tensors, ctx.slope)  # type: ignore[no-untyped-call]
        return *found, None, None, None, None


class _NormaliseGradient(torch.autograd.Function):
    """g, x, γ → gradients with respect to x, γ and β.

    With w = γ g where a value was chosen by pooling and activation (else 0), x̂ = (x - μ) / σ and P the projection that
    takes a group's mean and its component along x̂ away: ``∂x = P w / σ``, ``∂γ = Σ g x̂``, ``∂β = Σ g``, clip by clip.

    Given v, v_γ, v_β, which these gradients are multiplied by, let u = P v / σ. Then ``g ← γ u + v_γ x̂ + v_β``, ``γ ← Σ
    g u``, and x receives ``P q / σ - x̂ <v, ∂x> / (σ M)`` with ``q = v_γ g - (mean(v x̂) w + mean(w x̂) v) / σ``, M the
    number of values of a group and mean() over a group.
    """

    @staticmethod
    def forward(
        ctx: Any,
        g: Tensor,
        x: Tensor,
        gamma: Tensor,
        mean: Tensor,
        inverse: Tensor,
        averaging: Tensor,
        hat: Tensor,
        y: Tensor,
        places: Int64[Tensor, "clip channel row column"] | None,
        slope: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        rows, index = _rows(x), None if places is None else _rows(places)
        chosen = _activated(_rows(g), _rows(y), slope)
        sums, moments = chosen.sum(1), (chosen * hat).sum(1)
        first, second = (gamma * sums) @ averaging, (gamma * moments) @ averaging
        ctx.save_for_backward(x, gamma, mean, inverse, averaging, hat, y, places, chosen, second)
        ctx.slope = slope
        factor = -(inverse**2) * second
        offset = torch.addcmul(-inverse * first, factor, mean, value=-1)
        to_x = _spread(rows, offset, factor, (inverse * gamma)[:, None] * chosen, index)
        return _maps(to_x, x), moments, sums

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, v: Tensor | None, v_gamma: Tensor | None, v_beta: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        x, gamma, mean, inverse, averaging, hat, y, places, chosen, w_hat = ctx.saved_tensors
        rows, index = _rows(x), None if places is None else _rows(places)
        if v is None:
            # Only where no gradient with respect to x was needed: then u = 0.
            v = torch.zeros_like(x)
        v_rows = _rows(v.contiguous(memory_format=torch.channels_last))
        v_mean = v_rows.sum(1) @ averaging
        v_hat = inverse * torch.addcmul((v_rows * rows).sum(1) @ averaging, mean, v_mean, value=-1)
        # u = (v - mean(v) - x̂ mean(v x̂)) / σ where pooling chose a value.
        u = torch.addcmul((-inverse * v_mean)[:, None], _picked(v_rows, index), inverse[:, None])
        u.addcmul_(hat, (inverse * v_hat)[:, None], value=-1)
        products = (chosen * u).sum(1)
        to_g = gamma[:, None] * u
        # What v_gamma and the inner products weigh the chosen gradients by.
        weights = -inverse * v_hat * gamma
        if v_gamma is not None:
            to_g.addcmul_(v_gamma[:, None], hat)
            weights = weights + v_gamma
        if v_beta is not None:
            to_g += v_beta[:, None]
        to_g = _maps(_activated(to_g, _rows(y), ctx.slope), y)
        if not ctx.needs_input_grad[1]:
            return to_g, None, products, *(None,) * 7
        dense = -inverse * w_hat
        q = weights[:, None] * chosen
        along = (gamma * products + (q * hat).sum(1)) @ averaging
        along = torch.addcmul(along, dense, v_hat)
        q_mean = torch.addcmul(q.sum(1) @ averaging, dense, v_mean)
        factor = -(inverse**2) * along
        offset = torch.addcmul(-inverse * q_mean, factor, mean, value=-1)
        to_x = _spread(rows, offset, factor, inverse[:, None] * q, index)
        to_x.addcmul_(v_rows, (inverse * dense)[:, None])
        return to_g, _maps(to_x, x), products, *(None,) * 7


def _rows(maps: Tensor) -> Tensor:
    """Return maps in channels_last as (clip, place, channel), a view."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def _maps(rows: Rows, like: Tensor) -> FeatureMaps:
    """Return rows as maps of the height and width of ``like``, a view."""
    return rows.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)


def _averaging(rows: Rows, groups: int) -> Float[Tensor, "channel channel"]:
    """Return the matrix that turns sums over places into means over the channels of a group."""
    places, channels = rows.shape[1:]
    return _block_diagonal(channels, groups, rows.dtype, rows.device) / (places * (channels // groups))


@cache
def _block_diagonal(
    channels: int, groups: int, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "channel channel"]:
    group = torch.arange(groups, device=device).repeat_interleave(channels // groups)
    return (group[:, None] == group).to(dtype)


def _activated(gradient: Rows, y: Rows, slope: float) -> Rows:
    """Return the gradient before the activation; y is its output, whose sign is that of its input."""
    if slope == 1:
        return gradient
    if slope == 0:
        return torch.ops.aten.threshold_backward(gradient, y, 0)
    return torch.ops.aten.leaky_relu_backward(gradient, y, slope, True)


def _picked(rows: Rows, index: Tensor | None) -> Tensor:
    return rows if index is None else rows.gather(1, index)


def _spread(
    rows: Rows,
    offset: Float[Tensor, "clip channel"],
    factor: Float[Tensor, "clip channel"],
    values: Tensor,
    index: Tensor | None,
) -> Rows:
    """Return ``offset + factor × rows``, plus ``values`` at the places that pooling chose."""
    result = torch.addcmul(offset[:, None], rows, factor[:, None])
    return result.add_(values) if index is None else result.scatter_add_(1, index, values)
