"""Operations on the maps of several tasks, each with weights of its own, twice (and oftener) differentiable.

A convolution is one batched matrix product with the windows of the maps: cuDNN's grouped convolutions are slow to
differentiate, and ``F.unfold`` launches a kernel an image. Maps have shape (task, clip, channel, row, column), weights
(task, filter, channel, height, width). Channels lie last in memory, so that rows of a window are copied in one piece.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Maps = Float[Tensor, "task clip channel row column"]
Out = Float[Tensor, "task clip filter row2 column2"]
Weights = Float[Tensor, "task filter channel height width"]
Pair = tuple[int, int]

_PRODUCTS = 512
"""Matrix products that a sum over clips and places is divided into: enough to keep a GPU busy."""


def together(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """Within ``torch.vmap``, return ``function`` of the whole tensors, whose first dimension vmap hides.

    So an operation can be written out for all tasks at once. Autograd sees through it.
    """
    result: Tensor = _Together.apply(function, *tensors)  # type: ignore[no-untyped-call]
    return result


class _Together(torch.autograd.Function):
    @staticmethod
    def forward(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        raise RuntimeError("together() is for use within torch.vmap.")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: autograd records what the function does."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], function: Callable[..., Tensor], *tensors: Tensor
    ) -> tuple[Tensor, int]:
        dims = zip(tensors, in_dims[1:], strict=True)
        whole = [t.expand(info.batch_size, *t.shape) if dim is None else t.movedim(dim, 0) for t, dim in dims]
        return function(*whole), 0


def convolve(maps: Maps, weight: Weights, padding: Pair) -> Out:
    """Return the 2-D convolution of each task's maps, with stride 1.

    Args:
        maps: Input.
        weight: Each task's weights.
        padding: Zeros at each side, vertical and horizontal; less than the weight's height and width.
    """
    result: Tensor = _Convolution.apply(maps, weight, padding)  # type: ignore[no-untyped-call]
    return result


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, padding: Pair) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.padding = padding
        windows = _windows(maps, (weight.shape[3], weight.shape[4]), padding)
        columns = weight.permute(0, 3, 4, 2, 1).flatten(1, 3)
        return _maps(torch.bmm(windows.flatten(1, 3), columns), windows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = ctx.saved_tensors
        to_maps = to_weight = None
        if ctx.needs_input_grad[0]:
            to_maps = _transposed(gradient, weight, ctx.padding)
        if ctx.needs_input_grad[1]:
            to_weight = _WeightGradient.apply(maps, gradient, ctx.padding)  # type: ignore[no-untyped-call]
        return to_maps, to_weight, None


class _WeightGradient(torch.autograd.Function):
    """The gradient of a convolution with respect to its weights, which is linear in its maps and in what comes back."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, gradient: Tensor, padding: Pair) -> Tensor:
        ctx.save_for_backward(maps, gradient)
        ctx.padding = padding
        tasks, clips, filters = gradient.shape[:3]
        sides = [maps.shape[d] + 2 * padding[d - 3] - gradient.shape[d] + 1 for d in (3, 4)]
        windows = _windows(maps, (sides[0], sides[1]), padding)
        groups = _groups(tasks, clips)
        rows = gradient.permute(0, 1, 3, 4, 2).reshape(tasks * groups, -1, filters)
        sums = torch.bmm(windows.reshape(tasks * groups, -1, windows.shape[-1]).mT, rows)
        return sums.unflatten(0, (tasks, groups)).sum(1).unflatten(1, (*sides, -1)).permute(0, 4, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor | None, ...]:
        maps, gradient = ctx.saved_tensors
        to_maps = _transposed(gradient, v, ctx.padding) if ctx.needs_input_grad[0] else None
        to_gradient = convolve(maps, v, ctx.padding) if ctx.needs_input_grad[1] else None
        return to_maps, to_gradient, None


def _transposed(
    gradient: Float[Tensor, "task clip filter row column"], weight: Weights, padding: Pair
) -> Float[Tensor, "task clip channel row2 column2"]:
    """Return the gradient of a convolution with respect to its maps: a convolution with the weights turned round."""
    height, width = weight.shape[3:]
    return convolve(gradient, weight.flip(3, 4).transpose(1, 2), (height - 1 - padding[0], width - 1 - padding[1]))


def _windows(maps: Maps, sides: Pair, padding: Pair) -> Float[Tensor, "task clip row2 column2 value"]:
    """Return what each place of the output is computed from: (height, width, channel) in a row."""
    rows = F.pad(maps.permute(0, 1, 3, 4, 2), (0, 0, padding[1], padding[1], padding[0], padding[0]))
    # Views; the one copy is made by flatten, in pieces of (width, channel).
    return rows.unfold(2, sides[0], 1).unfold(3, sides[1], 1).permute(0, 1, 2, 3, 5, 6, 4).flatten(4)


def _maps(rows: Float[Tensor, "task place filter"], windows: Tensor) -> Out:
    return rows.unflatten(1, windows.shape[1:4]).permute(0, 1, 4, 2, 3)


def _groups(tasks: int, clips: int) -> int:
    """Return into how many equal parts the clips of a task are divided, a divisor of ``clips``."""
    return max(
        number for number in range(1, clips + 1) if clips % number == 0 and (tasks * number <= _PRODUCTS or number == 1)
    )
