"""The inner loop of model-agnostic meta-learning; the one file that imports learn2learn."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lightmannet.errors import ConfigurationError

if TYPE_CHECKING:
    from learn2learn.algorithms.maml import MAML


Network = TypeVar("Network", bound=nn.Module)
Rates = float | Tensor | Callable[[int], Sequence[Tensor]]
"""α: one for all; or a function from the step's number to one for each moving parameter (a scalar, or of its shape)."""


def adapt(
    network: Network,
    loss: Callable[[Network], Tensor],
    steps: int,
    learning_rate: Rates,
    first_order: bool,
    part: Callable[[Network], nn.Module] | None = None,
) -> Network:
    """Return a copy of ``network`` after gradient steps ``θ' = θ - α ∇ loss(θ)``; the network itself stays as it was.

    Arguments and errors are those of ``inner_path``, whose last network this is.
    """
    for copy in inner_path(network, loss, steps, learning_rate, first_order, part):
        adapted = copy
    return adapted


def inner_path(
    network: Network,
    loss: Callable[[Network], Tensor],
    steps: int,
    learning_rate: Rates,
    first_order: bool,
    part: Callable[[Network], nn.Module] | None = None,
) -> Iterator[Network]:
    """Yield a copy of ``network``, then the same copy after each gradient step ``θ' = θ - α ∇ loss(θ)``.

    The network itself stays as it was. Unless ``first_order``, the copy's parameters are differentiable functions of
    the network's parameters (and of ``learning_rate`` where that has a gradient), through the gradients of the steps.

    Args:
        network: Any module without batch normalisation; its buffers are copied, too.
        loss: Scalar loss of a copy, on the task's support data; parameters that it does not reach do not move, nor do
            those that need no gradient.
        steps: Number of gradient steps, >= 0.
        learning_rate: α; see ``Rates``.
        first_order: Take the inner gradients as constants (FOMAML).
        part: Which module of the copy moves; None moves all of it.

    Raises:
        ConfigurationError: The network has batch normalisation.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, eq. 1. Copies and updates
    are learn2learn's; with one α this is ``learn2learn.algorithms.MAML``, with one a weight its ``MetaSGD``.
    """
    refuse_batch_normalisation(network)
    tools: Any = _learn2learn("utils")
    copy: Network = tools.clone_module(network)
    for module in copy.modules():
        # learn2learn shares buffers between copies; a layer that updates one in place would change the meta-model.
        module._buffers = {name: None if b is None else b.clone() for name, b in module._buffers.items()}
    moving = copy if part is None else part(copy)
    yield copy
    for step in range(steps):
        parameters = [parameter for parameter in moving.parameters() if parameter.requires_grad]
        # allow_unused: a parameter that the loss does not reach stays as it is, say an alignment head under λ2 = 0.
        gradients = torch.autograd.grad(loss(copy), parameters, create_graph=not first_order, allow_unused=True)
        rates = learning_rate(step) if callable(learning_rate) else repeat(learning_rate, len(parameters))
        for parameter, gradient, rate in zip(parameters, gradients, rates, strict=True):
            if gradient is not None:
                parameter.update = -rate * gradient  # type: ignore[attr-defined]
        tools.update_module(moving)
        yield copy


def refuse_batch_normalisation(network: nn.Module) -> None:
    """Do nothing for a network that can adapt without mixing clips.

    Raises:
        ConfigurationError: The network has batch normalisation.
    """
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm):
            raise ConfigurationError(
                f"{name} is batch normalisation, which would mix the clips of a task and leave its running statistics "
                "in the shared network. Adapt a network with group normalisation (encoder option normalization: group)."
            )


def learn2learn_maml() -> "type[MAML]":
    """Return the class ``learn2learn.algorithms.MAML`` without importing the rest of learn2learn."""
    module: Any = _learn2learn("algorithms.maml")
    return module.MAML


def _learn2learn(name: str) -> ModuleType:
    """Import one module of learn2learn.

    ``import learn2learn`` runs its vision and gym packages, which want torchvision and gym. A bare parent package lets
    the modules of use be imported alone.
    """
    if "learn2learn" not in sys.modules:
        spec = importlib.util.find_spec("learn2learn")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("learn2learn is not installed; run `make install`")
        parent = ModuleType("learn2learn")
        parent.__path__ = list(spec.submodule_search_locations)
        parent.__spec__ = spec
        sys.modules["learn2learn"] = parent
        algorithms = ModuleType("learn2learn.algorithms")
        algorithms.__path__ = [f"{parent.__path__[0]}/algorithms"]
        sys.modules["learn2learn.algorithms"] = algorithms
    return importlib.import_module(f"learn2learn.{name}")
