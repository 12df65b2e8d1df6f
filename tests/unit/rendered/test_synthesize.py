"""Making the corpus: the same bytes however it is made, and never half of it taken for the whole."""

import errno
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from data_modules.clip_table import ClipRow
from data_modules.databases.casme2 import CASME2
from data_modules.databases.casme_sq import CASMESquared
from data_modules.rendered import synthesize as module
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.options import Options
from data_modules.rendered.performance import Job
from data_modules.rendered.synthesize import UNFINISHED, is_finished, write_corpus
from data_modules.rendered.truth import Truth, read_truth
from lightmannet.cli import main
from lightmannet.errors import ConfigurationError, DataError

ROOT = Path(__file__).parents[3]
SMALL = Options(
    subjects=2,
    micro_clips=2,
    macro_clips=2,
    video_micro_clips=1,
    size=64,
    micro_fps=30,
    video_fps=15,
    label_noise=0.0,
)


def contents(root: Path) -> dict[str, str]:
    """Return a digest of each file but workbooks, which hold the time of writing."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".xlsx"
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus") / "whole"
    assert write_corpus(root, SMALL, workers=0)
    return root


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def rows(root: Path) -> list[ClipRow]:
    tables = CASME2(str(root / "casme2")).table(), CASMESquared(str(root / "casme_sq")).table()
    assert all(not table.notes for table in tables)
    return [row for table in tables for row in table.rows]


def truths(root: Path) -> list[Truth]:
    return [read_truth(path) for path in sorted((root / "truth").rglob("*.npz"))]


def test_two_workers_write_the_same_bytes_as_one_process(whole: Path, out: Path) -> None:
    write_corpus(out, SMALL, workers=2)
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_clips(tmp_path: Path) -> None:
    peaks = [_peak_memory(tmp_path / f"{people}", people) for people in (4, 16)]
    assert peaks[1] - peaks[0] < 24


def _peak_memory(out: Path, people: int) -> float:
    """Return the peak in MiB of a process that writes the corpus of so many people."""
    program = (
        "import resource, sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from data_modules.rendered.synthesize import write_corpus\n"
        "from tests.unit.rendered.test_synthesize import SMALL\n"
        "write_corpus(Path(sys.argv[1]), replace(SMALL, subjects=int(sys.argv[2])), workers=0)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    words = [sys.executable, "-c", program, str(out), str(people)]
    return float(subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1])


def test_the_real_readers_read_every_clip_without_a_note(whole: Path) -> None:
    found = rows(whole)
    assert [row.kind for row in found].count("macro") == SMALL.subjects * SMALL.macro_clips
    assert sum(row.database == "casme2" for row in found) == SMALL.subjects * SMALL.micro_clips
    assert sum(row.database == "casme_sq" for row in found) == SMALL.subjects * 3
    assert all(row.numbers == tuple(range(row.onset, row.offset + 1)) for row in found)


@pytest.mark.parametrize(("name", "frames"), [("casme2", "cropped"), ("casme_sq", "selected"), ("casme_sq", "video")])
def test_the_check_of_databases_finds_no_fault(
    whole: Path, name: str, frames: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["databases", "check", name, f"--root={whole / name}", f"--frames={frames}", "--workers=0"])
    assert "no faults" in capsys.readouterr().out


def test_the_truth_agrees_with_the_workbooks(whole: Path) -> None:
    coded = {(row.onset, row.apex, row.offset, frozenset(u.number for u in row.action_units)) for row in rows(whole)}
    true = {
        (e.onset, e.apex, e.offset, frozenset(np.array(t.unit_numbers)[strength.max(axis=1) > 0].tolist()))
        for t in truths(whole)
        for e, strength in zip(t.expressions, t.strengths, strict=True)
    }
    assert coded == true


def test_the_truth_holds_every_frame_and_the_motion_to_each_apex(whole: Path) -> None:
    for truth in truths(whole):
        frames = len(truth.units)
        assert truth.landmarks.shape == (frames, 68, 2)
        assert truth.unit_numbers == UNITS
        assert truth.flow.shape == (len(truth.expressions), 2, SMALL.size, SMALL.size)
        assert np.isfinite(truth.flow).all()
        assert np.abs(truth.flow).max() > 0.2
        assert len(truth.blink) == len(truth.mouth) == len(truth.head) == len(truth.light) == frames


def test_a_long_video_has_a_frame_for_every_moment_and_its_rate(whole: Path) -> None:
    videos = sorted((whole / "casme_sq" / "rawvideo").rglob("*.mp4"))
    by_name = {(t.subject, len(t.units)) for t in truths(whole) if t.fps == SMALL.video_fps}
    for video in videos:
        with av.open(str(video)) as container:
            assert container.streams.video[0].average_rate == SMALL.video_fps
            frames = sum(1 for _ in container.decode(video=0))
        assert (int(video.parent.name[1:]), frames) in by_name


def test_an_interrupted_corpus_is_no_database_yet_and_is_completed_to_the_same_bytes(
    whole: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = Path.write_bytes, []

    def until_it_is_stopped(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 25:
            write(path, content[:10])
            raise KeyboardInterrupt
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", until_it_is_stopped)
        with pytest.raises(KeyboardInterrupt):
            write_corpus(out, SMALL, workers=0)
    assert not is_finished(out, SMALL)
    with pytest.raises(DataError, match=f"the coding workbook is missing.*{UNFINISHED}"):
        CASME2(str(out / "casme2")).table()
    with pytest.raises(DataError, match=f"the code workbook is missing.*{UNFINISHED}"):
        CASMESquared(str(out / "casme_sq")).table()
    assert write_corpus(out, SMALL, workers=0)
    assert contents(out) == contents(whole)
    assert is_finished(out, SMALL)


def test_going_on_makes_nothing_again_but_what_is_damaged(
    whole: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, out)
    manifest = json.loads((out / "corpus.json").read_text())
    (out / "corpus.json").write_text(json.dumps({**manifest, "finished": False}))
    frame = next((out / "casme2").rglob("*.jpg"))
    frame.write_bytes(frame.read_bytes()[:-1])
    made = []
    render = module.render

    def noted(options: Options, job: Job) -> Iterator[tuple[str, bytes]]:
        made.append(job)
        return render(options, job)

    monkeypatch.setattr(module, "render", noted)
    write_corpus(out, SMALL, workers=0)
    assert len(made) == 1
    assert contents(out) == contents(whole)


def test_a_finished_corpus_is_left_as_it_is(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "render", None)
    assert not write_corpus(whole, SMALL, workers=0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_is_an_error_that_says_how_to_go_on(
    workers: int, whole: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".mp4":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            DataError, match=r"mp4: cannot be written \(No space left on device\).*to continue where it stopped"
        ):
            write_corpus(out, SMALL, workers=workers)
    assert not is_finished(out, SMALL)
    write_corpus(out, SMALL, workers=0)
    assert contents(out) == contents(whole)


def test_too_little_room_is_said_before_anything_is_made(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(out.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DataError, match=r"the corpus needs about 0\.0 GB, and 0\.0 GB are free"):
        write_corpus(out, SMALL, workers=0)


def test_a_folder_with_other_things_is_left_alone(out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"not empty and contains no corpus to resume \(thesis\.tex\)"):
        write_corpus(out, SMALL, workers=0)
    assert (out / "thesis.tex").read_text() == "mine"


def test_a_corpus_of_other_options_is_left_alone(whole: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"other options \(seed: 5 now, 0 there\)"):
        write_corpus(whole, replace(SMALL, seed=5), workers=0)


def test_a_corpus_of_another_version_is_left_alone(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "generator_digest", lambda: "0" * 16)
    with pytest.raises(ConfigurationError, match="contains a corpus by another version"):
        write_corpus(whole, SMALL, workers=0)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_manifest_is_named(out: Path, content: str) -> None:
    out.mkdir()
    (out / "corpus.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"corpus\.json: (damaged|does not describe a corpus)"):
        write_corpus(out, SMALL, workers=0)


def test_a_file_in_the_place_of_the_folder_is_named(out: Path) -> None:
    out.write_text("")
    with pytest.raises(ConfigurationError, match="out: is a file; use a folder"):
        write_corpus(out, SMALL, workers=0)


def test_a_negative_number_of_workers_is_refused(out: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers=-1: 0 or more"):
        write_corpus(out, SMALL, workers=-1)


@pytest.mark.parametrize("content", [b"", b"no truth", None])
def test_a_missing_or_damaged_file_of_truth_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clip01.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"clip01\.npz: (there is no such|damaged, or not a) ground-truth file"):
        read_truth(path)


def test_another_seed_shows_other_people(whole: Path, out: Path) -> None:
    write_corpus(out, replace(SMALL, seed=1, subjects=1, micro_clips=1, macro_clips=1), workers=0)
    assert not set(contents(out).values()) & set(contents(whole).values()) - unfinished_or_lock(whole)


def unfinished_or_lock(root: Path) -> set[str]:
    return {digest for name, digest in contents(root).items() if name == ".lock"}


@pytest.mark.slow
def test_after_kill_9_the_same_command_completes_the_same_bytes(whole: Path, out: Path) -> None:
    options = ["--subjects=2", "--micro_clips=2", "--macro_clips=2", "--size=64", "--micro_fps=30", "--video_fps=15"]
    words = ["synthesize", str(out), *options, "--label_noise=0", "--workers=2"]
    script = f"import sys; sys.path[:0] = ['src', '.']; from lightmannet.cli import main; main({words!r})"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list(out.rglob("*.npz")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    main(words)
    assert contents(out) == contents(whole)
