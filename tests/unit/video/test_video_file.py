"""Frames from video files, by both decoders."""

import importlib.util
import logging
import os
import pickle
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from jaxtyping import UInt8

from data_modules.video import video_file
from data_modules.video.video_file import Backend, VideoFile
from lightmannet.errors import ConfigurationError, DataError

FRAMES, HEIGHT, WIDTH = 40, 48, 64
MEAN_DIFFERENCE = 0.5  # of 255: the decoders convert colours with different versions of FFmpeg

needs_decord = pytest.mark.skipif(importlib.util.find_spec("decord") is None, reason="decord is not installed here")
BACKENDS = [pytest.param("decord", marks=needs_decord), "pyav"]


def pictures(
    count: int = FRAMES, height: int = HEIGHT, width: int = WIDTH
) -> UInt8[np.ndarray, "frame height width 3"]:
    """Return smooth coloured noise that moves by two pixels a frame, so that neighbours differ clearly."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    still = cv2.resize(coarse, (WIDTH, HEIGHT))
    return np.stack([np.roll(still, 2 * frame, axis=1) for frame in range(FRAMES)])


def write(path: Path, codec: str = "libx264", fps: Fraction | int = 25, options: dict[str, str] | None = None) -> Path:
    """Write a video with a key frame every 12 frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 12
        for picture in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def in_front(path: Path) -> Path:
    """Rewrite an mp4 with its index in front, so that cutting the end leaves the promised number of frames."""
    target = path.with_name(f"front_{path.name}")
    with av.open(str(path)) as source, av.open(str(target), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return target


def sequence(path: Path) -> UInt8[np.ndarray, "frame height width 3"]:
    """Return all frames, decoded one after the other."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b).mean())


# --- Which frames ---


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("b_frames.mp4", "libx264", {}),
        ("open_groups.mp4", "libx264", {"bf": "3", "x264-params": "open-gop=1"}),
        ("h264.avi", "libx264", {}),
        ("mpeg4.avi", "mpeg4", {}),
        ("mpeg4_b_frames.avi", "mpeg4", {"bf": "2"}),
        ("lossless.mkv", "ffv1", {}),
        ("stills.mov", "mjpeg", {}),
        ("mpeg1.mpg", "mpeg1video", {"bf": "2"}),
        ("mpeg2.mpeg", "mpeg2video", {}),
        ("mpeg4.m4v", "mpeg4", {}),
        ("wmv2.wmv", "wmv2", {}),
    ],
)
def test_each_decoder_gives_exactly_the_frames_asked_for(
    name: str, codec: str, options: dict[str, str], backend: Backend, tmp_path: Path
) -> None:
    path = write(tmp_path / name, codec, options=options)
    truth = sequence(path)
    neighbours = difference(truth[1:], truth[:-1])
    assert neighbours > 4 * MEAN_DIFFERENCE  # so that a wrong frame cannot pass
    reader = VideoFile(path, tmp_path, backend=backend)
    assert reader.numbers == tuple(range(FRAMES))
    for asked in ([30, 31], [39, 0, 17, 17], [13], [11, 12, 24, 23, 5], [38, 39], list(range(FRAMES))):
        frames = reader.read(asked, "rgb")
        assert max(difference(frame, truth[number]) for frame, number in zip(frames, asked, strict=True)) < (
            MEAN_DIFFERENCE
        )


@needs_decord
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4")])
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_both_decoders_give_the_same_pixels(name: str, codec: str, color: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, codec)
    decord, pyav = (VideoFile(path, tmp_path, backend=backend) for backend in ("decord", "pyav"))
    assert decord.numbers == pyav.numbers
    assert decord.fps == pyav.fps == 25
    asked = [0, 7, 20, 39]
    assert difference(decord.read(asked, color), pyav.read(asked, color)) < MEAN_DIFFERENCE  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_pixels_are_red_green_blue_and_gray_weighs_them(backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write(tmp_path / "a.mkv", "ffv1"), tmp_path, backend=backend)
    rgb, gray = reader.read([3, 20], "rgb"), reader.read([3, 20], "gray")
    assert (rgb.shape, gray.shape) == ((2, HEIGHT, WIDTH, 3), (2, HEIGHT, WIDTH, 1))
    truth = pictures()[[3, 20]]
    # Half the colour resolution is lost in writing; exchanged channels would differ by much more.
    assert difference(rgb, truth) < 10 < 30 < difference(rgb[..., ::-1], truth)
    assert np.abs(gray[..., 0] - rgb @ [0.299, 0.587, 0.114]).max() <= 0.51


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_start_at_the_first_number(backend: Backend, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    from_zero = VideoFile(path, tmp_path, backend=backend)
    from_one = VideoFile(path, tmp_path, first_number=1, backend=backend)
    assert from_one.numbers == tuple(range(1, FRAMES + 1))
    assert np.array_equal(from_one.read([1, 40], "rgb"), from_zero.read([0, 39], "rgb"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_fps_may_be_a_fraction(backend: Backend, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", fps=Fraction(30000, 1001))
    assert VideoFile(path, tmp_path, backend=backend).fps == pytest.approx(29.97, abs=1e-3)


def turned(path: Path) -> Path:
    """Note in an mp4 that the camera was held on its side: by a quarter turn clockwise."""
    data = bytearray(path.read_bytes())
    struct.pack_into(">4i", data, data.find(b"tkhd") + 44, 0, 1 << 16, 0, -1 << 16)
    path.write_bytes(data)
    return path


def test_a_video_taken_sideways_is_turned_upright_by_pyav(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    straight = sequence(path)[0]
    frames = VideoFile(turned(path), tmp_path, backend="pyav").read([0], "rgb")
    assert np.array_equal(frames[0], np.rot90(straight, -1))


@needs_decord
def test_a_video_taken_sideways_is_refused_by_decord(tmp_path: Path) -> None:
    path = turned(write(tmp_path / "a.mp4"))
    with pytest.raises(DataError, match="decord cannot read turned videos; choose backend: pyav"):
        VideoFile(path, tmp_path, backend="decord").read([0], "rgb")


# --- What is refused ---


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("wanted", "near"), [(-1, 0), (40, 39)])
def test_a_number_that_is_not_there_names_the_nearest(wanted: int, near: int, backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write(tmp_path / "a.mp4"), tmp_path, backend=backend)
    with pytest.raises(DataError, match=rf"frame {wanted} is not there, the nearest is {near} \(40 frames, 0 to 39\)"):
        reader.read([0, wanted], "rgb")
    with pytest.raises(DataError, match="no frame number was asked for"):
        reader.read([], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("content", "problem"), [(b"", r"empty \(zero bytes\)"), (b"hello world\n" * 50, "cannot read it as a video")]
)
def test_what_is_no_video_is_refused(content: bytes, problem: str, backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    reader = VideoFile(path, tmp_path, backend=backend)
    with pytest.raises(DataError, match=rf"a\.mp4: {backend} .*{problem}.*; copy it again or convert it"):
        reader.read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_mp4_cut_before_its_index_is_refused(backend: Backend, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-1500])
    reader = VideoFile(path, tmp_path, backend=backend)
    with pytest.raises(DataError, match="cannot read it as a video, it is damaged, truncated or of another type"):
        _ = reader.numbers
    with pytest.raises(DataError, match="cannot read it as a video"):
        _ = reader.fps


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("part", [0.4, 0.9])
def test_an_mp4_cut_behind_its_index_is_refused(part: float, backend: Backend, tmp_path: Path) -> None:
    path = in_front(write(tmp_path / "a.mp4"))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(DataError, match="cannot read it as a video, it is damaged, truncated"):
        VideoFile(path, tmp_path, backend=backend).read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mpg", "mpeg1video")])
def test_a_file_whose_last_frame_is_cut_off_is_refused(name: str, codec: str, backend: Backend, tmp_path: Path) -> None:
    path = write(tmp_path / name, codec)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    with pytest.raises(DataError, match=r"truncated or of another type \(the last frames are incomplete\)"):
        VideoFile(path, tmp_path, backend=backend).read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_that_are_promised_and_cannot_be_decoded_are_an_error(backend: Backend, tmp_path: Path) -> None:
    path = in_front(write(tmp_path / "a.mp4"))
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + (len(data) - data.find(b"mdat")) // 2
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    reader = VideoFile(path, tmp_path, backend=backend)
    assert len(reader.numbers) == FRAMES
    for _ in range(2):  # the second time with a decoder that failed before
        with pytest.raises(DataError, match=r"promises 40 frames, but not all of 0 to 39 can be decoded .*; copy it"):
            reader.read(list(range(FRAMES)), "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_with_sound_alone_is_refused(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode(None)])
    with pytest.raises(DataError, match="cannot read it as a video"):
        _ = VideoFile(path, tmp_path, backend=backend).numbers


def test_a_path_is_checked_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        VideoFile(tmp_path / "a.mp4", tmp_path)
    (tmp_path / "root").mkdir()
    (tmp_path / "a.mp4").touch()
    with pytest.raises(DataError, match="leaves the root"):
        VideoFile(tmp_path / "root" / ".." / "a.mp4", tmp_path / "root")


# --- Which decoder ---


@pytest.mark.parametrize(("installed", "chosen"), [(True, "decord"), (False, "pyav")])
def test_decord_is_preferred_where_installed_and_named_once_in_the_log(
    installed: bool, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.mp4").touch()
    monkeypatch.setattr(video_file, "_installed", lambda backend: installed or backend == "pyav")
    caplog.set_level(logging.INFO)
    video_file._choose.cache_clear()
    try:
        readers = [VideoFile(tmp_path / "a.mp4", tmp_path) for _ in range(3)]
    finally:
        video_file._choose.cache_clear()
    assert [reader.backend for reader in readers] == [chosen] * 3
    assert caplog.messages == [f"video files are decoded by {chosen}"]


@pytest.mark.parametrize("backend", ["decord", "pyav"])
def test_a_decoder_that_is_not_installed_is_refused(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").touch()
    monkeypatch.setattr(video_file, "_installed", lambda _: False)
    with pytest.raises(ConfigurationError, match=f"backend: {backend} is not installed; pip install"):
        VideoFile(tmp_path / "a.mp4", tmp_path, backend=backend)


# --- Workers and caches ---


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reader_can_be_pickled_before_and_after_use(backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write(tmp_path / "a.mp4"), tmp_path, first_number=1, backend=backend)
    before = pickle.dumps(reader)
    frames = reader.read([5, 6], "rgb")
    for copy in (pickle.loads(before), pickle.loads(pickle.dumps(reader))):
        assert np.array_equal(copy.read([5, 6], "rgb"), frames)


@pytest.mark.parametrize("backend", BACKENDS)
def test_another_process_opens_the_file_anew(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = VideoFile(write(tmp_path / "a.mp4"), tmp_path, backend=backend)
    frames = reader.read([5], "rgb")
    opened = reader._opened
    assert reader.read([6], "rgb").shape == frames.shape
    assert reader._opened is opened
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert np.array_equal(reader.read([5], "rgb"), frames)
    assert reader._opened is not opened


@pytest.mark.slow  # starts an interpreter: decoders that other tests left open would disturb a fork
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_forked_process_reads_with_a_reader_that_its_parent_used(backend: Backend, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    script = (
        "import os, sys; sys.path[:0] = ['src', '.']\n"
        "from pathlib import Path\n"
        "from data_modules.video.video_file import VideoFile\n"
        f"reader = VideoFile(Path({str(path)!r}), Path({str(tmp_path)!r}), backend={backend!r})\n"
        "frames = reader.read([5], 'rgb')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = (reader.read([5], 'rgb') == frames).all()\n"
        "    del reader\n"
        "    os._exit(0 if same else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    command = [sys.executable, "-c", script]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_fingerprint_changes_with_the_file_and_the_first_number_alone(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.mp4").write_bytes(b"12")
        os.utime(tmp_path / folder / "x.mp4", ns=(5, 5))

    def fingerprint(folder: str, name: str = "x.mp4", first_number: int = 0) -> str:
        return VideoFile(tmp_path / folder / name, tmp_path, first_number).fingerprint([0])

    assert fingerprint("a") == fingerprint("b")
    seen = {fingerprint("a"), fingerprint("a", first_number=1)}
    os.utime(tmp_path / "a" / "x.mp4", ns=(5, 6))
    seen.add(fingerprint("a"))
    (tmp_path / "a" / "x.mp4").write_bytes(b"123")
    os.utime(tmp_path / "a" / "x.mp4", ns=(5, 6))
    seen.add(fingerprint("a"))
    (tmp_path / "a" / "x.mp4").rename(tmp_path / "a" / "y.mp4")
    seen.add(fingerprint("a", "y.mp4"))
    assert len(seen) == 5
