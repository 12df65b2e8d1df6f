"""An answer with pictures that explain it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from torch import nn

from lightmannet.inference.answer import Answer
from lightmannet.inference.recogniser import Examination
from lightmannet.pictures.captions import MOMENTS, moment_caption, most_likely, motion_caption, saliency_caption
from lightmannet.pictures.panels import heat_panel, motion_panel
from lightmannet.pictures.saliency import saliency, saliency_map


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        pixels: Red, green and blue.
        caption: Its caption.
    """

    pixels: UInt8[np.ndarray, "size size 3"]
    caption: str


@dataclass(frozen=True)
class Explanation:
    """An answer with its pictures.

    Attributes:
        answer: The answer.
        fps: Frames per second; None if unknown.
        panels: Onset, apex, offset, the motion between the first two and, given probabilities, the evidence for the
            most likely class.
    """

    answer: Answer
    fps: float | None
    panels: tuple[Panel, ...]


def explain(examination: Examination, network: nn.Module) -> Explanation:
    """Return an examined clip's answer with its pictures.

    Args:
        examination: Result of ``Recogniser.examine``.
        network: The recogniser's ``network``, for the evidence.
    """
    answer, frames, fps = examination.answer, examination.frames, examination.fps
    moments = zip(frames, MOMENTS, examination.numbers, strict=True)
    panels = [Panel(pixels, moment_caption(moment, number, fps)) for pixels, moment, number in moments]
    motion, factor = motion_panel(frames[0], examination.flow)
    panels.append(Panel(motion, motion_caption(factor)))
    top = most_likely(answer)
    if top is not None:
        reasons = saliency(network, examination.inputs, examination.still, top)
        heat = saliency_map(reasons, frames.shape[1])
        panels.append(Panel(heat_panel(frames[1], heat), saliency_caption(answer.classes[top])))
    return Explanation(answer, fps, tuple(panels))
