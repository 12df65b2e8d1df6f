"""An MP4 file written frame by frame: whole or not there, and in memory a few frames at a time."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

Frame = UInt8[np.ndarray, "height width 3"]

_QUALITY = {"crf": "18", "preset": "veryfast"}


@contextmanager
def mp4(path: Path, height: int, width: int, fps: float) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends a frame of red, green and blue; the file is there once all went well.

    Until then it is a hidden file ``.<name>.….part`` in the same folder, which stays if the process is killed.

    Args:
        path: Target, H.264; its folder is made if missing.
        height: Of each frame, pixels, even.
        width: Of each frame, pixels, even.
        fps: Frames a second.

    Raises:
        OSError: It cannot be written.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "r+b") as file:
            with av.open(file, "w", format="mp4") as container:
                # 29.97 is 30000 / 1001.
                rate = Fraction(fps).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=rate, options=_QUALITY)
                stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"

                def add(frame: Frame) -> None:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))

                yield add
                container.mux(stream.encode(None))
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
