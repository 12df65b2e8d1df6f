"""Copies of a network that share its code and have parameters of their own."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Classes = Mapping[type[nn.Module], type[nn.Module]]


def copy_module(
    network: Network,
    parameter: Callable[[Tensor], Tensor],
    classes: Classes,
    buffer: Callable[[Tensor], Tensor] = Tensor.clone,
) -> Network:
    """Return a copy of a module and all within; names and order of modules and parameters are the network's.

    Args:
        network: Any module; what it shares (a parameter in two places) its copy shares, too.
        parameter: Makes a copy's parameter out of the network's.
        classes: Class of a copied module, by the exact class of the network's; it may differ in its methods alone.
        buffer: Makes a copy's buffer out of the network's.
    """
    tensors: dict[int, Tensor] = {}
    modules: dict[int, nn.Module] = {}

    def tensor(value: Tensor | None, change: Callable[[Tensor], Tensor]) -> Tensor | None:
        if value is None:
            return None
        if id(value) not in tensors:
            tensors[id(value)] = change(value)
        return tensors[id(value)]

    def module(old: nn.Module) -> nn.Module:
        if id(old) not in modules:
            kind = classes.get(type(old), type(old))
            new = modules[id(old)] = kind.__new__(kind)
            new.__dict__ = old.__dict__.copy()
            new._parameters = {name: tensor(p, parameter) for name, p in old._parameters.items()}  # type: ignore[misc]
            new._buffers = {name: tensor(b, buffer) for name, b in old._buffers.items()}
            new._modules = {name: None if m is None else module(m) for name, m in old._modules.items()}
        return modules[id(old)]

    return module(network)  # type: ignore[return-value]


def replace_parameters(network: nn.Module, new: Mapping[int, Tensor]) -> None:
    """Put ``new[id(parameter)]`` in place of each parameter named there, wherever the network holds it."""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) in new:
                module._parameters[name] = new[id(parameter)]  # type: ignore[assignment]
