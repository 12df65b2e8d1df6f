"""The spotting network's file of weights."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from lightmannet.errors import CheckpointError
from lightmannet.files import write_bytes_atomically


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: no weights of the spotting network ({error}); install the package again"
        ) from None


def write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write tensors in half precision, which halves the file and changes no interval."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, save({name: tensor.to(torch.float16) for name, tensor in weights.items()}))
