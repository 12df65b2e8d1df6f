"""Which micro × macro pairs of a task are aligned, and with what weight."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError

Pairs = Literal["all", "same_class", "same_objective", "action_units"]


def pair_weights(
    micro: Clips, macro: Clips, pairs: Pairs
) -> Bool[Tensor, "micro macro"] | Float[Tensor, "micro macro"]:
    """Return which pairs count, or with what weight in [0, 1].

    Args:
        micro: Support clips.
        macro: Auxiliary clips.
        pairs: ``all`` as printed in the framework figure; those of the ``same_class``; those of the ``same_objective``
            class (FACS objective classes 1 to 6: what is 0, not known, or 7, others, has nothing in common); or all by
            the overlap of their ``action_units``, the share of the units shown by either that both show (Jaccard
            index). All but the first are our choice. A task may have no pair by objective class or action units.

    Raises:
        ConfigurationError: ``same_class`` and no class occurs in both sets; ``same_objective`` or ``action_units`` for
            clips that lack them.
    """
    if pairs == "all":
        return torch.ones(len(micro), len(macro), dtype=torch.bool, device=micro.labels.device)
    if pairs == "same_class":
        chosen = micro.labels[:, None] == macro.labels[None, :]
        if not chosen.any():
            raise ConfigurationError(
                f"pairs: same_class needs a class in both sets, but the support has classes {_classes(micro.labels)} "
                f"and the auxiliary set {_classes(macro.labels)}. Take pairs: all or other auxiliary clips."
            )
        return chosen
    if pairs == "same_objective":
        first, second = (
            _annotated(clips.objective_classes, "objective classes", pairs, name)[..., None]
            for clips, name in ((micro, "support"), (macro, "auxiliary"))
        )
        return (first == second.T) & (first > 0) & (first < 7)
    first, second = (
        _annotated(clips.action_units, "action units", pairs, name).to(micro.inputs.dtype)
        for clips, name in ((micro, "support"), (macro, "auxiliary"))
    )
    both = first @ second.T
    either = first.sum(1)[:, None] + second.sum(1)[None] - both
    return both / either.clamp_min(1)


def _annotated(annotation: Tensor | None, what: str, pairs: Pairs, clips: str) -> Tensor:
    if annotation is None:
        raise ConfigurationError(
            f"pairs: {pairs} needs {what}, and the {clips} clips have none. Take another corpus or auxiliary set, or "
            "pairs: same_class."
        )
    return annotation


def _classes(labels: Int64[Tensor, " n"]) -> list[int]:
    return [int(label) for label in labels.unique()]
