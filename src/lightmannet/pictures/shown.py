"""An answer with the pictures that explain it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from torch import nn

from lightmannet.inference.answer import Answer
from lightmannet.inference.recogniser import Examination
from lightmannet.pictures.panels import heat_panel, motion_panel
from lightmannet.pictures.saliency import saliency, saliency_map
from lightmannet.pictures.words import MOMENTS, likeliest, moment_words, motion_words, saliency_words


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        pixels: Red, green and blue.
        caption: What it shows.
    """

    pixels: UInt8[np.ndarray, "size size 3"]
    caption: str


@dataclass(frozen=True)
class Shown:
    """An answer with its pictures.

    Attributes:
        answer: The answer.
        fps: Frames a second; None where nobody said it.
        panels: Onset, apex, offset, the motion between the first two and, where classes have probabilities, what speaks
            for the likeliest one.
    """

    answer: Answer
    fps: float | None
    panels: tuple[Panel, ...]


def show(examination: Examination, network: nn.Module) -> Shown:
    """Return an examined clip's answer with its pictures.

    Args:
        examination: What ``Recogniser.examine`` returned.
        network: The recogniser's ``network``, which is asked for its reasons.
    """
    answer, frames, fps = examination.answer, examination.frames, examination.fps
    moments = zip(frames, MOMENTS, examination.numbers, strict=True)
    panels = [Panel(pixels, moment_words(moment, number, fps)) for pixels, moment, number in moments]
    motion, factor = motion_panel(frames[0], examination.flow)
    panels.append(Panel(motion, motion_words(factor)))
    top = likeliest(answer)
    if top is not None:
        reasons = saliency(network, examination.inputs, examination.still, top)
        heat = saliency_map(reasons, frames.shape[1])
        panels.append(Panel(heat_panel(frames[1], heat), saliency_words(answer.classes[top])))
    return Shown(answer, fps, tuple(panels))
