"""Checks of clips when a corpus is created, so that all other code can rely on their form."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from data_modules.flow import CHANNELS, HIGH, LOW
from lightmannet.episode import Clips

_ROUNDING = 1e-6


def clip_faults(clips: Clips, classes: Sequence[str], kind: str) -> list[str]:
    """Return the faults of clips: the field, what is expected and what was found.

    Args:
        clips: Clips of any origin.
        classes: Class names in the order of the labels.
        kind: What the inputs show, as in ``Corpus``.
    """
    faults = _name_faults("ids", clips.ids) + _name_faults("subjects", clips.subjects)
    twice = [name for name, count in Counter(clips.ids).items() if count > 1]
    if twice:
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        faults.append(f"ids: {twice[0]!r}{more} occurs more than once; give each clip an id of its own")
    faults += _input_faults(clips, kind)
    faults += _integer_faults("labels", clips.labels, len(classes) - 1, f"of the classes {', '.join(classes)}")
    if clips.objective_classes is not None:
        faults += _integer_faults("objective_classes", clips.objective_classes, 7, "where 0 stands for not known")
    if clips.action_units is not None and clips.action_units.dtype != torch.bool:
        faults.append(f"action_units: bool is expected, {_dtype(clips.action_units)} found; convert them with .bool()")
    return faults


def _name_faults(field: str, names: Sequence[str]) -> list[str]:
    if isinstance(names, tuple) and all(isinstance(name, str) for name in names):
        return []
    found = f"a {type(names).__name__} of {', '.join(sorted({type(name).__name__ for name in names})) or 'nothing'}"
    return [f"{field}: a tuple of str is expected, {found} found"]


def _input_faults(clips: Clips, kind: str) -> list[str]:
    inputs = clips.inputs
    if inputs.ndim != 5:
        return [f"inputs: the shape (clip, phase, channel, height, width) is expected, {tuple(inputs.shape)} found"]
    faults = []
    if kind == "motion" and (inputs.shape[2] % CHANNELS or not inputs.shape[2]):
        faults.append(
            f"inputs: motion has the 3 channels u, v and strain, or 3 for each view, {inputs.shape[2]} found; correct "
            "them or kind"
        )
    if inputs.dtype != torch.float32:
        faults.append(f"inputs: float32 is expected, {_dtype(inputs)} found; convert them with .float()")
    if not inputs.numel():
        return faults
    if not inputs.isfinite().all():
        bad = (~inputs.isfinite()).flatten(1).any(1).nonzero().flatten().tolist()
        more = f" and {len(bad) - 1} more clips" if len(bad) > 1 else ""
        faults.append(f"inputs: {clips.ids[bad[0]]!r}{more} have NaN or infinite values; replace or remove them")
        return faults
    low, high = (float(bound) for bound in inputs.aminmax())
    if low < LOW - _ROUNDING or high > HIGH + _ROUNDING:
        faults.append(
            f"inputs: values from {LOW} to {HIGH} are expected, {low:g} to {high:g} found; scale them "
            "(data_modules.flow.to_float does it for 8-bit pixels)"
        )
    return faults


def _integer_faults(field: str, values: Tensor, largest: int, meaning: str) -> list[str]:
    faults = []
    if values.dtype != torch.int64:
        faults.append(f"{field}: int64 is expected, {_dtype(values)} found; convert them with .long()")
    if values.numel() and not 0 <= int(values.min()) <= int(values.max()) <= largest:
        found = f"{int(values.min())} to {int(values.max())}"
        faults.append(f"{field}: numbers from 0 to {largest}, {meaning}, are expected, {found} found")
    return faults


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
