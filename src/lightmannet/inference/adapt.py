"""From a learner and its support sets to the network that answers."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from lightmannet.episode import Clips, concatenate
from lightmannet.inference.bundle import Draw
from lightmannet.inference.ensemble import Ensemble
from lightmannet.learners.base import Learner


@dataclass(frozen=True)
class Gain:
    """What adapting to a person's clips brings, each clip answered from the others.

    Attributes:
        clips: Number of labelled clips.
        right_before: How many of them the bundle answers rightly as it is.
        right_after: How many it answers rightly after it has adapted to all the others.
    """

    clips: int
    right_before: int
    right_after: int

    def __str__(self) -> str:
        change = self.right_after - self.right_before
        word = f"{change:+d}" if change else "nothing gained"
        return (
            f"leave-one-out over your {self.clips} clips: {self.right_before} right before adapting, "
            f"{self.right_after} after ({word})"
        )


def adapted_network(learner: Learner, draws: Sequence[Draw], person: Clips | None = None) -> nn.Module:
    """Return the mean of the networks adapted to each support set.

    Args:
        learner: The trained method.
        draws: The bundle's support sets; none for a method that does not adapt.
        person: Labelled clips that join each support set, or are the only one where there is none.
    """
    tasks = draws
    if person is not None:
        tasks = [Draw(concatenate(draw.support, person), draw.auxiliary) for draw in draws] or [Draw(person, None)]
    if not tasks:
        return Ensemble([_frozen(learner.network)])
    with torch.no_grad():  # an inner loop allows gradients itself
        return Ensemble([_frozen(learner.adapt(draw.support, draw.auxiliary).network) for draw in tasks])


def leave_one_out(learner: Learner, draws: Sequence[Draw], person: Clips, before: nn.Module) -> Gain:
    """Answer each of a person's clips with ``before``, and after adapting to the person's other clips."""
    after = 0
    for number in range(len(person)):
        others = person.select([other for other in range(len(person)) if other != number])
        network = adapted_network(learner, draws, others)
        after += int(network(person.inputs[number : number + 1]).argmax(1) == person.labels[number])
    return Gain(len(person), int((before(person.inputs).argmax(1) == person.labels).sum()), after)


def _frozen(network: nn.Module) -> nn.Module:
    """Return a copy without ties to how it was computed."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None and not parameter.is_leaf:
                module._parameters[name] = nn.Parameter(parameter.detach(), requires_grad=False)
    return copy.deepcopy(network).eval().requires_grad_(False)
