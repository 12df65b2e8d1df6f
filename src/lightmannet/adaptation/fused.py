"""The fused engine: one task at a time, on a copy whose layers compute the same by cheaper operations."""

from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from lightmannet.adaptation.engine import Engine, StepRates, updates
from lightmannet.adaptation.fused_ops import convolution, normalise
from lightmannet.networks.copies import Network, copy_module, replace_parameters


class FusedEngine(Engine):
    """Copies without learn2learn; convolutions, GroupNorm, ReLU and pooling with second derivatives written out.

    Every network can be taken: a layer that has no cheaper form keeps its own. Without gradients, under autocast and in
    other types than float32 and float64 all layers compute as they always do.
    """

    def clone(self, network: Network) -> Network:
        """Return a copy with the same names, whose layers are cheaper to differentiate twice."""
        return copy_module(network, Tensor.clone, CLASSES)

    def adapt(self, moving: nn.Module, loss: Tensor, rates: StepRates, first_order: bool) -> None:
        """Take one gradient step."""
        parameters = [parameter for parameter in moving.parameters() if parameter.requires_grad]
        steps = updates(parameters, loss, rates, first_order)
        replace_parameters(moving, {id(p): p - rate * gradient for p, gradient, rate in steps})


class FusedConvolution(nn.Conv2d):
    """``nn.Conv2d``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the convolution."""
        if differentiated(inputs) and self.groups == 1 and self.dilation == (1, 1) and zero_padded(self):
            return convolution(inputs, self.weight, self.bias, self.stride, self.padding)  # type: ignore[arg-type]
        return super().forward(inputs)


class FusedGroupNorm(nn.GroupNorm):
    """``nn.GroupNorm``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised maps."""
        return self.activated(inputs, 1.0, 1) if self.takes(inputs) else super().forward(inputs)

    def takes(self, inputs: Tensor) -> bool:
        """Return whether the cheaper operation is at hand for these inputs."""
        return differentiated(inputs) and inputs.ndim == 4 and self.affine

    def activated(self, inputs: Tensor, slope: float, pool: int) -> Tensor:
        """Return the normalised, activated and pooled maps, see ``fused_ops.normalise``."""
        return normalise(inputs, self.weight, self.bias, self.num_groups, self.eps, slope, pool)


class FusedSequential(nn.Sequential):
    """``nn.Sequential`` that computes GroupNorm, ReLU and max-pooling in one go where they follow each other."""

    def forward(self, inputs: Any) -> Any:
        """Return the output of the last layer."""
        layers = list(self)
        while layers:
            first = layers[0]
            if isinstance(first, FusedGroupNorm) and first.takes(inputs) and not _hooked(first):
                slope, pool, taken = _what_follows(layers[1:])
                inputs = first.activated(inputs, slope, pool)
            else:
                inputs, taken = first(inputs), 0
            del layers[: taken + 1]
        return inputs


CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: FusedConvolution,
    nn.GroupNorm: FusedGroupNorm,
    nn.Sequential: FusedSequential,
}


def _what_follows(layers: list[nn.Module]) -> tuple[float, int, int]:
    """Return slope and pooling of what follows a normalisation, and of how many layers that is."""
    slope, pool, taken = 1.0, 1, 0
    for layer in islice(layers, 2):
        if _hooked(layer):
            break
        if taken == 0 and type(layer) is nn.ReLU:
            slope, taken = 0.0, 1
        elif taken == 0 and type(layer) is nn.LeakyReLU and layer.negative_slope > 0:
            slope, taken = layer.negative_slope, 1
        elif type(layer) is nn.MaxPool2d and _side_by_side(layer):
            return slope, layer.kernel_size, taken + 1  # type: ignore[return-value]
        else:
            break
    return slope, pool, taken


def _side_by_side(layer: nn.MaxPool2d) -> bool:
    """Return whether the windows of a pooling are squares that do not overlap."""
    plain = layer.padding == 0 and layer.dilation == 1 and not layer.ceil_mode and not layer.return_indices
    return isinstance(layer.kernel_size, int) and layer.kernel_size == layer.stride and plain


def zero_padded(layer: nn.Conv2d) -> bool:
    """Return whether a convolution pads with a number of zeros."""
    return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _hooked(layer: nn.Module) -> bool:
    """Return whether somebody wants to see what goes in or out of a layer."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)


def differentiated(inputs: Tensor) -> bool:
    """Return whether a gradient is being recorded, in a precision that it is written out for."""
    plain = inputs.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled(inputs.device.type)
    return plain and torch.is_grad_enabled()
