"""What a task's alignment does to the features of micro- and macro-expressions, as points of a plane."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips, Trial, Views, without_views
from lightmannet.learners.base import Learner


def alignment_embedding(learner: Learner, batch: Clips | Trial | Views) -> dict[str, Any] | None:
    """Return the first task's clips before and after its inner loop, or None for a method that aligns nothing.

    Features are those that the alignment head gives, scaled to unit length; the plane is that of the two largest
    principal components of both states together, so that the states can be compared.

    Args:
        learner: A trained method, in evaluation mode.
        batch: A batch of the test clips; what the task adapts to, support and D^aux, is shown.

    Returns:
        ``before`` and ``after``: mean cosine distance of a micro- from a macro-expression, in [0, 2]; ``points``: for
        each clip and state ``x``, ``y``, ``label``, ``kind`` (micro, macro) and ``state`` (before, after).
    """
    batch = without_views(batch)
    if not learner.aligns or not isinstance(batch, Trial):
        return None
    task = batch.episodes[0]
    if task.auxiliary is None:
        return None
    clips = (task.support, task.auxiliary)
    states = {"before": learner.network, "after": learner.adapt(*clips).network}
    features: dict[str, Float[Tensor, "clip feature"]] = {}
    for state, network in states.items():
        with torch.no_grad():
            encoded = network.encode(torch.cat([part.inputs for part in clips]))  # type: ignore[operator]
            features[state] = F.normalize(network.alignment_head(encoded).double(), dim=1)  # type: ignore[operator]
    plane = _plane(torch.cat(list(features.values()))).split(len(features["before"]))
    micro = len(task.support)
    labels = [int(label) for part in clips for label in part.labels]
    return {
        **{name: round(1 - float((f[:micro] @ f[micro:].T).mean()), 6) for name, f in features.items()},
        "points": [
            {
                "x": round(float(x), 4),
                "y": round(float(y), 4),
                "label": label,
                "kind": "micro" if number < micro else "macro",
                "state": state,
            }
            for state, points in zip(features, plane, strict=True)
            for number, ((x, y), label) in enumerate(zip(points.tolist(), labels, strict=True))
        ],
    }


def _plane(features: Float[Tensor, "point feature"]) -> Float[Tensor, "point 2"]:
    """Return each point's two largest principal components."""
    centred = features - features.mean(0)
    return centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
