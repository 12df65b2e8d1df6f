"""The reference engine: learn2learn's own copies and updates. The one file that imports learn2learn."""

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from lightmannet.adaptation.engine import Engine, StepRates, updates
from lightmannet.errors import ConfigurationError
from lightmannet.networks.copies import Network

if TYPE_CHECKING:
    from learn2learn.algorithms.maml import MAML


class ReferenceEngine(Engine):
    """learn2learn's ``clone_module`` and ``update_module``, which the other engines are tested against.

    With one α this is ``learn2learn.algorithms.MAML``, with one a weight its ``MetaSGD``.

    Raises:
        ConfigurationError: learn2learn is not installed.
    """

    def __init__(self) -> None:
        self._tools: Any = learn2learn_module("utils")

    def clone(self, network: Network) -> Network:
        """Return learn2learn's clone, with buffers of its own."""
        copy: Network = self._tools.clone_module(network)
        for module in copy.modules():
            # learn2learn shares buffers between copies; a layer that updates one in place would change the meta-model.
            module._buffers = {name: None if b is None else b.clone() for name, b in module._buffers.items()}
        return copy

    def adapt(self, moving: nn.Module, loss: Tensor, rates: StepRates, first_order: bool) -> None:
        """Take one gradient step with learn2learn's ``update_module``."""
        parameters = [parameter for parameter in moving.parameters() if parameter.requires_grad]
        for parameter, gradient, rate in updates(parameters, loss, rates, first_order):
            parameter.update = -rate * gradient  # type: ignore[attr-defined]
        self._tools.update_module(moving)


def learn2learn_maml() -> "type[MAML]":
    """Return the class ``learn2learn.algorithms.MAML`` without importing the rest of learn2learn."""
    module: Any = learn2learn_module("algorithms.maml")
    return module.MAML


def learn2learn_module(name: str) -> ModuleType:
    """Import one module of learn2learn.

    ``import learn2learn`` runs its vision and gym packages, which want torchvision and gym. A bare parent package lets
    the modules of use be imported alone.

    Raises:
        ConfigurationError: learn2learn is not installed.
    """
    if "learn2learn" not in sys.modules:
        spec = importlib.util.find_spec("learn2learn")
        if spec is None or spec.submodule_search_locations is None:
            raise ConfigurationError(
                "engine: learn2learn needs learn2learn, which is not installed. Set the inner loop's engine to auto, "
                "or run `make install` in a checkout, which builds it (pip alone cannot on Python 3.11 or newer)."
            )
        parent = ModuleType("learn2learn")
        parent.__path__ = list(spec.submodule_search_locations)
        parent.__spec__ = spec
        sys.modules["learn2learn"] = parent
        algorithms = ModuleType("learn2learn.algorithms")
        algorithms.__path__ = [f"{parent.__path__[0]}/algorithms"]
        sys.modules["learn2learn.algorithms"] = algorithms
    return importlib.import_module(f"learn2learn.{name}")
