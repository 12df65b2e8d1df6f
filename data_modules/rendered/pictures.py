"""Frames as files: JPEG images by OpenCV, H.264 video by PyAV; the same bytes for the same frames."""

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
from jaxtyping import UInt8


def jpeg(frame: UInt8[np.ndarray, "size size 3"], quality: int) -> bytes:
    """Return the JPEG file of a frame of red, green and blue.

    Args:
        frame: Pixels.
        quality: 1..100.
    """
    done, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


class Film:
    """An MP4 file in memory, written frame by frame.

    Args:
        size: Height and width, pixels, even.
        fps: Frames per second.
        crf: H.264's constant rate factor, 0..51.
    """

    def __init__(self, size: int, fps: int, crf: int) -> None:
        import av

        self._frame = av.VideoFrame.from_ndarray
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4", options={"fflags": "+bitexact"})
        self._stream = self._container.add_stream("libx264", rate=fps)
        self._stream.width = self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, fps)
        # One thread, so that the bytes do not depend on the number of threads.
        self._stream.codec_context.thread_count = 1
        self._stream.options = {"crf": str(crf), "preset": "veryfast", "flags": "+bitexact"}
        self._count = 0

    def add(self, frame: UInt8[np.ndarray, "size size 3"]) -> None:
        """Append a frame of red, green and blue."""
        image = self._frame(frame, format="rgb24")
        image.pts = self._count
        self._count += 1
        self._container.mux(self._stream.encode(image))

    def close(self) -> bytes:
        """Return the whole file."""
        self._container.mux(self._stream.encode())
        self._container.close()
        return self._file.getvalue()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Limit OpenCV to one thread, also in processes forked meanwhile, which share the cores.

    A forked process would wait forever for OpenCV's threads in its parent.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
