"""The command ``lightmannet bench-data``: from frames on disk to an episode, compared with a plain OpenCV loop.

Made frames (moving noise, JPEG, 640 × 480) take the place of faces. Ours and the plain loop take turns clip by clip, so
a machine that slows down slows both, and the ratio is what counts.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from data_modules.cache import ArrayCache, digest
from data_modules.representations.flow_image import ApexFlow
from data_modules.video.crop import AnnotatedBox, Box
from data_modules.video.frames import open_frames
from lightmannet.timing.meta_step import time_in_turns

_HEIGHT, _WIDTH, _FRAMES, _SIDE = 480, 640, 12, 320
_BOX = Box(160, 80, _SIDE, _SIDE)
_EPISODE = 45  # support, query and auxiliary clips of a 3-way 5-shot task with 5 queries


def bench_data(clips: int = 24, steps: int = 10, threads: int = 1) -> None:
    """Time decoding, cropping, flow and cached reading, each compared with a plain OpenCV loop.

    Args:
        clips: Clips of 12 frames, of which a motion image needs two.
        steps: Meta-steps for comparison with the reading of an episode.
        threads: Threads of torch and OpenCV.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folders = [_write_clip(root / f"clip{number:03d}", number) for number in range(clips)]
        console.print(f"timing {clips} clips of {_FRAMES} JPEG frames, {_WIDTH} × {_HEIGHT}, in turns …")
        table = Table("stage", "ours, clips/s", "plain OpenCV, clips/s", "ratio of times, clip by clip", title="a core")
        cache = ArrayCache(root / "cache")
        for stage, ours, plain in [*_stages(root), _cached(folders, cache)]:
            table.add_row(stage, *_in_turns(folders, ours, plain))
        console.print(table)
        read = _time_reads(cache)
    step = statistics.median(time_in_turns(steps, 4)[0]) / 4
    console.print(
        f"an episode of {_EPISODE} motion images of 28 × 28: read from the cache's files {1000 * read:.1f} ms, "
        f"a task of a meta-step {1000 * step:.0f} ms: {100 * read / step:.1f} %"
    )


def _write_clip(folder: Path, seed: int) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(random.random((_HEIGHT, _WIDTH + 2 * _FRAMES, 3), dtype=np.float32), (0, 0), 3)
    texture = (255 * (texture - texture.min()) / (texture.max() - texture.min())).astype(np.uint8)
    for number in range(_FRAMES):
        cv2.imwrite(str(folder / f"img{number + 1}.jpg"), texture[:, number : number + _WIDTH])
    return folder


def _stages(root: Path) -> list[tuple[str, Callable[[Path], object], Callable[[Path], object]]]:
    tvl1, dis = ApexFlow(method="tvl1"), ApexFlow(method="dis")
    crop = AnnotatedBox()
    side = dis.working_size

    def frames(folder: Path) -> np.ndarray:
        return open_frames(folder, root).read([1, _FRAMES], "gray")

    def squares(folder: Path) -> np.ndarray:
        return crop.square(frames(folder), side, _BOX)

    def plain_frames(folder: Path) -> list[np.ndarray]:
        return [
            cv2.cvtColor(cv2.imread(str(folder / f"img{n}.jpg")), cv2.COLOR_BGR2GRAY)  # type: ignore[arg-type]
            for n in (1, _FRAMES)
        ]

    def plain_squares(folder: Path) -> list[np.ndarray]:
        left, top = int(_BOX.left), int(_BOX.top)
        return [
            cv2.resize(f[top : top + _SIDE, left : left + _SIDE], (side, side), interpolation=cv2.INTER_AREA)
            for f in plain_frames(folder)
        ]

    def plain_flow(folder: Path) -> np.ndarray:
        estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        estimator.setFinestScale(0)
        first, second = plain_squares(folder)
        flow = estimator.calc(first, second, None)  # type: ignore[call-overload]
        return np.asarray(cv2.resize(flow, (28, 28), interpolation=cv2.INTER_AREA) / (side / 28))

    return [
        ("decode two frames", frames, plain_frames),
        ("… and crop", squares, plain_squares),
        ("… and DIS flow, strain", lambda folder: dis.render(squares(folder)), plain_flow),
        ("… and TV-L1 flow, strain (beside DIS)", lambda folder: tvl1.render(squares(folder)), plain_flow),
    ]


def _cached(folders: list[Path], cache: ArrayCache) -> tuple[str, Callable[[Path], object], Callable[[Path], object]]:
    """Return the stage that reads cached motion images, compared with OpenCV reading them as PNG files."""
    random = np.random.default_rng(0)
    for folder in folders:
        cache.write(digest(folder.name), random.random((1, 3, 28, 28), dtype=np.float32))
        cv2.imwrite(f"{folder}.png", random.integers(0, 256, (28, 28, 3), np.uint8))

    def ours(folder: Path) -> object:
        return cache.read(digest(folder.name))

    def plain(folder: Path) -> np.ndarray:
        image = cv2.imread(f"{folder}.png")
        return image.astype(np.float32).transpose(2, 0, 1) / 255  # type: ignore[union-attr]

    return "cached read of a motion image (beside a PNG file)", ours, plain


def _in_turns(
    folders: list[Path], ours: Callable[[Path], object], plain: Callable[[Path], object]
) -> tuple[str, str, str]:
    ours(folders[0]), plain(folders[0])
    times: list[tuple[float, float]] = []
    for folder in folders:
        start = time.perf_counter()
        ours(folder)
        between = time.perf_counter()
        plain(folder)
        times.append((between - start, time.perf_counter() - between))
    ratios = sorted(a / b for a, b in times)
    rates = [f"{1 / statistics.median(column):.0f}" for column in zip(*times, strict=True)]
    return rates[0], rates[1], f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} – {ratios[-1]:.2f})"


def _time_reads(cache: ArrayCache) -> float:
    """Return the seconds for reading an episode's clips from the cache, the median of ten."""
    random = np.random.default_rng(0)
    keys = [digest(str(number)) for number in range(_EPISODE)]
    for key in keys:
        cache.write(key, random.random((1, 3, 28, 28), dtype=np.float32))
    times = []
    for _ in range(10):
        start = time.perf_counter()
        for key in keys:
            cache.read(key)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
