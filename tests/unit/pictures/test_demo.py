import base64
import re
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lightmannet.commands import demo
from lightmannet.commands.demo import answer_for
from lightmannet.errors import ConfigurationError
from lightmannet.inference.clip_file import open_clip
from lightmannet.inference.recogniser import Recogniser, load
from tests.bundles import moving_frames, rise_and_fall, write_film, write_small_bundle

NOBODY: tuple[None, ...] = (None, None, None)


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return load(write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle"))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", moving_frames(rise_and_fall(30, 3.0)))


def uploaded(film: Path, folder: Path, name: str = "clip.mp4") -> str:
    """Copy a film as the page does with an upload: alone into a folder of its own."""
    own = folder / name.replace(".", "-")
    own.mkdir()
    return str(shutil.copy(film, own / name))


def said(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_an_answer_has_its_bars_its_values_and_a_picture_to_save(
    recogniser: Recogniser, film: Path, tmp_path: Path
) -> None:
    heard: list[str] = []
    clip = uploaded(film, tmp_path)
    html, answer = answer_for(recogniser, clip, NOBODY, lambda share, words: heard.append(words))
    assert answer is not None
    assert answer["clip"] == "clip.mp4"
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert html.count('<div class="bar') == 4  # three bars, and what holds them
    for name in recogniser.classes:
        assert name in said(html)
    saved = re.search(r'download="answer.png" href="data:image/png;base64,([^"]+)"', html)
    assert saved
    assert base64.b64decode(saved[1]).startswith(b"\x89PNG")
    assert str(tmp_path) not in html
    assert heard == ["looking for a movement", "drawing"]


def test_after_the_answer_nothing_is_left_of_the_clips(recogniser: Recogniser, film: Path, tmp_path: Path) -> None:
    clip, first, second = (uploaded(film, tmp_path, f"{name}.mp4") for name in ("clip", "first", "second"))
    html, answer = answer_for(recogniser, clip, ([first], None, [second]), lambda share, words: None)
    assert answer is not None
    assert re.search("Adapted; leave-one-out over your 2 clips: . right before adapting, . after", said(html))
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_said_without_its_place_and_deleted(recogniser: Recogniser, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    broken = tmp_path / "own" / "broken.mp4"
    broken.write_text("no video at all")
    html, answer = answer_for(recogniser, str(broken), NOBODY, lambda share, words: None)
    assert answer is None
    assert said(html).startswith("No answer broken.mp4: cannot be read as a video")
    assert str(tmp_path) not in html
    assert list(tmp_path.iterdir()) == []


def test_one_class_to_adapt_to_is_refused_on_the_page(recogniser: Recogniser, film: Path, tmp_path: Path) -> None:
    clip, first = uploaded(film, tmp_path), uploaded(film, tmp_path, "first.mp4")
    html, answer = answer_for(recogniser, clip, ([first], None, None), lambda share, words: None)
    assert answer is None
    assert "all clips show negative" in said(html)
    assert list(tmp_path.iterdir()) == []


def test_asking_without_a_clip_says_what_to_do(recogniser: Recogniser) -> None:
    assert "There is no clip yet" in answer_for(recogniser, None, NOBODY, lambda share, words: None)[0]


def test_without_gradio_the_command_says_what_to_install(
    recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with (
        pytest.raises(ConfigurationError, match=r"needs Gradio: pip install 'lightmannet\[demo\]'"),
        demo.serve(recogniser),
    ):
        pass


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_what_a_browser_records_is_read(codec: str, recogniser: Recogniser, tmp_path: Path) -> None:
    # Matroska as it is streamed, without a duration, an index or the number of its frames, and frames left out where
    # the machine was busy. The header says 30 frames per second; by their times there are 20.
    path = tmp_path / "camera.webm"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream(codec, rate=30)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, gray in enumerate(moving_frames(rise_and_fall(21, 3.0), size=64)):
            frame = av.VideoFrame.from_ndarray(np.repeat(gray[..., None], 3, 2), format="rgb24")
            frame.pts, frame.time_base = 33 * number + 67 * (number // 4), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = open_clip(path)
    assert sum(len(chunk) for chunk in clip.chunks("gray")) == len(clip.numbers) == 21
    assert clip.fps == pytest.approx(20.1, abs=0.1)
    answer = recogniser.predict(path)
    assert answer.interval is not None
    assert sum(answer.probabilities) == pytest.approx(1, abs=1e-5)
    assert "variable_frame_rate" in {warning.code for warning in answer.warnings}
