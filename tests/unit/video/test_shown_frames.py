"""The frames of a video are those that a player shows: held against those that FFmpeg plays, and their numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt8

from data_modules.video import decord_decoder
from data_modules.video.orientation import UPRIGHT
from data_modules.video.video_file import VideoFile
from data_modules.video.video_index import VideoIndex, average_rate
from lightmannet.errors import DataError
from tests.video_files import (
    HEIGHT,
    ORIENTATIONS,
    WIDTH,
    copied,
    cut,
    number_of,
    oriented,
    played,
    set_edits,
    set_matrix,
    write_video,
)

FRAMES = 40
CUT = (17, 30)
"""First and last frame of what is cut out; key frames are 0, 12, 24 and 36."""

needs_decord = pytest.mark.skipif(not decord_decoder.is_installed(), reason="decord is not installed here")


@dataclass(frozen=True)
class Format:
    """A container and a codec.

    Attributes:
        suffix: The container.
        codec: The encoder.
        options: Options of the encoder.
    """

    suffix: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.suffix[1:], self.codec, *self.options.values()])

    @property
    def edits(self) -> bool:
        """Whether the container has edit lists and display matrices."""
        return self.suffix in (".mp4", ".mov", ".m4v")


_QUIET = "log-level=none"
_OPEN = {"bf": "3", "x264-params": "open-gop=1"}
_HIDDEN = {"auto-alt-ref": "1", "lag-in-frames": "16"}
FORMATS = [
    *(Format(suffix, "libx264") for suffix in (".mp4", ".mov", ".m4v", ".mkv", ".avi")),
    *(Format(suffix, "libx264", {"bf": "0"}) for suffix in (".mp4", ".mkv", ".avi")),
    *(Format(suffix, "libx264", _OPEN) for suffix in (".mp4", ".mkv")),
    *(Format(suffix, "libx265", {"x265-params": _QUIET}) for suffix in (".mp4", ".mkv")),
    *(Format(suffix, "libx265", {"x265-params": f"open-gop=0:{_QUIET}"}) for suffix in (".mov", ".mkv")),
    *(Format(suffix, "libvpx", _HIDDEN) for suffix in (".webm", ".mkv")),
    *(Format(suffix, "libvpx-vp9", _HIDDEN) for suffix in (".webm", ".mkv", ".mp4")),
    *(Format(suffix, "libsvtav1", {"preset": "8", "crf": "5"}) for suffix in (".mp4", ".webm", ".mkv")),
    *(Format(suffix, "mpeg4", {"bf": bf}) for suffix in (".mp4", ".avi", ".mkv", ".m4v") for bf in ("0", "2")),
    *(Format(suffix, codec) for suffix in (".avi", ".mkv") for codec in ("mjpeg", "ffv1")),
    Format(".mov", "mjpeg"),
    *(Format(suffix, "mpeg1video", {"bf": "2"}) for suffix in (".mpg", ".mkv")),
    *(Format(suffix, "mpeg2video", {"bf": "2"}) for suffix in (".mpeg", ".mkv", ".mov")),
    *(Format(suffix, "wmv2") for suffix in (".wmv", ".avi")),
    Format(".avi", "msmpeg4v2"),
    Format(".mov", "prores_ks"),
]
UNEVEN = [number + number // 3 for number in range(FRAMES)]
"""Times with a gap after each third frame."""


def check(path: Path, orientation: str = "upright", numbers: Sequence[int] | None = None) -> VideoFile:
    """Hold the reader of a video against what FFmpeg plays, and against the numbers that its frames carry."""
    stored, times = played(path)
    shown = np.stack([oriented(frame, orientation) for frame in stored])
    if numbers is not None:
        assert [number_of(frame) for frame in stored] == list(numbers)
    reader = VideoFile(path, path.parent, backend="pyav")
    assert reader.numbers == tuple(range(len(shown)))
    assert (reader.index.height, reader.index.width) == shown.shape[1:3]
    assert np.array_equal(np.concatenate(list(reader.in_order(7, "rgb"))), shown)
    order = np.random.default_rng(0).permutation(len(shown)).tolist()
    assert np.array_equal(reader.read(order, "rgb"), shown[order])
    for number in order[:3]:
        assert np.array_equal(VideoFile(path, path.parent).read([number], "rgb")[0], shown[number])
    known = [time for time in times if time is not None]
    if len(known) == len(shown) and all(np.diff(known) > 0):
        assert np.allclose(reader.index.seconds, np.array(known) - known[0], atol=1e-6)
    for beyond in (len(shown), len(shown) + 5):
        with pytest.raises(DataError, match=rf"frame {beyond} is not there, the nearest is {len(shown) - 1} "):
            reader.read([beyond], "rgb")
    check_decord(path, shown)
    return reader


def check_decord(path: Path, shown: UInt8[np.ndarray, "frame height width 3"]) -> bool:
    """Return whether decord reads a video; what it reads must be what is shown, but for another FFmpeg's colours."""
    if not decord_decoder.is_installed():
        return False
    try:
        reader = VideoFile(path, path.parent, backend="decord")
        frames = reader.read(reader.numbers, "rgb")
    except DataError as error:
        if not re.search("choose backend: pyav|cannot find video stream|Failed to measure duration", str(error)):
            raise
        return False
    assert frames.shape == shown.shape
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(frames, shown, strict=True)) < 1
    return True


# --- A sample of everything ---


SAMPLE = [
    Format(".mp4", "libx264"),
    Format(".mov", "libx264", _OPEN),
    Format(".avi", "libx264"),
    Format(".avi", "mpeg4", {"bf": "2"}),
    Format(".mkv", "ffv1"),
    Format(".mpg", "mpeg1video", {"bf": "2"}),
    Format(".wmv", "wmv2"),
    Format(".webm", "libvpx", _HIDDEN),
]


@pytest.mark.parametrize("form", SAMPLE, ids=str)
def test_all_frames_of_a_whole_video_are_read_by_both_decoders(form: Format, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"a{form.suffix}", form.codec, FRAMES, options=form.options)
    reader = check(path, numbers=range(FRAMES))
    assert reader.index.fps == pytest.approx(25)
    assert not reader.index.variable


@needs_decord
def test_decord_reads_the_whole_videos_of_the_sample(tmp_path: Path) -> None:
    for form in SAMPLE:
        path = write_video(tmp_path / f"a{form.suffix}", form.codec, FRAMES, options=form.options)
        assert check_decord(path, np.stack(played(path)[0])), form


@pytest.mark.parametrize("form", [*SAMPLE[:2], Format(".mp4", "libx264", {"bf": "0"})], ids=str)
def test_what_an_edit_list_cuts_off_is_not_counted(form: Format, tmp_path: Path) -> None:
    whole = write_video(tmp_path / f"a{form.suffix}", form.codec, FRAMES, options=form.options)
    path = cut(whole, tmp_path / f"cut{form.suffix}", *CUT)
    reader = check(path, numbers=range(CUT[0], CUT[1] + 1))
    assert reader.index.hides
    assert reader.index.fps == pytest.approx(25)


def test_an_edit_list_may_also_cut_off_the_end_and_show_two_parts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", fps=25, options={"bf": "0"})
    unit = 12800 // 25  # of time, a frame
    check(set_edits(path, [(400, 5 * unit)]), numbers=range(5, 15))
    check(set_edits(path, [(200, 5 * unit), (200, 20 * unit)]), numbers=[*range(5, 10), *range(20, 25)])


@pytest.mark.parametrize("form", [Format(".mkv", "mpeg2video", {"bf": "2"}), SAMPLE[3], SAMPLE[5]], ids=str)
def test_frames_that_refer_to_one_that_was_cut_off_are_not_counted(form: Format, tmp_path: Path) -> None:
    whole = write_video(tmp_path / f"a{form.suffix}", form.codec, FRAMES, options=form.options)
    path = cut(whole, tmp_path / f"cut{form.suffix}", *CUT)  # two frames before the key frame 12 remain, and are lost
    check(path, numbers=range(12, CUT[1] + 1))


def test_av1_is_read_though_decord_cannot(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", "libsvtav1", 4, options={"preset": "8", "crf": "5"})
    check(path, numbers=range(4))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_frames_are_turned_and_mirrored_as_a_player_does(orientation: str, tmp_path: Path) -> None:
    path = set_matrix(write_video(tmp_path / "a.mp4", frames=3), orientation)
    reader = check(path, orientation, range(3))
    assert reader.index.turned == (orientation != "upright")
    assert check_decord(path, np.stack(played(path)[0])) == (orientation == "upright" and decord_decoder.is_installed())


def test_the_orientation_of_an_mkv_counts_too(tmp_path: Path) -> None:
    path = set_matrix(write_video(tmp_path / "a.mp4", frames=3), "clockwise")
    check(copied(path, tmp_path / "a.mkv"), "clockwise", range(3))


def test_other_turns_than_quarter_turns_are_refused(tmp_path: Path) -> None:
    path = set_matrix(write_video(tmp_path / "a.mp4", frames=3), "upright", (46341, 46341, -46341, 46341))
    with pytest.raises(DataError, match=r"a\.mp4: .*its display matrix turns the frames by other than quarter turns"):
        _ = VideoFile(path, tmp_path).numbers


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_of_uneven_length_keep_their_times(suffix: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"a{suffix}", times=UNEVEN)
    reader = check(path, numbers=range(FRAMES))
    assert np.allclose(reader.index.seconds, np.array(UNEVEN) / 25, atol=1e-3)
    assert reader.index.variable
    assert reader.index.fps == pytest.approx(25 * 39 / 52, rel=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_gap_that_a_cut_left_at_the_end_changes_no_rate(suffix: str, tmp_path: Path) -> None:
    reader = check(write_video(tmp_path / f"a{suffix}", fps=30, frames=31, times=[*range(30), 31]), numbers=range(31))
    assert reader.index.fps == pytest.approx(30, rel=1e-3)
    assert not reader.index.variable


@pytest.mark.parametrize(
    ("steps", "fps", "variable"),
    [
        ([1] * 30 + [2], 25, False),
        ([4] + [1] * 30, 25, False),
        ([3] + [1] * 20 + [2, 2], 25, False),
        ([1] * 15 + [2] + [1] * 15, 25 * 31 / 32, True),  # a frame in the middle is lacking
        ([1, 1, 2] * 10, 25 * 3 / 4, True),
        ([1, 2, 1], 25 * 3 / 4, True),
        ([1], 25, False),
    ],
)
def test_only_gaps_at_the_ends_are_of_no_account(steps: list[int], fps: float, variable: bool) -> None:
    seconds = tuple(np.cumsum([0, *steps]) / 25)
    assert average_rate(0, seconds) == pytest.approx(fps)
    assert video_index(seconds).variable == variable


def video_index(seconds: tuple[float, ...]) -> VideoIndex:
    return VideoIndex("mp4", "h264", seconds, (), (), False, 25, HEIGHT, WIDTH, UPRIGHT)


# --- Everything with everything ---


def variants(form: Format, whole: Path, fps: Fraction | int) -> Iterator[tuple[Path, Sequence[int] | None]]:
    """Yield a video whole and cut without encoding it anew, with the numbers of its frames where they are certain."""
    yield whole, range(FRAMES)
    if form.suffix == ".mpeg":
        return  # its packets have no decoding times to copy
    for first, last in (CUT, (1, 39), (12, 20), (35, 38)):
        path = cut(whole, whole.with_name(f"{whole.stem}-{first}-{last}{form.suffix}"), first, last, fps)
        # A last frame without the one it refers to may be left out; without an edit list it starts at the key frame.
        yield path, None


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_every_format_cut_orientation_and_rate_gives_the_frames_that_ffmpeg_gives(form: Format, tmp_path: Path) -> None:
    rates: list[tuple[Fraction | int, list[int] | None]] = [(25, None), (200, None), (Fraction(30000, 1001), None)]
    if form.suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi"):
        rates.append((25, UNEVEN))
    for place, (fps, times) in enumerate(rates):
        if form.codec.startswith("mpeg") and form.codec.endswith("video") and fps == 200:
            continue  # MPEG-1 and MPEG-2 know no such rate
        whole = write_video(tmp_path / f"{place}{form.suffix}", form.codec, FRAMES, fps, 12, form.options, times)
        for path, numbers in list(variants(form, whole, fps)):  # before the whole is turned
            check(path, numbers=numbers)
            if form.edits:
                for orientation in ORIENTATIONS:
                    check(set_matrix(path, orientation), orientation, numbers)
