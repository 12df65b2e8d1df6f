"""Second step of recognition: adapt the method to the bundle's support sets and to a person's own clips."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from lightmannet.episode import Clips, concatenate
from lightmannet.errors import ClipError
from lightmannet.inference.bundle import Draw
from lightmannet.inference.ensemble import Ensemble
from lightmannet.inference.labelled_clips import labelled_clips
from lightmannet.inference.look import Observation, Span
from lightmannet.learners.base import Learner


@dataclass(frozen=True)
class Gain:
    """Gain from adapting to a person's clips, each recognised after adapting to the others (leave-one-out).

    Attributes:
        clips: Number of labelled clips.
        right_before: Number of clips that are recognised correctly without adapting.
        right_after: Number of clips that are recognised correctly after adapting to all others.
    """

    clips: int
    right_before: int
    right_after: int

    def __str__(self) -> str:
        change = self.right_after - self.right_before
        return (
            f"leave-one-out over your {self.clips} clips: {self.right_before} right before adapting, "
            f"{self.right_after} after ({f'{change:+d}' if change else 'no gain'})"
        )


def clips_of_person(
    source: str | Path, classes: Sequence[str], look: Callable[[Path, Span | None], Observation]
) -> Clips:
    """Return a person's labelled clips as network inputs.

    Args:
        source: A folder with a subfolder per class, or a CSV ``path,label[,onset,apex,offset]``.
        classes: Names of the classes.
        look: Examines the clip of a path and an interval.

    Raises:
        ClipError: Clips that cannot be read or show no motion, or clips of only one class.
    """
    wanted = labelled_clips(source, tuple(classes))
    labels = {clip.label for clip in wanted}
    if len(labels) < 2:
        raise ClipError(
            f"{source}: all clips show {labels.pop()}; adapting needs at least two classes. Add clips of another class."
        )
    inputs = []
    for clip in wanted:
        seen = look(clip.path, clip.interval)
        if seen.inputs is None:
            fatal = [warning.message for warning in seen.warnings if warning.severity == "fatal"]
            raise ClipError(f"{clip.path}: {' '.join(fatal) or seen.reason}; leave the clip out")
        inputs.append(seen.inputs)
    return Clips(
        torch.cat(inputs),
        torch.tensor([classes.index(clip.label) for clip in wanted]),
        ("own/person",) * len(wanted),
        tuple(f"own/person/{number}" for number in range(len(wanted))),
    )


def adapted_network(learner: Learner, draws: Sequence[Draw], person: Clips | None) -> nn.Module:
    """Return the mean of the networks adapted to each support set, with the person's clips in all of them.

    The person's clips are added to the bundle's support sets, so that classes that they lack are not forgotten (our
    choice).
    """
    if not draws and person is None:
        return Ensemble([_frozen(learner.network)])
    tasks = draws or [Draw(person, None)] if person is not None else draws
    networks = []
    for draw in tasks:
        support = concatenate(draw.support, person) if person is not None and draws else draw.support
        # An inner loop enables gradients itself.
        with torch.no_grad():
            networks.append(_frozen(learner.adapt(support, draw.auxiliary).network))
    return Ensemble(networks)


def leave_one_out_gain(learner: Learner, draws: Sequence[Draw], before: nn.Module, person: Clips) -> Gain:
    """Return the leave-one-out gain from adapting to a person's clips.

    Args:
        learner: The trained method.
        draws: The bundle's support sets.
        before: The network without the person's clips.
        person: The person's clips.
    """
    right_before = int((before(person.inputs).argmax(1) == person.labels).sum())
    right_after = 0
    for number in range(len(person)):
        others = person.select([place for place in range(len(person)) if place != number])
        network = adapted_network(learner, draws, others)
        right_after += int(network(person.inputs[number : number + 1]).argmax(1) == person.labels[number])
    return Gain(len(person), right_before, right_after)


def _frozen(network: nn.Module) -> nn.Module:
    """Return a copy without its computation graph."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None and not parameter.is_leaf:
                module._parameters[name] = nn.Parameter(parameter.detach(), requires_grad=False)
    return copy.deepcopy(network).eval().requires_grad_(False)
