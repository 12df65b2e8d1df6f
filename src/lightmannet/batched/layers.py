"""How stacked learners compute: within ``torch.vmap`` on a GPU, in turn on a CPU."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.adaptation.fused import CLASSES as FUSED
from lightmannet.batched.dropout import GivenDropout
from lightmannet.learners.base import Learner
from lightmannet.networks.copies import Classes, copy_module
from lightmannet.networks.stacked import each


class BareGroupNorm(nn.GroupNorm):
    """``nn.GroupNorm`` without a look at how the inputs lie in memory, which ``vmap`` refuses to tell."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised maps."""
        clips, channels = inputs.shape[:2]
        places = inputs[0, 0].numel()
        normal: Tensor = torch.native_group_norm(
            inputs.contiguous(), None, None, clips, channels, places, self.num_groups, self.eps
        )[0]
        if not self.affine:
            return normal
        shape = (-1, *[1] * (inputs.ndim - 2))
        return normal * self.weight.reshape(shape) + self.bias.reshape(shape)


class MatrixConvolution(nn.Conv2d):
    """``nn.Conv2d`` as one matrix product: on a GPU, ``vmap`` would make a slow grouped convolution of it."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the convolution."""
        plain = self.groups == 1 and self.dilation == (1, 1) and self.padding_mode == "zeros"
        if not plain or isinstance(self.padding, str):
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


IN_VMAP: Classes = {nn.Dropout: GivenDropout, nn.GroupNorm: BareGroupNorm, nn.Conv2d: MatrixConvolution}
IN_TURN: Classes = {**FUSED, nn.Dropout: GivenDropout}


def each_learner(stacked: Learner, function: Callable[..., Tensor], *tensors: Tensor) -> Float[Tensor, " batch"]:
    """Return ``function(learner, *tensors)`` of each of the stacked learners on its share of the tensors.

    On a GPU all are computed in one operation, so that it has enough to do; on a CPU one after another, so that each
    finds its maps in the cache, and with the fused engine's layers.

    Args:
        stacked: The learners; their running statistics are changed here.
        function: Scalar; no value of a tensor may decide what it does.
        tensors: With a leading dimension that counts the learners.
    """
    if not _in_turn(tensors[0].device):
        return each(stacked, function, *tensors, classes=IN_VMAP)
    results = []
    for number in range(len(tensors[0])):
        learner = copy_module(stacked, lambda p, k=number: p[k], IN_TURN, buffer=lambda b, k=number: b[k])  # type: ignore[misc]
        results.append(function(learner, *(tensor[number] for tensor in tensors)))
    return torch.stack(results)


def _in_turn(device: torch.device) -> bool:
    return device.type == "cpu"
