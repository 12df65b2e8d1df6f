"""How far the spotter is off, on rendered people that its settings were not chosen on (they were on seeds 1 and 2)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float64

from data_modules.rendered.options import Options
from data_modules.rendered.synthesize import write_corpus
from data_modules.rendered.truth import Truth, read_truth
from data_modules.video.crop import WholeFrame
from lightmannet.inference.answer import Interval
from lightmannet.inference.clip_file import open_clip
from lightmannet.inference.spotting import spot

LEAST_OVERLAP = 0.5


def spotted(clip: Path, fps: int) -> Sequence[Interval]:
    file = open_clip(clip, fps)
    return spot(file.chunks("gray"), file.numbers, WholeFrame(), file.fps).intervals


def clips(corpus: Path) -> Iterator[tuple[Truth, Path]]:
    """Yield the truth and the folder of frames of each clip of one micro-expression."""
    for path in sorted(corpus.glob("truth/p*/clip*.npz")):
        yield read_truth(path), corpus / f"casme2/Cropped/sub{path.parent.name[1:]}/EP{path.stem[4:]}_01"


def videos(corpus: Path) -> Iterator[tuple[Truth, Path]]:
    """Yield the truth and the file of each long video."""
    for path in sorted(corpus.glob("truth/p*/video*.npz")):
        person, number = path.parent.name[1:], path.stem[5:]
        yield read_truth(path), corpus / f"casme_sq/rawvideo/s{person}/{person}_{number}01task{int(number)}.mp4"


def apex_errors(corpus: Path) -> Float64[np.ndarray, " clip"]:
    """Return by how many frames the apex of each micro clip is off; NaN where nothing was found."""
    errors = []
    for truth, folder in clips(corpus):
        found = spotted(folder, truth.fps)
        errors.append(abs(found[0].apex - truth.expressions[0].apex) if found else np.nan)
    return np.array(errors, float)


def met_in_videos(corpus: Path) -> Counter[str]:
    """Count expressions of each kind, those met by an interval of enough overlap, and intervals that were proposed."""
    counts: Counter[str] = Counter()
    for truth, path in videos(corpus):
        # Frames of a video count from 0 here.
        left = [(i.onset + truth.first, i.offset + truth.first) for i in spotted(path, truth.fps)]
        counts["proposed"] += len(left)
        for expression in truth.expressions:
            counts[expression.kind] += 1
            best = max(left, key=lambda span: overlap(span, (expression.onset, expression.offset)), default=None)
            if best and overlap(best, (expression.onset, expression.offset)) >= LEAST_OVERLAP:
                counts[f"{expression.kind} met"] += 1
                left.remove(best)
    return counts


def overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    """Return the intersection over the union of two spans of frames, ends included."""
    shared = min(a[1], b[1]) - max(a[0], b[0]) + 1
    return max(0, shared) / (a[1] - a[0] + b[1] - b[0] + 2 - max(0, shared))


@pytest.mark.slow
def test_the_spotter_is_as_good_and_as_bad_as_the_readme_says(tmp_path: Path) -> None:
    write_corpus(tmp_path, Options(subjects=8, seed=7, micro_clips=6, macro_clips=5, video_micro_clips=3), workers=0)
    errors, counts = apex_errors(tmp_path), met_in_videos(tmp_path)
    middle = [abs((e.onset + e.offset) // 2 - e.apex) for e in (truth.expressions[0] for truth, _ in clips(tmp_path))]
    print(
        f"apex of {len(errors)} micro clips: {np.isnan(errors).sum()} not found, off by {np.nanmedian(errors):.1f} "
        f"frames in the median, {np.nanmean(errors):.1f} on average (the middle: {np.median(middle):.0f}, "
        f"{np.mean(middle):.1f}); videos: {dict(counts)}"
    )
    assert len(errors) == 48
    assert np.isnan(errors).sum() <= 4
    assert np.nanmedian(errors) <= 6
    assert np.nanmean(errors) <= 8
    assert (counts["macro"], counts["micro"]) == (40, 24)
    assert counts["macro met"] >= 20
    assert counts["proposed"] <= 60
