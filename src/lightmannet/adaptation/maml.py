"""The inner loop of model-agnostic meta-learning; the one file that imports learn2learn."""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lightmannet.errors import ConfigurationError

if TYPE_CHECKING:
    from learn2learn.algorithms.maml import MAML


Network = TypeVar("Network", bound=nn.Module)


def adapt(
    network: Network,
    loss: Callable[[Network], Tensor],
    steps: int,
    learning_rate: float | Tensor,
    first_order: bool,
) -> Network:
    """Return a copy of ``network`` after gradient steps ``θ' = θ - α ∇ loss(θ)``; the network itself stays as it was.

    Unless ``first_order``, the copy's parameters are differentiable functions of the network's parameters (and of
    ``learning_rate`` if that is a tensor with gradient), through the gradients of the inner steps.

    Args:
        network: Any module without batch normalisation; its buffers are copied, too.
        loss: Scalar loss of a copy, on the task's support data; parameters that it does not reach do not move.
        steps: Number of gradient steps, >= 0.
        learning_rate: α, > 0.
        first_order: Take the inner gradients as constants (FOMAML).

    Raises:
        ConfigurationError: The network has batch normalisation.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, eq. 1, as
    ``learn2learn.algorithms.MAML`` computes it.
    """
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm):
            raise ConfigurationError(
                f"{name} is batch normalisation, which would mix the clips of a task and leave its running statistics "
                "in the shared network. Adapt a network with group normalisation (encoder option normalization: group)."
            )
    learner: Any = learn2learn_maml()(network, lr=learning_rate, first_order=first_order).clone()
    for module in learner.module.modules():
        # learn2learn shares buffers between copies; a layer that updates one in place would change the meta-model.
        module._buffers = {name: None if b is None else b.clone() for name, b in module._buffers.items()}
    for _ in range(steps):
        # allow_unused: a parameter that the loss does not reach stays as it is, say an alignment head under λ2 = 0.
        learner.adapt(loss(learner.module), allow_unused=True)
    adapted: Network = learner.module
    return adapted


def learn2learn_maml() -> "type[MAML]":
    """Return the class ``learn2learn.algorithms.MAML`` without importing the rest of learn2learn.

    ``import learn2learn`` runs its vision and gym packages, which want torchvision and gym. A bare parent package lets
    the one module of use be imported alone.
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
    module: Any = importlib.import_module("learn2learn.algorithms.maml")
    return module.MAML
