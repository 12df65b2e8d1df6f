"""Frames from video files, by both decoders: numbers, colours, what is refused, processes, caches."""

import logging
import os
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from data_modules.video import decord_decoder, video_file
from data_modules.video.video_file import Backend, VideoFile
from lightmannet.errors import ConfigurationError, DataError
from tests.video_files import HEIGHT, WIDTH, copied, cut, number_of, numbered_picture, set_matrix, write_video

FRAMES = 40
MEAN_DIFFERENCE = 0.5  # of 255: the decoders convert colours with different versions of FFmpeg

needs_decord = pytest.mark.skipif(not decord_decoder.is_installed(), reason="decord is not installed here")
BACKENDS = [pytest.param("decord", marks=needs_decord), "pyav"]


def in_front(path: Path) -> Path:
    """Rewrite an mp4 with its index in front, so that cutting the end leaves the promised number of frames."""
    return copied(path, path.with_name(f"front_{path.name}"), {"movflags": "faststart"})


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b).mean())


# --- Which frames ---


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "libx264"), ("a.mpg", "mpeg2video")])
def test_frames_come_in_the_order_asked(name: str, codec: str, backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write_video(tmp_path / name, codec), tmp_path, backend=backend)
    assert reader.numbers == tuple(range(FRAMES))
    for asked in ([30, 31], [39, 0, 17, 17], [13], [11, 12, 24, 23, 5], [38, 39]):
        assert [number_of(frame) for frame in reader.read(asked, "rgb")] == asked


@needs_decord
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4")])
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_both_decoders_give_the_same_pixels(name: str, codec: str, color: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / name, codec)
    decord, pyav = (VideoFile(path, tmp_path, backend=backend) for backend in ("decord", "pyav"))
    assert decord.numbers == pyav.numbers
    assert decord.index.fps == pyav.index.fps == 25
    asked = [0, 7, 20, 39]
    assert difference(decord.read(asked, color), pyav.read(asked, color)) < MEAN_DIFFERENCE  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_pixels_are_red_green_blue_and_gray_weighs_them(backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write_video(tmp_path / "a.mkv", "ffv1"), tmp_path, backend=backend)
    rgb, gray = reader.read([3, 20], "rgb"), reader.read([3, 20], "gray")
    assert (rgb.shape, gray.shape) == ((2, HEIGHT, WIDTH, 3), (2, HEIGHT, WIDTH, 1))
    truth = np.stack([numbered_picture(3), numbered_picture(20)])
    # Half the colour resolution is lost in writing; exchanged channels would differ by much more.
    assert difference(rgb, truth) < 10 < 30 < difference(rgb[..., ::-1], truth)
    assert np.abs(gray[..., 0] - rgb @ [0.299, 0.587, 0.114]).max() <= 0.51


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_start_at_the_first_number(backend: Backend, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    from_zero = VideoFile(path, tmp_path, backend=backend)
    from_one = VideoFile(path, tmp_path, first_number=1, backend=backend)
    assert from_one.numbers == tuple(range(1, FRAMES + 1))
    assert np.array_equal(from_one.read([1, 40], "rgb"), from_zero.read([0, 39], "rgb"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_fps_may_be_a_fraction(backend: Backend, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", fps=Fraction(30000, 1001))
    assert VideoFile(path, tmp_path, backend=backend).index.fps == pytest.approx(29.97, abs=1e-3)


@needs_decord
def test_a_turned_video_and_one_with_hidden_frames_are_refused_by_decord(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    hidden = cut(path, tmp_path / "cut.mp4", 17, 30)
    with pytest.raises(DataError, match=r"decord counts 19 frames where 14 are shown; choose backend: pyav"):
        VideoFile(hidden, tmp_path, backend="decord").read([0], "rgb")
    for orientation in ("clockwise", "mirrored"):
        with pytest.raises(DataError, match="decord cannot read turned or mirrored videos; choose backend: pyav"):
            VideoFile(set_matrix(path, orientation), tmp_path, backend="decord").read([0], "rgb")


# --- What is refused ---


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("wanted", "near"), [(-1, 0), (40, 39)])
def test_a_number_that_is_not_there_names_the_nearest(wanted: int, near: int, backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write_video(tmp_path / "a.mp4"), tmp_path, backend=backend)
    with pytest.raises(DataError, match=rf"frame {wanted} is not there, the nearest is {near} \(40 frames, 0 to 39\)"):
        reader.read([0, wanted], "rgb")
    with pytest.raises(DataError, match="no frame number was requested"):
        reader.read([], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("content", "problem"), [(b"", r"empty \(zero bytes\)"), (b"hello world\n" * 50, "cannot be read as a video")]
)
def test_what_is_no_video_is_refused(content: bytes, problem: str, backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    reader = VideoFile(path, tmp_path, backend=backend)
    with pytest.raises(DataError, match=rf"a\.mp4: .*{problem}.*; copy it again or convert it"):
        reader.read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_mp4_cut_before_its_index_is_refused(backend: Backend, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-1500])
    reader = VideoFile(path, tmp_path, backend=backend)
    with pytest.raises(DataError, match="cannot be read as a video, it is damaged, truncated or of another type"):
        _ = reader.numbers
    with pytest.raises(DataError, match="cannot be read as a video"):
        _ = reader.index


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("part", [0.4, 0.9])
def test_an_mp4_cut_behind_its_index_is_refused(part: float, backend: Backend, tmp_path: Path) -> None:
    path = in_front(write_video(tmp_path / "a.mp4"))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(DataError, match="cannot be read as a video, it is damaged, truncated"):
        VideoFile(path, tmp_path, backend=backend).read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mpg", "mpeg1video")])
def test_a_file_whose_last_frame_is_cut_off_is_refused(name: str, codec: str, backend: Backend, tmp_path: Path) -> None:
    path = write_video(tmp_path / name, codec)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    with pytest.raises(DataError, match=r"truncated or of another type \(the last frames are incomplete\)"):
        VideoFile(path, tmp_path, backend=backend).read([0], "rgb")


@pytest.mark.parametrize("backend", BACKENDS)
def test_frames_that_are_promised_and_cannot_be_decoded_are_an_error(backend: Backend, tmp_path: Path) -> None:
    path = in_front(write_video(tmp_path / "a.mp4"))
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + (len(data) - data.find(b"mdat")) // 2
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    reader = VideoFile(path, tmp_path, backend=backend)
    assert len(reader.numbers) == FRAMES
    for _ in range(2):  # the second time with a decoder that failed before
        with pytest.raises(DataError, match=r"promises 40 frames, but not all of 0 to 39 can be decoded .*; copy it"):
            reader.read(list(range(FRAMES)), "rgb")


def test_a_file_with_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode(None)])
    with pytest.raises(DataError, match=r"a\.mkv: has sound but no picture; give a video of a face"):
        _ = VideoFile(path, tmp_path).numbers


def test_a_path_is_checked_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        VideoFile(tmp_path / "a.mp4", tmp_path)
    (tmp_path / "root").mkdir()
    (tmp_path / "a.mp4").touch()
    with pytest.raises(DataError, match="leaves the root"):
        VideoFile(tmp_path / "root" / ".." / "a.mp4", tmp_path / "root")


# --- Which decoder ---


@pytest.mark.parametrize(
    ("name", "codec", "installed", "chosen"),
    [
        ("a.mkv", "ffv1", True, "decord"),
        ("a.mkv", "ffv1", False, "pyav"),
        ("a.avi", "ffv1", True, "pyav"),
        ("a.mp4", "libx264", True, "pyav"),
    ],
)
def test_decord_reads_where_it_is_right_and_the_decoder_is_named_once_in_the_log(
    name: str,
    codec: str,
    installed: bool,
    chosen: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write_video(tmp_path / name, codec, 3)
    monkeypatch.setattr(decord_decoder, "is_installed", lambda: installed and is_there)
    caplog.set_level(logging.INFO)
    video_file._log_once.cache_clear()
    for _ in range(2):
        assert VideoFile(path, tmp_path).numbers == (0, 1, 2)
    assert caplog.messages == [f"video files are decoded by {chosen if is_there else 'pyav'}"]


is_there = decord_decoder.is_installed()


@needs_decord
def test_what_decord_cannot_open_pyav_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("cannot open")

    path = write_video(tmp_path / "a.mkv", "ffv1", 3)
    monkeypatch.setattr(video_file, "DecordDecoder", refuse)
    assert [number_of(frame) for frame in VideoFile(path, tmp_path).read([2, 0], "rgb")] == [2, 0]


def test_decord_is_refused_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").touch()
    monkeypatch.setattr(decord_decoder, "is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match="backend: decord is not installed; pip install decord, or choose"):
        VideoFile(tmp_path / "a.mp4", tmp_path, backend="decord")


def test_a_damaged_frame_in_the_middle_is_an_error_for_it_and_for_the_whole(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", "mjpeg")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][20]
        place, size = packet.pos, packet.size
    assert place is not None
    data = bytearray(path.read_bytes())
    data[place : place + size] = bytes(size)
    path.write_bytes(data)
    reader = VideoFile(path, tmp_path, backend="pyav")
    assert [number_of(frame) for frame in reader.read([19, 21, 39], "rgb")] == [19, 21, 39]
    with pytest.raises(DataError, match=r"promises 40 frames, but not all of 20 to 20 can be decoded"):
        reader.read([20], "rgb")
    with pytest.raises(DataError, match="a frame cannot be decoded"):
        list(reader.in_order(8, "gray"))


# --- Workers and caches ---


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reader_can_be_pickled_before_and_after_use(backend: Backend, tmp_path: Path) -> None:
    reader = VideoFile(write_video(tmp_path / "a.mp4"), tmp_path, first_number=1, backend=backend)
    before = pickle.dumps(reader)
    frames = reader.read([5, 6], "rgb")
    for copy in (pickle.loads(before), pickle.loads(pickle.dumps(reader))):
        assert np.array_equal(copy.read([5, 6], "rgb"), frames)


@pytest.mark.parametrize("backend", BACKENDS)
def test_another_process_opens_the_file_anew(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = VideoFile(write_video(tmp_path / "a.mp4"), tmp_path, backend=backend)
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
    path = write_video(tmp_path / "a.mp4")
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
