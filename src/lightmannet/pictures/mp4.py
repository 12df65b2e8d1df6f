"""Writing an MP4 file frame by frame, atomically and in constant memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from lightmannet.files import written_atomically

Frame = UInt8[np.ndarray, "height width 3"]

_QUALITY = {"crf": "18", "preset": "veryfast"}


@contextmanager
def mp4(path: Path, height: int, width: int, fps: float, comment: str = "") -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends a frame of red, green and blue; the file appears after success.

    Args:
        path: Target, H.264; its folder is created if missing.
        height: Height of each frame, pixels, even.
        width: Width of each frame, pixels, even.
        fps: Frames per second.
        comment: Comment in the file.

    Raises:
        OSError: It cannot be written.
    """
    import av

    with written_atomically(path) as file, av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        # 29.97 is 30000 / 1001.
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options=_QUALITY)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"

        def add(frame: Frame) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))

        yield add
        container.mux(stream.encode(None))
