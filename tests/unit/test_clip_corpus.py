"""From database files to a corpus."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data_modules.apex import strongest_frame
from data_modules.clip_corpus import ClipCorpus
from data_modules.databases.casme2 import CASME2
from data_modules.representations.base import Representation
from data_modules.representations.difference import Difference
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.frame_clip import FrameClip
from data_modules.representations.phase_flow import PhaseFlow
from data_modules.video.crop import AnnotatedBox
from data_modules.video.image_folder import ImageFolder
from lightmannet.errors import ConfigurationError, DataError
from tests.archives.casme2 import WORKBOOK, write_casme2
from tests.archives.writing import set_cell
from tests.clips import same

FAST = ApexFlow(method="dis")
LABELLED = 12  # of the archive's 14 clips: one is of `others`, one is excluded by name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_casme2(tmp_path / "casme2")
    return tmp_path / "casme2"


@pytest.fixture
def options(root: Path, tmp_path: Path) -> dict[str, Any]:
    return {"micro": [CASME2(str(root))], "representation": FAST, "cache": str(tmp_path / "cache"), "workers": 0}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders that frames were decoded from."""
    names: list[str] = []
    read = ImageFolder.read

    def noted(self: ImageFolder, numbers: Sequence[int], color: Any) -> np.ndarray:
        names.append(self.path.name)
        return read(self, numbers, color)

    monkeypatch.setattr(ImageFolder, "read", noted)
    return names


def test_clips_have_the_scheme_s_classes_and_the_database_s_names(options: dict[str, Any]) -> None:
    corpus = ClipCorpus(**options).load()
    assert corpus.name == "casme2"
    assert corpus.classes == ("negative", "positive", "surprise")
    assert len(corpus.micro) == LABELLED
    assert corpus.micro.ids[0] == "casme2/sub01/EP02_01f"
    assert corpus.micro.subjects[0] == "casme2/sub01"
    assert corpus.micro.labels[:3].tolist() == [1, 0, 2]
    assert corpus.macro is None
    assert "casme2/sub04/EP12_01f" not in corpus.micro.ids


@pytest.mark.parametrize(
    ("representation", "shape", "kind"),
    [
        (ApexFlow(method="dis", size=56), (1, 3, 56, 56), "motion"),
        (PhaseFlow(method="dis", phases=2), (2, 3, 28, 28), "motion"),
        (Difference(size=28), (1, 1, 28, 28), "difference"),
        (FrameClip(frames=3, color="rgb", size=28), (3, 3, 28, 28), "frames"),
    ],
)
def test_each_representation_gives_its_shape_and_kind(
    options: dict[str, Any], representation: Representation, shape: tuple[int, ...], kind: str
) -> None:
    corpus = ClipCorpus(**{**options, "representation": representation}).load()
    assert corpus.kind == kind
    assert corpus.micro.inputs.shape == (LABELLED, *shape)
    assert corpus.micro.inputs.abs().max() <= 0.5
    assert corpus.micro.inputs.std() > 0


def test_what_is_in_the_cache_is_not_decoded_again(options: dict[str, Any], reads: list[str]) -> None:
    first = ClipCorpus(**options).load()
    assert len(reads) == LABELLED
    second = ClipCorpus(**options).load()
    assert len(reads) == LABELLED
    assert same(first.micro, second.micro)


def test_any_number_of_workers_gives_the_same_clips(options: dict[str, Any], tmp_path: Path) -> None:
    alone = ClipCorpus(**options).load()
    together = ClipCorpus(**{**options, "workers": 2, "cache": str(tmp_path / "other")}).load()
    assert same(alone.micro, together.micro)


def test_a_changed_image_is_computed_again_and_only_its_clip(
    options: dict[str, Any], root: Path, reads: list[str]
) -> None:
    ClipCorpus(**options).load()
    reads.clear()
    os.utime(root / "Cropped" / "sub01" / "EP03_02" / "reg_img4.jpg", ns=(1, 1))
    ClipCorpus(**options).load()
    assert reads == ["EP03_02"]


def test_a_changed_annotation_is_computed_again(options: dict[str, Any], root: Path, reads: list[str]) -> None:
    ClipCorpus(**options).load()
    reads.clear()
    set_cell(root / WORKBOOK, "Sheet1", "E3", 5)
    ClipCorpus(**{**options, "micro": [CASME2(str(root))]}).load()
    assert reads == ["EP03_02"]


def test_a_damaged_cache_file_is_computed_again(
    options: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ClipCorpus(**options).load()
    damaged = next(path for path in sorted((tmp_path / "cache").rglob("*")) if path.is_file())
    damaged.write_bytes(damaged.read_bytes()[:-7])
    with caplog.at_level(logging.WARNING):
        second = ClipCorpus(**options).load()
    assert same(first.micro, second.micro)
    assert damaged.name in caplog.text


def test_the_cache_is_looked_for_in_the_environment(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "elsewhere"))
    ClipCorpus(**{**options, "cache": None}).load()
    assert any((tmp_path / "elsewhere").rglob("*"))


def test_all_unreadable_images_are_in_one_report(options: dict[str, Any], root: Path) -> None:
    for name in ("sub01/EP03_02/reg_img4.jpg", "sub07/EP01_01/reg_img12.jpg"):
        path = root / "Cropped" / name
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=r"(?s)2 faults.*row 3.*EP03_02.*reg_img4.*row 11.*EP01_01.*reg_img12"):
        ClipCorpus(**options).load()


def test_a_missing_apex_can_be_refused(options: dict[str, Any], root: Path) -> None:
    set_cell(root / WORKBOOK, "Sheet1", "E3", "/")
    message = r"(?s)missing_apex is refuse.*row 3: clip casme2/sub01/EP03_02 has no apex.*Set missing_apex to middle"
    with pytest.raises(DataError, match=message):
        ClipCorpus(**{**options, "missing_apex": "refuse"}).load()
    phases = PhaseFlow(method="dis", phases=2)  # needs none
    assert len(ClipCorpus(**{**options, "missing_apex": "refuse", "representation": phases}).load().micro) == LABELLED


def test_a_missing_apex_is_the_middle_or_the_frame_of_most_motion(options: dict[str, Any], root: Path) -> None:
    def first(apex: object, policy: str) -> torch.Tensor:
        set_cell(root / WORKBOOK, "Sheet1", "E3", apex)
        corpus = ClipCorpus(**{**options, "micro": [CASME2(str(root))], "missing_apex": policy})
        return corpus.load().micro.inputs[1]

    # Onset 1, offset 6; the content moves further to the right from frame to frame.
    assert torch.equal(first("/", "middle"), first(3, "refuse"))
    assert torch.equal(first("/", "motion"), first(6, "refuse"))


def test_the_strongest_frame_differs_most_from_the_first() -> None:
    random = np.random.default_rng(0)
    frames = np.repeat(random.integers(0, 200, (1, 16, 16, 1), dtype=np.uint8), 4, axis=0)
    frames[2, 4:12, 4:12] += 50
    frames[3, 4:8, 4:8] += 20
    assert strongest_frame(frames) == 2


def test_counts_of_a_complete_database_can_be_demanded(options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"(?s)casme2: .*'negative': 88.* expected, .*Set check_counts to false"):
        ClipCorpus(**{**options, "check_counts": True}).load()


def test_no_database_of_micro_expressions_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="micro: name at least one database"):
        ClipCorpus(micro=[])


def test_a_database_named_twice_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="sub01/EP02_01f is read from two databases"):
        ClipCorpus(**{**options, "micro": options["micro"] * 2}).load()


def test_a_database_without_a_clip_of_the_kind_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="CASME II: no macro-expression has both a class of the scheme megc2019"):
        ClipCorpus(**options, macro=options["micro"]).load()


def test_a_crop_that_needs_a_box_says_so(options: dict[str, Any]) -> None:
    with pytest.raises((DataError, ConfigurationError), match="AnnotatedBox: the annotation gives no face box"):
        ClipCorpus(**options, crop=AnnotatedBox()).load()


# --- An apex that is wrong on purpose ---


def test_a_wrong_apex_is_so_many_frames_off_either_way_and_within_the_clip(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int]] = []
    moments = ApexFlow.moments

    def noted(self: ApexFlow, onset: int, apex: int, offset: int) -> tuple[int, ...]:
        seen.append((onset, apex, offset))
        return moments(self, onset, apex, offset)

    monkeypatch.setattr(ApexFlow, "moments", noted)
    true = ClipCorpus(**options).load()
    before = {(onset, offset): apex for onset, apex, offset in seen if onset}
    seen.clear()
    wrong = ClipCorpus(**options, apex_error=1).load()
    moved = [row for row in seen if row[0]]
    assert {apex - before[onset, offset] for onset, apex, offset in moved} == {-1, 1}
    assert all(onset <= apex <= offset for onset, apex, offset in moved)
    assert wrong.micro.ids == true.micro.ids
    assert not torch.equal(wrong.micro.inputs, true.micro.inputs)
    assert same(ClipCorpus(**options).load().micro, true.micro)
    with pytest.raises(ConfigurationError, match="apex_error must be 0 or more frames, but is -1"):
        ClipCorpus(**options, apex_error=-1)
