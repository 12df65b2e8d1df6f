"""The commands ``lightmannet spot-test`` and ``spot-train``: how well, and a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lightmannet.errors import DataError
from lightmannet.inference.moment.recordings import LongVideo, long_videos, motion_of
from lightmannet.inference.moment.region_motion import RegionMotion
from lightmannet.inference.moment.spotter import Way, found_in
from lightmannet.metrics.spotting import SpottingScore, spotting_score

_KINDS = ("micro", "macro")
_EYE_ERROR = 0.08  # standard deviation, distances between the eyes


def spot_test(database: Literal["casme_sq", "samm_lv"] = "casme_sq", root: str | None = None) -> None:
    """Score each way of spotting on a database's long videos, as the spotting tasks of MEGC do.

    A spotted interval counts if it shares at least half of the union with an expression of its kind; precision, recall
    and F1 are of all videos together.

    Args:
        database: casme_sq (CAS(ME)^2; rendered long videos, OUT/casme_sq, have its layout) or samm_lv.
        root: Folder of the database; by default that of its environment variable.

    Raises:
        DataError: The database cannot be read.
    """
    seen = _motions(long_videos(database, root), "looking at long videos")
    console = Console(soft_wrap=True)
    table = Table("way", "kind", "true", "spotted", "met", "precision", "recall", "F1")
    for way in get_args(Way):
        scores = {kind: SpottingScore() for kind in _KINDS}
        for video, motion in seen:
            found = [] if motion is None else found_in(motion, video.rate, way)
            for kind in _KINDS:
                spotted, true = (
                    [(c.onset, c.offset) for c in every if c.kind == kind] for every in (found, video.expressions)
                )
                scores[kind] += spotting_score(spotted, true)
        rows = {**scores, "both": scores["micro"] + scores["macro"]}
        for kind, score in rows.items():
            numbers = [f"{value:.3f}" for value in (score.precision, score.recall, score.f1)]
            title = way.replace("_", " ") if kind == "micro" else ""
            table.add_row(title, kind, str(score.true), str(score.spotted), str(score.found), *numbers)
    console.print(table)
    blind = sum(motion is None for _, motion in seen)
    rates = ", ".join(f"{rate:g}" for rate in sorted({video.rate for video, _ in seen}))
    people = len({video.person for video, _ in seen})
    console.print(f"{len(seen)} videos of {people} people at {rates} frames a second; no face in {blind}")


def spot_train(
    out: str,
    roots: list[str],
    database: Literal["casme_sq", "samm_lv"] = "casme_sq",
    steps: int = 1500,
    seed: int = 0,
) -> None:
    """Train the network that spots expressions on long videos, e.g. rendered ones.

    Args:
        out: File to write, .safetensors.
        roots: Folders of databases of this kind; their people must not be tested later.
        database: casme_sq (rendered long videos, OUT/casme_sq, have its layout) or samm_lv.
        steps: Updates.
        seed: Of the network's start and of all randomness.

    Raises:
        DataError: A database cannot be read, or no video has a face.
    """
    from lightmannet.inference.moment.training import Example, train
    from lightmannet.inference.moment.weights import write_weights

    videos = [video for root in roots for video in long_videos(database, root)]
    random, examples = np.random.default_rng(seed), []
    for video in track(videos, "looking at long videos", console=Console(stderr=True), transient=True):
        # Once as the eyes are found, and once as they might have been.
        motions = [motion_of(video, shift) for shift in ([0.0] * 4, (_EYE_ERROR * random.standard_normal(4)).tolist())]
        if motions[0] is not None and motions[1] is not None:
            examples.append(Example((motions[0], motions[1]), video.rate, video.expressions))
    if not examples:
        raise DataError(f"{', '.join(roots)}: no face was found in any of {len(videos)} videos; check the folders")
    network = train(
        examples, steps, seed, track(range(steps), "training", console=Console(stderr=True), transient=True)
    )
    write_weights(Path(out), network.state_dict())
    print(f"{out}: trained on {len(examples)} videos of {len({video.person for video in videos})} people")


def _motions(videos: Sequence[LongVideo], title: str) -> list[tuple[LongVideo, RegionMotion | None]]:
    return [(video, motion_of(video)) for video in track(videos, title, console=Console(stderr=True), transient=True)]
