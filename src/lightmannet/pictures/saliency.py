"""Which places of a clip speak for a class; the one file that imports Captum."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

_STEPS = 32


def saliency(
    network: nn.Module,
    inputs: Float[Tensor, "1 phase channel size size"],
    still: Float[Tensor, "1 phase channel size size"],
    target: int,
) -> Float[Tensor, "1 phase channel size size"]:
    """Return how much each input raises the score of a class, compared with a clip in which nothing moves.

    The values add up to the difference of the two scores, up to the error of 32 steps.

    Args:
        network: Maps inputs to class scores.
        inputs: The clip.
        still: The same clip if nothing moved.
        target: Number of the class.

    Reference: Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks", arXiv 1703.01365.
    """
    # Here, as it brings plotting along.
    from captum.attr import IntegratedGradients

    with torch.enable_grad():
        found = IntegratedGradients(network).attribute(inputs, still, target=target, n_steps=_STEPS)
    return found.detach().to(inputs.dtype)


def saliency_map(
    attributions: Float[Tensor, "1 phase channel size size"], size: int
) -> Float32[np.ndarray, "{size} {size}"]:
    """Return what speaks for the class at each place of the face, 0..1; all 0 where nothing does.

    Phases and channels are added up, what speaks against the class is left out, and the map is smoothed, as single
    pixels of attributions are noisy.

    Args:
        attributions: Values of ``saliency``.
        size: Height and width of the map.
    """
    summed = attributions.sum((0, 1, 2)).clamp_min(0).float().numpy()
    smooth = cv2.GaussianBlur(summed, (0, 0), max(summed.shape[0] / 28, 0.5))
    large = cv2.resize(smooth, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, None)
    return (large / max(float(large.max()), np.finfo(np.float32).tiny)).astype(np.float32)
