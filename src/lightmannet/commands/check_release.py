"""Reproduce STSTNet's published scores from its released weights, to check reader, network and metrics together."""

from dataclasses import dataclass

import torch
from torch import Tensor

from data_modules.corpus import CLASSES
from data_modules.databases.megc2019 import read_pixels
from data_modules.databases.megc2019_rows import ImageRow
from lightmannet.errors import LightmanNetError
from lightmannet.metrics.scores import pooled_scores
from lightmannet.networks.released_ststnet import ReleasedSTSTNet

KNOWN_SCORES = {
    ("smic",): (0.6871, 0.6876),
    ("casme2",): (0.8304, 0.8304),
    ("samm",): (0.5993, 0.6145),
    ("casme2", "smic"): (0.7525, 0.7530),
    ("casme2", "samm", "smic"): (0.7209, 0.7250),
}
"""UF1 and UAR of the released weights, by the databases pooled (sorted).

All three together are as published in the README of the GitHub repository christy1206/STSTNet; the others were
computed from the same weights and images.
"""

_TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}


@dataclass(frozen=True)
class ReleaseScore:
    """One line of the check.

    Attributes:
        name: The database, or the databases, whose clips are pooled.
        clips: Number of clips.
        subjects: Number of subjects, each tested with the network that was trained without them.
        uf1: Unweighted F1, in [0, 1].
        uar: Unweighted average recall, in [0, 1].
        known: UF1 and UAR as known, to four decimals; None where no figure is known.
    """

    name: str
    clips: int
    subjects: int
    uf1: float
    uar: float
    known: tuple[float, float] | None

    @property
    def equal(self) -> bool:
        """Whether both scores equal the known ones at four decimals; True where none is known."""
        return self.known is None or _four(self.uf1, self.uar) == _four(*self.known)


def check_release(weights: str, root: str | None = None) -> tuple[ReleaseScore, ...]:
    """Score STSTNet's released weights on the MEGC2019 flow images and print the scores beside the known ones.

    Every subject is tested with the network that was trained without them; predictions are pooled over subjects.

    Args:
        weights: Safetensors file with the released weights, ``<subject>/<parameter>``.
        root: Folder of the flow images, as in ``data_modules.databases.megc2019.MEGC2019``; None takes MEGC2019_ROOT.

    Raises:
        DataError: The images cannot be read, or a database is not complete.
        CheckpointError: The weights cannot be read, or those of a subject are missing.
        LightmanNetError: A score differs from the known one at four decimals.

    Example:
        >>> check_release("ststnet_loso_weights.safetensors", root="HTNet")  # doctest: +SKIP
    """
    pixels, rows = read_pixels(root)
    predictions = predict_with_released(pixels[:, 0], rows, ReleasedSTSTNet(weights))
    databases = sorted({row.database for row in rows}, key=list(_TITLES).index)
    groups: list[tuple[str, ...]] = [(database,) for database in databases]
    if len(databases) > 1:
        groups.append(tuple(databases))
    scores = tuple(_score(group, predictions, rows) for group in groups)
    print(_table(scores))
    wrong = [score.name for score in scores if not score.equal]
    if wrong:
        raise LightmanNetError(
            f"STSTNet's released weights do not give the known scores on {', '.join(wrong)}. Either the images in the "
            "root are another extraction than the one in the GitHub repository wangzhifengharrison/HTNet, the weights "
            "are others than those in christy1206/STSTNet, or reader, network or metrics have changed."
        )
    print("equal to the known scores at four decimals")
    return scores


def predict_with_released(images: Tensor, rows: tuple[ImageRow, ...], release: ReleasedSTSTNet) -> Tensor:
    """Return the class predicted for each clip by the network that was trained without its subject.

    Args:
        images: As stored (clip, 3, 28, 28), uint8, channels R, G, B.
        rows: Subject of each clip.
        release: The networks.

    Raises:
        CheckpointError: The network of a subject is missing or does not fit.
    """
    # The release was trained on images as OpenCV reads them, neither scaled nor reordered: 0..255 in B, G, R.
    inputs = images.flip(1).float()
    predictions = torch.empty(len(rows), dtype=torch.int64)
    for subject in dict.fromkeys(row.subject for row in rows):
        own = torch.tensor([row.subject == subject for row in rows])
        with torch.no_grad():
            predictions[own] = release.network(subject)(inputs[own]).argmax(1)
    return predictions


def _score(databases: tuple[str, ...], predictions: Tensor, rows: tuple[ImageRow, ...]) -> ReleaseScore:
    own = [index for index, row in enumerate(rows) if row.database in databases]
    scores = pooled_scores([rows[index].label for index in own], predictions[own].tolist(), len(CLASSES))
    return ReleaseScore(
        name=" + ".join(_TITLES[database] for database in databases),
        clips=len(own),
        subjects=len({rows[index].subject_id for index in own}),
        uf1=scores.uf1,
        uar=scores.uar,
        known=KNOWN_SCORES.get(tuple(sorted(databases))),
    )


def _four(uf1: float, uar: float) -> tuple[str, str]:
    return f"{uf1:.4f}", f"{uar:.4f}"


def _table(scores: tuple[ReleaseScore, ...]) -> str:
    width = max(len(score.name) for score in scores)
    lines = [f"{'released STSTNet':<{width}}  clips  subjects     UF1   known     UAR   known"]
    for score in scores:
        uf1, uar = _four(score.uf1, score.uar)
        known_uf1, known_uar = ("-", "-") if score.known is None else _four(*score.known)
        lines.append(
            f"{score.name:<{width}}  {score.clips:>5}  {score.subjects:>8}"
            f"  {uf1}  {known_uf1:>6}  {uar}  {known_uar:>6}{'' if score.equal else '   differs'}"
        )
    return "\n".join(lines)
