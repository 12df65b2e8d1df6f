"""The inner loop of model-agnostic meta-learning, whichever engine carries it out."""

from collections.abc import Callable, Iterator

from jaxtyping import Int64
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lightmannet.adaptation.engine import Engine, Rates
from lightmannet.adaptation.fused import FusedEngine
from lightmannet.errors import ConfigurationError
from lightmannet.networks.copies import Network
from lightmannet.networks.seeded_dropout import seed_dropout


def adapt(
    network: Network,
    loss: Callable[[Network], Tensor],
    steps: int,
    learning_rate: Rates,
    first_order: bool,
    part: Callable[[Network], nn.Module] | None = None,
    engine: Engine | None = None,
) -> Network:
    """Return a copy of ``network`` after gradient steps ``θ' = θ - α ∇ loss(θ)``; the network itself stays as it was.

    Arguments and errors are those of ``inner_path``, whose last network this is.
    """
    for copy in inner_path(network, loss, steps, learning_rate, first_order, part, engine):
        adapted = copy
    return adapted


def inner_path(
    network: Network,
    loss: Callable[[Network], Tensor],
    steps: int,
    learning_rate: Rates,
    first_order: bool,
    part: Callable[[Network], nn.Module] | None = None,
    engine: Engine | None = None,
    seed: Int64[Tensor, "*task"] | None = None,
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
        engine: What copies and steps; None takes the fused engine.
        seed: Of the copy's dropout masks, see ``seed_dropout``; None draws them from torch's generator.

    Raises:
        ConfigurationError: The network has batch normalisation.

    Reference: Finn, Abbeel, Levine 2017, "Model-Agnostic Meta-Learning", arXiv 1703.03400, eq. 1.
    """
    refuse_batch_normalisation(network)
    engine = FusedEngine() if engine is None else engine
    copy = engine.clone(network)
    if seed is not None:
        seed_dropout(copy, seed)
    moving = copy if part is None else part(copy)
    yield copy
    for step in range(steps):
        rates = learning_rate(step) if callable(learning_rate) else learning_rate
        engine.adapt(moving, loss(copy), rates, first_order)
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
