"""Convolution and normalisation with derivatives written out, twice differentiable and cheap on a CPU.

PyTorch differentiates a gradient of GroupNorm by some forty elementwise operations, and pools several times faster when
channels lie last in memory. Everything here takes and returns maps in that layout (``torch.channels_last``).

Conventions: maps x have shape (clip, channel, row, column); ``rows`` is a view of them as (clip, place, channel), in
which sums over places and products with one number a channel run along contiguous memory.
"""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Maps = Float[Tensor, "clip channel row column"]
Out = Float[Tensor, "clip filter row2 column2"]
Rows = Float[Tensor, "clip place channel"]
Pair = tuple[int, int]


def convolution(maps: Maps, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair) -> Out:
    """Return the 2-D convolution, equal to ``F.conv2d``, whose gradient is again made of plain convolutions.

    Args:
        maps: Input; converted to channels_last.
        weight: (filter, channel, height, width).
        bias: One number a filter, or None.
        stride: Vertical and horizontal stride.
        padding: Zeros at each side, vertical and horizontal.
    """
    last = torch.channels_last
    maps, weight = maps.contiguous(memory_format=last), weight.contiguous(memory_format=last)
    result: Tensor = _Convolution.apply(maps, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return result


def normalise(
    maps: Maps,
    weight: Float[Tensor, " channel"],
    bias: Float[Tensor, " channel"],
    groups: int,
    eps: float,
    slope: float = 1.0,
    pool: int = 1,
) -> Float[Tensor, "clip channel row2 column2"]:
    """Return GroupNorm, then (Leaky)ReLU, then max-pooling: ``pool(act(γ (x - μ) / σ + β))``.

    Args:
        maps: x; converted to channels_last.
        weight: γ.
        bias: β.
        groups: Groups of channels that share μ and σ, each of its own clip.
        eps: Added to the variance.
        slope: What values below zero are multiplied by: 0 for ReLU, 1 for no activation.
        pool: Side of the windows of max-pooling, which do not overlap; 1 for none.
    """
    maps = maps.contiguous(memory_format=torch.channels_last)
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
            vw = vw.contiguous(memory_format=torch.channels_last)
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
        mean = _group_mean(rows.sum(1, keepdim=True), groups, rows.shape[1])
        # The mean is taken away before squares are summed: the difference of two large sums would be inexact.
        centred = rows - mean
        variance = _group_mean(centred.square_().sum(1, keepdim=True), groups, rows.shape[1])
        inverse = (variance + eps).rsqrt_()
        scale = gamma * inverse
        y = _maps(torch.addcmul(torch.addcmul(beta, mean, scale, value=-1), rows, scale), x)
        places = None
        if pool > 1:
            y, places = F.max_pool2d(y, pool, return_indices=True)
        if slope != 1:
            y = F.leaky_relu_(y, slope) if slope else y.relu_()
        ctx.save_for_backward(x, gamma, mean, inverse, y, places)
        ctx.options = groups, slope
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, mean, inverse, y, places = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        saved = (x, gamma, mean, inverse, y, places)
        found = _NormaliseGradient.apply(gradient, *saved, *ctx.options)  # type: ignore[no-untyped-call]
        return *found, None, None, None, None


class _NormaliseGradient(torch.autograd.Function):
    """g, x, γ → gradients with respect to x, γ and β.

    With w = γ g where a value was chosen by pooling and activation (else 0), x̂ = (x - μ) / σ and P the projection that
    takes a group's mean and its component along x̂ away: ``∂x = P w / σ``, ``∂γ = Σ g x̂``, ``∂β = Σ g``.

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
        y: Tensor,
        places: Int64[Tensor, "clip channel row column"] | None,
        groups: int,
        slope: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(g, x, gamma, mean, inverse, y, places)
        ctx.options = groups, slope
        rows, index = _rows(x), None if places is None else _rows(places)
        chosen = _activated(_rows(g), _rows(y), slope)
        hat = _normalised(rows, index, mean, inverse)
        sums, moments = chosen.sum(1, keepdim=True), (chosen * hat).sum(1, keepdim=True)
        count = rows.shape[1]
        first = _group_mean(gamma * sums, groups, count)
        second = _group_mean(gamma * moments, groups, count) * inverse
        offset = inverse * (second * mean - first)
        to_x = _spread(rows, offset, -inverse * second, inverse * gamma * chosen, index)
        return _maps(to_x, x), moments.sum((0, 1)), sums.sum((0, 1))

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, v: Tensor | None, v_gamma: Tensor | None, v_beta: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        g, x, gamma, mean, inverse, y, places = ctx.saved_tensors
        groups, slope = ctx.options
        rows, index = _rows(x), None if places is None else _rows(places)
        count = rows.shape[1]
        chosen = _activated(_rows(g), _rows(y), slope)
        hat = _normalised(rows, index, mean, inverse)
        to_g = to_x = to_gamma = None
        q = torch.zeros_like(chosen) if v_gamma is None else v_gamma * chosen
        along = torch.zeros_like(mean)
        dense = v_rows = v_mean = None
        if v is not None:
            v_rows = _rows(v.contiguous(memory_format=torch.channels_last))
            weighted = gamma * chosen
            v_mean = _group_mean(v_rows.sum(1, keepdim=True), groups, count)
            v_hat = _group_mean((v_rows * rows).sum(1, keepdim=True), groups, count)
            v_hat = inverse * (v_hat - mean * v_mean)
            w_hat = _group_mean((weighted * hat).sum(1, keepdim=True), groups, count)
            u = inverse * (_picked(v_rows, index) - v_mean - hat * v_hat)
            to_g = gamma * u
            products = (chosen * u).sum(1, keepdim=True)
            to_gamma = products.sum((0, 1))
            dense = -inverse * w_hat
            q = torch.addcmul(q, inverse * v_hat, weighted, value=-1)
            along = _group_mean(gamma * products, groups, count) + dense * v_hat
        if v_gamma is not None:
            to_g = v_gamma * hat if to_g is None else torch.addcmul(to_g, v_gamma, hat)
        if v_beta is not None:
            to_g = v_beta.expand_as(hat) if to_g is None else to_g + v_beta
        if to_g is not None:
            to_g = _maps(_activated(to_g, _rows(y), slope), y)
        if ctx.needs_input_grad[1]:
            q_mean = _group_mean(q.sum(1, keepdim=True), groups, count)
            along = along + _group_mean((q * hat).sum(1, keepdim=True), groups, count)
            if dense is not None:
                q_mean = q_mean + dense * v_mean
            factor = -(inverse**2) * along
            rows_x = _spread(rows, -inverse * q_mean - factor * mean, factor, inverse * q, index)
            if dense is not None and v_rows is not None:
                rows_x.addcmul_(v_rows, inverse * dense)
            to_x = _maps(rows_x, x)
        return to_g, to_x, to_gamma, None, None, None, None, None, None


def _rows(maps: Tensor) -> Tensor:
    """Return maps in channels_last as (clip, place, channel), a view."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def _maps(rows: Rows, like: Tensor) -> Maps:
    """Return rows as maps of the height and width of ``like``, a view."""
    return rows.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)


def _group_mean(sums: Float[Tensor, "clip 1 channel"], groups: int, places: int) -> Float[Tensor, "clip 1 channel"]:
    """Return the mean of each group, from the sums of its channels over places, repeated for each of its channels."""
    split = sums.unflatten(2, (groups, -1))
    means = split.sum(3, keepdim=True) / (places * split.shape[3])
    return means.expand_as(split).flatten(2)


def _activated(gradient: Rows, y: Rows, slope: float) -> Rows:
    """Return the gradient before the activation; y is its output, whose sign is that of its input."""
    if slope == 1:
        return gradient
    if slope == 0:
        return torch.ops.aten.threshold_backward(gradient, y, 0)
    return torch.ops.aten.leaky_relu_backward(gradient, y, slope, True)


def _picked(rows: Rows, index: Tensor | None) -> Tensor:
    return rows if index is None else rows.gather(1, index)


def _normalised(rows: Rows, index: Tensor | None, mean: Tensor, inverse: Tensor) -> Tensor:
    """Return x̂ at the places that pooling chose."""
    return torch.addcmul(-mean * inverse, _picked(rows, index), inverse)


def _spread(rows: Rows, offset: Tensor, factor: Tensor, values: Tensor, index: Tensor | None) -> Rows:
    """Return ``offset + factor × rows``, plus ``values`` at the places that pooling chose."""
    result = torch.addcmul(offset, rows, factor)
    return result.add_(values) if index is None else result.scatter_add_(1, index, values)
