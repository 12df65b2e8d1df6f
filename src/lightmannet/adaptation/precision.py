"""The precision of the inner loop: second derivatives do not bear low precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

MEASURED_ERROR = (
    "relative error of a second-order meta-gradient (Conv4, against float64): float32 5e-7 after 1 inner step and 4e-6 "
    "after 5; bfloat16 autocast .09 and 1.6; TF32 matrix products .37 after 5"
)


@contextmanager
def full_float32(device: str) -> Iterator[None]:
    """Compute in float32 as it is for a while: without autocast, and without TF32 in convolutions and matrix products.

    Args:
        device: Type of the device, e.g. ``cuda``.
    """
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    # cuDNN's convolutions use TF32 by default.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def low_precision(as_trainer: bool, precision: str, device: str) -> str | None:
    """Return a warning where the inner loop computes in less than float32, else None.

    Args:
        as_trainer: The inner loop has the trainer's precision.
        precision: The trainer's precision, e.g. ``bf16-mixed``.
        device: Type of the device, e.g. ``cuda``.
    """
    autocast, weights = "mixed" in precision, precision in ("bf16-true", "16-true")
    tf32 = device == "cuda" and (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32)
    if weights or (as_trainer and (autocast or tf32)):
        how = f"trainer.precision: {precision}" if weights or autocast else "TF32"
        remedy = "trainer.precision: bf16-mixed or 32-true" if weights else "inner.precision: float32"
        return (
            f"The inner loop computes with {how}, which second derivatives hardly bear: {MEASURED_ERROR}. Set {remedy}."
        )
    return None
