"""Generated videos for tests: every frame carries its number, so that no decoder has to be trusted to know it."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8

HEIGHT, WIDTH, BITS = 48, 96, 6
"""Size of the frames, and the number of blocks that write the frame's number in binary, 16 x 16 pixels each."""

ORIENTATIONS: dict[str, tuple[int, int, int, int]] = {
    "upright": (1, 0, 0, 1),
    "clockwise": (0, 1, -1, 0),
    "half a turn": (-1, 0, 0, -1),
    "counterclockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed the other way": (0, -1, -1, 0),
}
"""The part a, b, c, d of a display matrix that moves the pixel at x, y to a x + c y, b x + d y."""


def numbered_picture(number: int) -> UInt8[np.ndarray, "height width 3"]:
    """Return a picture with three rows of blocks: red and blue, its number in binary, and gray noise of its own."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:16] = (60, 60, 230)
    picture[:16, :64] = (230, 60, 60)
    picture[32:] = np.random.default_rng(number).integers(0, 256, (16, WIDTH, 1))
    for bit in range(BITS):
        picture[16:32, 16 * bit : 16 * bit + 16] = 235 if number >> bit & 1 else 20
    return picture


def number_of(frame: UInt8[np.ndarray, "height width channel"]) -> int:
    """Return the number that an upright frame carries."""
    blocks = frame[16:32].reshape(16, BITS, 16, -1)[4:12, :, 4:12].mean(axis=(0, 2, 3))
    return sum(1 << bit for bit, light in enumerate(blocks) if light > 128)


def oriented(
    frame: UInt8[np.ndarray, "height width channel"], orientation: str
) -> UInt8[np.ndarray, "height2 width2 channel"]:
    """Return a frame as a player shows it, moved pixel by pixel as the display matrix says."""
    a, b, c, d = ORIENTATIONS[orientation]
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    out = np.empty((to_y.max() + 1, to_x.max() + 1, frame.shape[2]), np.uint8)
    out[to_y, to_x] = frame
    return out


def write_video(
    path: Path,
    codec: str = "libx264",
    frames: int = 40,
    fps: Fraction | int = 25,
    group: int = 12,
    options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
) -> Path:
    """Write numbered frames with a key frame every ``group`` frames.

    Args:
        path: The file; its suffix names the container.
        codec: The encoder.
        frames: Number of frames.
        fps: Frames per second.
        group: Frames between two key frames.
        options: Options of the encoder.
        times: When each frame is shown, in units of 1 / fps, if uneven.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
        stream.codec_context.gop_size = group
        stream.codec_context.time_base = 1 / Fraction(fps)
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            picture.pts, picture.time_base = (times or range(frames))[number], 1 / Fraction(fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def cut(path: Path, target: Path, first: int, last: int, fps: Fraction | int = 25) -> Path:
    """Write the frames ``first`` to ``last`` without re-encoding them, as phones and ``ffmpeg -ss … -c copy`` do.

    The packets from the key frame before ``first`` on are copied with the times before the cut negative; in MP4 and
    MOV these become an edit list that hides them, other containers show them.
    """
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        assert stream.time_base is not None

        def time(packet: Any) -> int:
            return int(packet.pts if packet.pts is not None else packet.dts)

        origin = min(map(time, packets))
        start, end = (origin + round(number / Fraction(fps) / stream.time_base) for number in (first, last))
        key = max((p for p in packets if p.is_keyframe and time(p) <= start), key=time)
        out = container.add_stream_from_template(stream, opaque=True)
        for packet in packets[packets.index(key) :]:
            if time(packet) > end:
                continue
            packet.pts = packet.pts - start if packet.pts is not None else None
            packet.dts = packet.dts - start if packet.dts is not None else None
            packet.stream = out
            container.mux(packet)
    return target


def copied(path: Path, target: Path, options: dict[str, str] | None = None) -> Path:
    """Write the same packets into another file, maybe of another container."""
    with av.open(str(path)) as source, av.open(str(target), "w", options=options or {}) as container:
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return target


def set_matrix(path: Path, orientation: str, matrix: Sequence[int] | None = None) -> Path:
    """Write a display matrix into an MP4 or MOV: that of an orientation, or any a, b, c, d in units of 1 / 65536."""
    data = bytearray(path.read_bytes())
    a, b, c, d = matrix or [value << 16 for value in ORIENTATIONS[orientation]]
    struct.pack_into(">9i", data, data.find(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def set_edits(path: Path, edits: Sequence[tuple[int, int]]) -> Path:
    """Replace the edit list of an MP4 or MOV whose index is at the end.

    Args:
        path: The file.
        edits: Duration in milliseconds and first time in the stream's own units, or -1 for a pause.
    """
    data = bytearray(path.read_bytes())
    place = data.find(b"elst") - 4
    (length,) = struct.unpack_from(">I", data, place)
    body = b"".join(struct.pack(">IiI", duration, start, 1 << 16) for duration, start in edits)
    box = struct.pack(">I4sII", 16 + len(body), b"elst", 0, len(edits)) + body
    data[place : place + length] = box
    for parent in (b"edts", b"trak", b"moov"):
        at = data.rfind(parent, 0, place) - 4
        (size,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, size + len(box) - length)
    path.write_bytes(data)
    return path


def played(path: Path) -> tuple[list[UInt8[np.ndarray, "height width 3"]], list[float | None]]:
    """Return the frames that FFmpeg gives one after the other, as they are stored, and when they are shown, seconds."""
    frames: list[UInt8[np.ndarray, "height width 3"]] = []
    times: list[float | None] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
            times.append(frame.time)
    return frames, times
