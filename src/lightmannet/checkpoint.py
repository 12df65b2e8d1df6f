"""Checkpoints: read as weights and plain values only, written atomically."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from torch import nn

from lightmannet.errors import CheckpointError
from lightmannet.files import write_bytes_atomically

OPTIONS = "options"
"""Key of the run's options in a checkpoint: a flat dictionary from names to texts."""
PEOPLE = "training_people"
"""Key under which a checkpoint carries the names of all people that it has learned from."""

_STATE: dict[str, type] = {
    "epoch": int,
    "global_step": int,
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
}
"""Entries besides weights that a checkpoint needs for resuming a fit."""


def read_checkpoint(path: str | Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Return a checkpoint's content without executing anything in the file.

    Args:
        path: File written by a fit.
        map_location: Device of the tensors, as in ``torch.load``.

    Raises:
        CheckpointError: The file is missing, damaged or of another kind.
    """
    if not Path(path).is_file():
        raise CheckpointError(
            f"{path}: there is no such checkpoint file. A fit writes one into its run's checkpoints/."
        )
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        # torch raises many types of errors, which all mean the same to the user.
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read safely: it is damaged, of another kind, or holds more than "
            f"weights ({type(error).__name__}). Give a .ckpt file that `lightning fit` wrote."
        ) from error
    weights = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not _is_version(checkpoint.get("pytorch-lightning_version")):
        raise CheckpointError(
            f"{path} is not a checkpoint: it has no state_dict. Give a .ckpt file of `lightning fit`."
        )
    return checkpoint


def _is_version(text: object) -> bool:
    """Return whether this is a version as Lightning writes it, which it reads before anything else."""
    return isinstance(text, str) and re.fullmatch(r"\d+\.\d+[\w.+]*", text) is not None


class Origin(NamedTuple):
    """How the weights of a checkpoint were trained; both are empty in files of other programs.

    Attributes:
        options: Name and value of each option that decides what is learned, as text.
        people: Names of those whose clips they have learned from.
    """

    options: dict[str, str]
    people: frozenset[str]


def check_checkpoint(path: str, model: nn.Module, resume: bool = False) -> Origin:
    """Make sure that ``path`` is a checkpoint of ``model`` and return how it was trained.

    Args:
        path: File written by a fit.
        model: The network the weights are for.
        resume: Whether a fit shall resume from it, which needs more than weights.

    Raises:
        CheckpointError: As ``read_checkpoint``, or weights of another network, or weights alone.
    """
    checkpoint = read_checkpoint(path)
    absent = [name for name, kind in _STATE.items() if not isinstance(checkpoint.get(name), kind)]
    if resume and absent:
        raise CheckpointError(
            f"{path} has no state to resume a run from: {', '.join(absent)} missing. Give a .ckpt file that "
            "`lightning fit` wrote without save_weights_only."
        )
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(getattr(value, "shape", ())) for name, value in checkpoint["state_dict"].items()}
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        first = differing[0]
        raise CheckpointError(
            f"{path} contains the weights of another network: {len(differing)} of {len(expected)} tensors differ, the "
            f"first is {first} with shape {found.get(first, 'missing')} where the configuration makes "
            f"{expected.get(first, 'none')}. Give the configuration that the checkpoint was trained with (config.yaml "
            "in its run's folder)."
        )
    options, people = checkpoint.get(OPTIONS), checkpoint.get(PEOPLE)
    return Origin(
        {str(name): str(value) for name, value in options.items()} if isinstance(options, dict) else {},
        frozenset(map(str, people)) if isinstance(people, list) else frozenset(),
    )


class SafeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoints, read as plain values and written atomically.

    Lightning itself writes to the temporary folder and moves the file, which on another disk is a copy and may be
    interrupted halfway.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint; a full disk or a killed process leaves the previous file intact."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes_atomically(Path(path), content.getvalue())

    def load_checkpoint(
        self, path: str | Path, map_location: Callable[..., Any] | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint as ``read_checkpoint`` does, whatever ``weights_only`` says.

        Raises:
            CheckpointError: As ``read_checkpoint``, or the file name is one that Lightning loads by itself under SLURM.
        """
        if re.fullmatch(r"hpc_ckpt_\d+\.ckpt", Path(path).name):
            raise CheckpointError(
                f"{path}: under SLURM, Lightning writes files with this name to the current folder for any run. "
                "Remove it, or rename it to use it on purpose."
            )
        return read_checkpoint(path, map_location or "cpu")
