"""Layers in a form that ``torch.vmap`` takes, for ``networks.stacked.each``."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.batched.dropout import GivenDropout
from lightmannet.networks.copies import Classes
from lightmannet.networks.three_stream import ThreeStream
from lightmannet.networks.three_stream_ops import pooled_streams


class WrittenOutGroupNorm(nn.GroupNorm):
    """``nn.GroupNorm`` by means and sums: within ``vmap`` torch's own refuses inputs with channels last in memory."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised maps."""
        groups = inputs.reshape(len(inputs), self.num_groups, -1)
        centred = groups - groups.mean(2, keepdim=True)
        normal = centred * (centred.square().mean(2, keepdim=True) + self.eps).rsqrt()
        normal = normal.reshape(inputs.shape)
        if not self.affine:
            return normal
        shape = (-1, *[1] * (inputs.ndim - 2))
        return normal * self.weight.reshape(shape) + self.bias.reshape(shape)


class MatrixConvolution(nn.Conv2d):
    """``nn.Conv2d`` as one matrix product: on a GPU, ``vmap`` would make a slow grouped convolution of it."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the convolution."""
        plain = self.groups == 1 and self.dilation == (1, 1) and self.padding_mode == "zeros"
        if not inputs.is_cuda or not plain or isinstance(self.padding, str):
            return super().forward(inputs)
        vertical, horizontal = self.padding
        padded = F.pad(inputs, (horizontal, horizontal, vertical, vertical))
        windows = padded.unfold(2, self.kernel_size[0], self.stride[0]).unfold(3, self.kernel_size[1], self.stride[1])
        clips, _, height, width = windows.shape[:4]
        rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(clips * height * width, -1)
        maps = rows @ self.weight.flatten(1).T
        if self.bias is not None:
            maps = maps + self.bias
        return maps.view(clips, height, width, -1).permute(0, 3, 1, 2)


class StackedThreeStream(ThreeStream):
    """``ThreeStream``, whose streams are computed network by network: each has a batch of its own to normalise by."""

    def _pooled(
        self, images: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        def pooled(x: Tensor, w: Tensor, b: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return pooled_streams(x, w, b, gamma, beta, eps)

        found: tuple[Tensor, Tensor, Tensor] = _Apart.apply(pooled, images, weight, bias, scale, shift)  # type: ignore[no-untyped-call]
        return found


class _Apart(torch.autograd.Function):
    """Within ``vmap``, a function of each network's tensors by itself; autograd sees through it."""

    @staticmethod
    def forward(function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor) -> tuple[Tensor, ...]:
        raise RuntimeError("This is for use within torch.vmap.")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: autograd records what the function does."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        dims = zip(tensors, in_dims[1:], strict=True)
        apart = [[t] * info.batch_size if dim is None else t.movedim(dim, 0).unbind() for t, dim in dims]
        results = [function(*mine) for mine in zip(*apart, strict=True)]
        stacked = tuple(torch.stack(each) for each in zip(*results, strict=True))
        return stacked, (0,) * len(stacked)


CLASSES: Classes = {
    ThreeStream: StackedThreeStream,
    nn.Dropout: GivenDropout,
    nn.GroupNorm: WrittenOutGroupNorm,
    nn.Conv2d: MatrixConvolution,
}
