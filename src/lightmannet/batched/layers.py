"""How stacked learners compute: within ``torch.vmap`` on a GPU, in turn on a CPU."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.adaptation.fused import CLASSES as FUSED
from lightmannet.adaptation.vectorized import LAYERS
from lightmannet.batched.dropout import GivenDropout
from lightmannet.learners.base import Learner
from lightmannet.networks.copies import Classes, copy_module
from lightmannet.networks.stacked import each

IN_VMAP: Classes = {**LAYERS, nn.Dropout: GivenDropout}
IN_TURN: Classes = {**FUSED, nn.Dropout: GivenDropout}


def each_learner(stacked: Learner, function: Callable[..., Tensor], *tensors: Tensor) -> Float[Tensor, " batch"]:
    """Return ``function(learner, *tensors)`` of each of the stacked learners on its share of the tensors.

    On a GPU all are computed in one operation, so that it has enough to do. A CPU gets one at a time, so that its maps
    are found in the cache, and the fused engine's layers.

    Args:
        stacked: The learners; their running statistics are changed here.
        function: Scalar; no value of a tensor may decide what it does.
        tensors: With a leading dimension that counts the learners.
    """
    if not one_at_a_time(tensors[0].device):
        return each(stacked, function, *tensors, classes=IN_VMAP)
    assert len(tensors[0]) == 1
    learner = copy_module(stacked, lambda p: p[0], IN_TURN, buffer=lambda b: b[0])
    return function(learner, *(tensor[0] for tensor in tensors))[None]


def one_at_a_time(device: torch.device) -> bool:
    """Return whether a device computes the batches of several runs one after another."""
    return device.type == "cpu"
