"""Looking at a checkpoint before anything is loaded from it."""

from pathlib import Path

import torch
from torch import nn

from lightmannet.errors import CheckpointError


def check_checkpoint(path: str, model: nn.Module) -> None:
    """Make sure that ``path`` is a checkpoint of ``model``; nothing in the file is executed.

    Args:
        path: File written by a fit.
        model: The network the weights are for.

    Raises:
        CheckpointError: No such file, a file of another kind, or weights of another network.
    """
    if not Path(path).is_file():
        raise CheckpointError(
            f"{path}: there is no such checkpoint file. A fit writes one into its run's checkpoints/."
        )
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises whatever its unpickler or zip reader met; all of it means the same to the user.
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read safely: it is damaged, of another kind, or holds more than "
            f"weights ({type(error).__name__}). Give a .ckpt file that `lightning fit` wrote."
        ) from error
    weights = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or "pytorch-lightning_version" not in checkpoint:
        raise CheckpointError(
            f"{path} is not a checkpoint: it has no state_dict. Give a .ckpt file of `lightning fit`."
        )
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        first = differing[0]
        raise CheckpointError(
            f"{path} holds the weights of another network: {len(differing)} of {len(expected)} tensors differ, the "
            f"first is {first} with shape {found.get(first, 'missing')} where the configuration makes "
            f"{expected.get(first, 'none')}. Give the configuration that the checkpoint was trained with (config.yaml "
            "in its run's folder)."
        )
