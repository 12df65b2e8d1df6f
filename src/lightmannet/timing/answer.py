"""The command ``lightmannet bench-answer``: from a raw clip to an answer, compared with the unavoidable work.

The clip is a rendered smile in a video file; the bundle has random weights, as what they are costs nothing. Answers and
plain OpenCV take turns, so a machine that slows down slows both, and the ratio is what counts.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from data_modules.rendered.camera import Camera
from data_modules.rendered.face import draw_face
from data_modules.rendered.muscles import UNITS
from data_modules.rendered.pictures import Film
from data_modules.rendered.scene import Scene, State, at_rest
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.optical_flow import dis_estimator, tvl1
from lightmannet.episode import Clips
from lightmannet.inference.answer import STAGES, Answer
from lightmannet.inference.bundle import Bundle, Draw, is_weight, write_bundle
from lightmannet.inference.moment.region_motion import SIZE
from lightmannet.inference.parts import Spec, build, representation_spec
from lightmannet.inference.recogniser import load

_FPS, _SMILE = 100, 30
_CLASSES = ("negative", "positive", "surprise")
_METHOD: Spec = {
    "name": "LightmanNet",
    "options": {"network": {"name": "TwoBranchNetwork", "options": {"alignment_features": 64}}},
}
_DRAWS, _SHOTS = 4, 5
_COMMAND = "from lightmannet.cli import main; main()"
_LIMIT = "import cv2, lightning.pytorch"


def bench_answer(answers: int = 10, frames: int = 100, size: int = 256, fresh: int = 3, threads: int = 1) -> None:
    """Time answers for a raw clip by stage, with and without adapting to a person, compared with plain OpenCV.

    Args:
        answers: Number of timed answers of each kind.
        frames: Frames of the clip, at 100 per second; at least 30.
        size: Height and width of a frame, pixels, even.
        fresh: Number of new processes for timing the first answer.
        threads: Threads of torch and OpenCV.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        clip, bundle = write_smile(root / "clip.mp4", frames, size), write_random_bundle(root / "bundle")
        console.print(f"timing answers for {frames} frames of {size} × {size} pixels, random weights, in turns …")
        recogniser = load(bundle)
        start = time.perf_counter()
        adapted = recogniser.adapt(_labelled(root / "mine", clip))
        adapting = time.perf_counter() - start
        interval = (frames // 2 - _SMILE // 2, frames // 2, frames // 2 + _SMILE // 2)
        ways: dict[str, Callable[[], Answer]] = {
            "interval found": lambda: recogniser.predict(clip),
            "interval given": lambda: recogniser.predict(clip, interval),
            "interval found, adapted to a person": lambda: adapted.predict(clip),
        }
        console.print(_in_turns(ways, clip, answers))
        console.print(
            f"adapting to a person: {adapting:.2f} s for 4 labelled clips, which are looked at and each answered from "
            "the others"
        )
        if fresh:
            console.print(_first(clip, bundle, fresh))


def write_smile(path: Path, frames: int, size: int) -> Path:
    """Write a video at 100 frames per second of a rendered face that smiles in the middle, for 0.3 s.

    Args:
        path: The file, ``.mp4``.
        frames: Number of frames, at least 30.
        size: Height and width of a frame, pixels, even.
    """
    scene = Scene(draw_face(np.random.default_rng(3)), Camera(size))
    film = Film(size, _FPS, 12)
    time_of = (np.arange(frames) - frames // 2) / (_SMILE / 2)
    for number, strength in enumerate(0.8 * np.cos(np.pi / 2 * time_of.clip(-1, 1)) ** 2):
        units = at_rest()
        for unit in (6, 12):
            units[UNITS.index(unit)] = strength
        film.add(scene.render(State(units), np.random.default_rng([4, number])))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(film.close())
    return path


def write_random_bundle(folder: Path) -> Path:
    """Write a bundle of an untrained LightmanNet on TV-L1 flow, and return its folder."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    settings = {
        "classes": list(_CLASSES),
        "learner": _METHOD,
        "representation": representation_spec(ApexFlow()),
        "crop": {"name": "WholeFrame", "options": {}},
        "missing_apex": "middle",
        "corpus": "none",
        "synthetic": True,
        "calibration": {"temperature": 1.0, "threshold": 0.0, "clips": 0},
    }
    draws = tuple(Draw(_noise(random, "micro"), _noise(random, "macro")) for _ in range(_DRAWS))
    weights = {k: v for k, v in build(_METHOD).state_dict().items() if is_weight(k)}
    write_bundle(folder, Bundle(settings, weights, draws, "Random weights, to time answers with.\n"))
    return folder


def _noise(random: torch.Generator, name: str) -> Clips:
    count = _SHOTS * len(_CLASSES)
    labels = torch.arange(count) % len(_CLASSES)
    ids = tuple(f"noise/{name}/{number}" for number in range(count))
    return Clips(0.1 * torch.randn(count, 1, 3, 28, 28, generator=random), labels, ("noise/nobody",) * count, ids)


def _labelled(folder: Path, clip: Path) -> Path:
    """Return a folder with two clips of each of two classes."""
    for label in _CLASSES[:2]:
        (folder / label).mkdir(parents=True)
        for number in range(2):
            (folder / label / f"{number}.mp4").write_bytes(clip.read_bytes())
    return folder


def _in_turns(ways: Mapping[str, Callable[[], Answer]], clip: Path, count: int) -> Table:
    """Return a row per kind of answer: medians of ``count``, and ratios to plain OpenCV in the same turn."""
    seconds: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for number in range(count + 1):
        once = {name: _timed(way) for name, way in ways.items()}
        plain = _opencv_alone(clip)
        if number:  # the first one includes loading
            for name, found in once.items():
                seconds[name].append({**found, **plain})
    table = Table(
        "", *STAGES, "all", "beside decoding and a flow", "… and motion in each frame", title="next answers, ms"
    )
    for name, rows in seconds.items():
        ratios = [_ratio([row["all"] / row[limit] for row in rows]) for limit in ("flow", "motion")]
        if not any(row["spot"] for row in rows):
            ratios[1] = ""  # without spotting
        table.add_row(name, *(_milliseconds([row[stage] for row in rows]) for stage in (*STAGES, "all")), *ratios)
    return table


def _timed(way: Callable[[], Answer]) -> dict[str, float]:
    start = time.perf_counter()
    answer = way()
    return {**answer.seconds, "all": time.perf_counter() - start}


def _opencv_alone(clip: Path) -> dict[str, float]:
    """Return the seconds of decoding and one TV-L1 flow, and of DIS flow in each frame on top, by plain OpenCV."""
    start = time.perf_counter()
    film, frames = cv2.VideoCapture(str(clip)), []
    while (frame := film.read())[0]:
        frames.append(cv2.cvtColor(frame[1], cv2.COLOR_BGR2GRAY))
    side = ApexFlow().working_size
    first, apex = (cv2.resize(frames[n], (side, side), interpolation=cv2.INTER_AREA) for n in (0, len(frames) // 2))
    tvl1(first, apex)
    between = time.perf_counter()
    small = [cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for frame in frames]
    flow = dis_estimator("ultrafast")
    for later in small:
        flow(small[0], later)
    end = time.perf_counter()
    return {"flow": between - start, "motion": end - start}


def _first(clip: Path, bundle: Path, count: int) -> Table:
    """Return the duration of a process with one answer, compared with one that only loads Lightning."""
    rows = []
    for _ in range(count):
        start = time.perf_counter()
        arguments = ["predict", str(clip), "--model", str(bundle), "--output", "-"]
        done = subprocess.run([sys.executable, "-c", _COMMAND, *arguments], check=True, capture_output=True, text=True)
        between = time.perf_counter()
        subprocess.run([sys.executable, "-c", _LIMIT], check=True)
        seconds = json.loads(done.stdout)["seconds"]
        whole = between - start
        rows.append(
            {**seconds, "start": whole - sum(seconds.values()), "all": whole, "limit": time.perf_counter() - between}
        )
    table = Table("start, load", *STAGES, "all", "beside loading Lightning", title="first answer, a fresh process, ms")
    columns = ("start", *STAGES, "all")
    table.add_row(
        *(_milliseconds([r[c] for r in rows]) for c in columns), _ratio([r["all"] / r["limit"] for r in rows])
    )
    return table


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f}"


def _ratio(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f})"
