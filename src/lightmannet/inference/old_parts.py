"""Options of bundles from before LightmanNet's choices became named parts."""

from collections.abc import Mapping
from typing import Any

_KERNELS = {
    "cosine": "Cosine",
    "squared_euclidean": "SquaredEuclidean",
    "rbf": "RBF",
    "mmd2": "MMD2",
    "infonce": "InfoNCE",
}
_PAIRS = {
    "all": "AllPairs",
    "same_class": "SameClass",
    "same_objective": "SameObjectiveClass",
    "action_units": "ActionUnitOverlap",
}
_ALIGNED = {
    "features": "Features",
    "logits": "Logits",
    "maps": "Maps",
    "phases": "Phases",
    "warped_phases": "Phases",
}


def modern_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part's options with LightmanNet's former ``branches``, if any, converted to today's ``loss``.

    Raises:
        KeyError: A kernel, pairs or representation that never existed.
    """
    if not isinstance(options.get("branches"), Mapping):
        return dict(options)
    old = {"kernel": "cosine", "pairs": "all", "align_at": "features", **options["branches"]}
    kernel, pairs, place = old.pop("kernel"), _part(_PAIRS[old.pop("pairs")]), old.pop("align_at")
    bandwidth, temperature, smoothing = (
        old.pop("bandwidth", None),
        old.pop("temperature", 0.1),
        old.pop("smoothing", 0.1),
    )
    own = {"rbf": {"bandwidth": bandwidth}, "mmd2": {"bandwidth": bandwidth}, "infonce": {"temperature": temperature}}
    chosen = _part(_KERNELS[kernel], **own.get(kernel, {}))
    if place == "warped_phases":
        chosen = _part("SoftDTW", smoothing=smoothing, cost=kernel)
    if old.pop("learn_pair_weights", False):
        pairs = _part("LearnedPairs", among=pairs)
    loss = {**old, "kernel": chosen, "pairs": pairs, "aligned": _part(_ALIGNED[place])}
    return {**{name: value for name, value in options.items() if name != "branches"}, "loss": loss}


def _part(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "options": options}
