"""Small bundles and films for tests: random weights, moving noise, no faces."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.representations.flow_image import ApexFlow
from lightmannet.inference.bundle import Bundle, Draw, is_weight, write_bundle
from lightmannet.inference.calibration import Calibration
from lightmannet.inference.parts import Spec, representation_spec
from lightmannet.learners.base import Learner
from tests.clips import make_clips
from tests.learners import make
from tests.moving_skin import bumps, moving_skin

CLASSES = ("negative", "positive", "surprise")
CONV4: Spec = {"name": "Conv4", "options": {"width": 8}}
NETWORK: Spec = {"name": "TwoBranchNetwork", "options": {"encoder": CONV4}}


def write_small_bundle(folder: Path, method: str = "maml", threshold: float = 0.0, **settings: Any) -> Path:
    """Write a bundle of a small learner of ``tests.learners`` with random weights and return its folder."""
    learner: Learner = make(method)
    draws = tuple(Draw(make_clips(6, seed), None) for seed in range(2)) if method != "supervised" else ()
    words = {
        "classes": list(CLASSES),
        "learner": {"name": type(learner).__name__, "options": {"network": NETWORK}},
        "representation": representation_spec(ApexFlow(method="dis")),
        "crop": {"name": "WholeFrame", "options": {}},
        "missing_apex": "middle",
        "corpus": "made",
        "synthetic": True,
        "calibration": Calibration(temperature=2.0, threshold=threshold, people=2, clips=6).as_settings(),
        **settings,
    }
    weights = {k: v for k, v in learner.state_dict().items() if is_weight(k)}
    write_bundle(folder, Bundle(words, weights, draws, "# A card\n"))
    return folder


def moving_frames(
    strengths: Sequence[float], size: int = 96, seed: int = 0, brightness: float = 1.0
) -> UInt8[np.ndarray, "frame size size"]:
    """Return a still texture, then the same with its bumps moved by each strength in pixels."""
    frames = [moving_skin(bumps(size, strength), seed).first for strength in strengths]
    return (np.stack(frames) * brightness).astype(np.uint8)


def rise_and_fall(frames: int, peak: float) -> list[float]:
    """Return strengths that rise from 0 to ``peak`` in the middle and fall to 0 again, with a little rest around."""
    time = np.linspace(-1.3, 1.3, frames)
    return [float(v) for v in peak * np.clip(np.cos(np.pi * time / 2), 0, 1) ** 2]


def write_folder(folder: Path, frames: UInt8[np.ndarray, "frame height width"], first: int = 1) -> Path:
    """Write frames as lossless images named by their numbers."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, first):
        cv2.imwrite(str(folder / f"img{number}.png"), frame)
    return folder


def write_film(
    path: Path, frames: UInt8[np.ndarray, "frame height width"], fps: int = 100, times: Sequence[int] | None = None
) -> Path:
    """Write frames as a video, near lossless; ``times`` are those of the frames in units of 1 / fps, if uneven."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "5", "bf": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, 2), format="rgb24")
            picture.pts, picture.time_base = (times or range(len(frames)))[number], Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
