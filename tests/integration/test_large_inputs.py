"""Very many clips, very long and very large ones: memory stays flat, and what was killed goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from lightmannet.inference.recogniser import load
from tests.bundles import moving_frames, rise_and_fall, write_film, write_small_bundle

MEGABYTE = 1_000_000
COMMAND = "from lightmannet.cli import main; main()"
PATIENCE = 1800  # seconds


def predicting(words: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", COMMAND, "predict", *words], stdout=subprocess.DEVNULL)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def resident(process: subprocess.Popen[bytes]) -> int:
    """Return the memory that a running process holds, bytes."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_a_thousand_clips_stream_at_flat_memory_and_go_on_after_a_kill(tmp_path: Path) -> None:
    clips, warm, most = 1000, 100, 25 * MEGABYTE
    film = write_film(tmp_path / "film.mp4", moving_frames(rise_and_fall(16, 3.0), size=64))
    (tmp_path / "clips").mkdir()
    for number in range(clips):
        shutil.copy(film, tmp_path / "clips" / f"{number:04d}.mp4")
    bundle, output = write_small_bundle(tmp_path / "bundle"), tmp_path / "out.jsonl"
    words = [str(tmp_path / "clips"), "--model", str(bundle), "--output", str(output)]
    begun, until = 0, clips // 2
    for end in (until, clips):
        process = predicting(words)
        held: list[int] = []  # of memory, from the hundredth clip on
        latest = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < latest:
            if end < clips and lines(output) >= end:
                process.send_signal(signal.SIGKILL)
                process.wait()
                break
            if begun + warm <= lines(output) < clips:
                held.append(resident(process))
            time.sleep(0.2)
        print(f"clips {begun} to {lines(output)}: {held[0] / MEGABYTE:.0f} MB, at most {max(held) / MEGABYTE:.0f} MB")
        assert max(held) - held[0] < most
        assert process.returncode == (-signal.SIGKILL if end < clips else 0)
        begun = lines(output)
    answered = [json.loads(line) for line in output.read_text().splitlines()]
    assert sorted(Path(line["clip"]).name for line in answered) == [f"{number:04d}.mp4" for number in range(clips)]
    assert all(line["probabilities"] == answered[0]["probabilities"] for line in answered)


PEAK = """
import resource, sys
from lightmannet.inference.recogniser import load
recogniser = load(sys.argv[1])
for clip in sys.argv[2:]:
    answer = recogniser.predict(clip)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, answer.interval.apex, *(w.code for w in answer.warnings))
"""


@pytest.mark.slow
def test_a_video_of_eleven_minutes_takes_no_more_memory_than_one_of_a_minute(tmp_path: Path) -> None:
    fps, size, most = 12, 96, 30
    rest, smile = [0.0] * (30 * fps), rise_and_fall(10, 3.0)
    minute = moving_frames([*rest, *smile, *rest], size=size)
    still = np.broadcast_to(minute[:1], (300 * fps, size, size))
    short = write_film(tmp_path / "short.mp4", minute, fps)
    long = write_film(tmp_path / "long.mp4", np.concatenate([still, minute, still]), fps)
    bundle = write_small_bundle(tmp_path / "bundle")
    command = [sys.executable, "-c", PEAK, str(bundle), str(short), str(long)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (before, near, *_), (after, far, *codes) = (line.split() for line in done.stdout.splitlines())
    grown = (int(after) - int(before)) * 1024 / MEGABYTE
    print(f"a minute: {int(before) * 1024 / MEGABYTE:.0f} MB, eleven minutes: {grown:+.0f} MB")
    assert grown < most  # all its frames would take 220 MB in colour
    assert abs(int(near) - 30 * fps - 5) <= 2
    assert abs(int(far) - 330 * fps - 5) <= 2
    assert "long_video" in codes


@pytest.mark.slow
def test_a_clip_of_the_largest_usual_size_is_answered(tmp_path: Path) -> None:
    small = moving_frames(rise_and_fall(12, 2.0), size=96)
    large = np.stack([cv2.resize(frame, (3840, 2160), interpolation=cv2.INTER_CUBIC) for frame in small])
    recogniser = load(write_small_bundle(tmp_path / "bundle"))
    answer = recogniser.predict(write_film(tmp_path / "large.mp4", large))
    assert answer.interval is not None
    assert abs(answer.interval.apex - 6) <= 1
    assert sum(answer.probabilities) == pytest.approx(1)
    (said,) = [warning for warning in answer.warnings if warning.code == "large_frames"]
    assert said.message.startswith("Frames of 3840 x 2160 pixels are shrunk")
