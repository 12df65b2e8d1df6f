"""The label is in the motion: a linear model finds it there, and neither in shuffled labels nor in faces at rest."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn import functional as F

from data_modules.rendered.source import RenderedFaces
from data_modules.representations.base import Representation
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.frame_clip import FrameClip
from lightmannet.adaptation.ridge import ridge_regression
from lightmannet.commands.table import table
from lightmannet.episode import Clips
from lightmannet.metrics import UnweightedF1

TABLE = Path(__file__).parents[3] / "configs" / "tables" / "rendered.yaml"
FLOW = ApexFlow(method="dis")
CHANCE = 0.46  # of three classes 1/3, and three standard deviations of a score over so few clips


@dataclass(frozen=True)
class ApexIsOffset(ApexFlow):
    """Flow between two faces at rest: noise, the head, lids, speech and light remain."""

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        return onset, offset


@dataclass(frozen=True)
class ApexIsOnset(FrameClip):
    """The face before it moves."""

    def moments(self, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        return (onset,) * self.frames


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def clips(cache: Path, representation: Representation) -> Clips:
    """Return strong micro-expressions of clear emotions, so that few suffice."""
    source = RenderedFaces(
        subjects=12,
        micro_clips=15,
        macro_clips=1,
        video_micro_clips=0,
        size=64,
        micro_fps=25,
        video_fps=15,
        intensity=1.0,
        representation=representation,
        cache=str(cache),
        workers=0,
    )
    return source.load().micro


def linear_uf1(found: Clips, labels: Int64[Tensor, " clip"]) -> float:
    """Return the UF1 of a ridge regression on the pixels with classes of equal weight, over four folds of people."""
    people = torch.from_numpy(np.unique(found.subjects, return_inverse=True)[1])
    inputs, score = found.inputs.flatten(1).double(), UnweightedF1(3)
    for fold in range(4):
        train, test = people % 4 != fold, people % 4 == fold
        share = labels[train].bincount() / train.sum()
        weight = share[labels[train]].rsqrt()[:, None].double()
        centre = inputs[train].mean(0)
        known = (inputs[train] - centre) * weight
        targets = (F.one_hot(labels[train]).double() - 1 / 3) * weight
        found_weight = ridge_regression(known, targets, 0.01 * float(known.square().sum()))
        score.update((inputs[test] - centre) @ found_weight, labels[test])
    return float(score.compute())


def test_a_linear_model_finds_the_label_in_the_motion(cache: Path) -> None:
    found = clips(cache, FLOW)
    assert linear_uf1(found, found.labels) > CHANCE


def test_with_shuffled_labels_it_finds_nothing(cache: Path) -> None:
    found = clips(cache, FLOW)
    random = torch.Generator().manual_seed(0)
    scores = [linear_uf1(found, found.labels[torch.randperm(len(found), generator=random)]) for _ in range(20)]
    assert 0.24 < np.mean(scores) < 0.36


@pytest.mark.parametrize("representation", [ApexIsOffset(method="dis"), ApexIsOnset(frames=2, size=28)])
def test_without_the_motion_it_finds_nothing(cache: Path, representation: Representation) -> None:
    found = clips(cache, representation)
    assert linear_uf1(found, found.labels) < CHANCE


@pytest.mark.slow
def test_on_the_default_corpus_a_network_leads_a_linear_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "cache"))
    table(TABLE, "kfold", workers=1, results=tmp_path)
    with (tmp_path / "rendered-kfold" / "table.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["column"], row["score"]) == ("Full", "uf1")]
    uf1 = {row["method"]: float(row["mean"]) for row in rows}
    assert uf1["linear classifier of pixels"] < uf1["supervised Conv4"]
    # What the README states of leaving one person out, and some more as there are fewer people to learn from.
    assert 0.55 < uf1["supervised Conv4"] < 0.8
