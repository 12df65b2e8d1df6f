"""The rendered corpus as a source of clips."""

from pathlib import Path

import pytest

from data_modules.protocols import LeaveOneSubjectOut
from data_modules.rendered import source as module
from data_modules.rendered.source import RenderedFaces
from data_modules.rendered.synthesize import write_corpus
from data_modules.representations.base import Representation
from data_modules.representations.flow_image import ApexFlow
from data_modules.representations.frame_clip import FrameClip
from lightmannet.errors import ConfigurationError, DataError


def small(
    cache: Path, representation: Representation = ApexFlow(method="dis"), scheme: str = "megc2019"
) -> RenderedFaces:
    return RenderedFaces(
        subjects=3,
        micro_clips=5,
        macro_clips=3,
        size=64,
        micro_fps=30,
        video_fps=15,
        scheme=scheme,
        representation=representation,
        cache=str(cache),
        workers=0,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    small(folder).prepare()
    return folder


def test_a_person_has_one_name_in_micro_clips_and_long_videos(cache: Path) -> None:
    corpus = small(cache).load()
    assert corpus.synthetic
    assert corpus.name == "synthetic"
    assert corpus.macro is not None
    assert set(corpus.micro.subjects) == set(corpus.macro.subjects) == {f"synthetic/p0{n}" for n in (1, 2, 3)}
    assert {name.rsplit("/", 1)[0] for name in corpus.micro.ids} == set(corpus.micro.subjects)
    ids = corpus.micro.ids + corpus.macro.ids
    assert len(set(ids)) == len(ids)


def test_counts_are_those_of_the_options_without_the_class_others(cache: Path) -> None:
    corpus = small(cache).load()
    assert corpus.macro is not None
    assert (len(corpus.micro), len(corpus.macro)) == (12, 9)
    assert corpus.micro.labels.bincount().tolist() == [6, 3, 3]


def test_the_corpus_is_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_corpus", None)
    small(cache).load()
    assert small(cache, FrameClip(frames=2, size=28)).load().micro.inputs.shape == (12, 2, 1, 28, 28)


def test_a_scheme_of_micro_expressions_alone_has_no_macro_expressions(cache: Path) -> None:
    corpus = small(cache, scheme="casme2_five").load()
    assert corpus.macro is None
    assert corpus.micro.labels.bincount().tolist() == [3, 3, 3, 3, 3]


def test_folds_of_people_never_share_one_between_micro_and_macro(cache: Path) -> None:
    corpus = small(cache).load()
    assert corpus.macro is not None
    fold = LeaveOneSubjectOut().fold(corpus.micro, 0)
    training = {s for s in corpus.micro.subjects + corpus.macro.subjects if s in fold.train}
    assert training | set(fold.test) == set(corpus.macro.subjects)
    assert not training & set(fold.test)


def test_impossible_options_are_refused_before_anything_is_made() -> None:
    with pytest.raises(ConfigurationError, match="size=20: 64 to 256 is expected"):
        RenderedFaces(size=20)


def test_a_folder_given_is_used_and_must_hold_this_corpus(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("")
    with pytest.raises(ConfigurationError, match="not empty and contains no corpus"):
        RenderedFaces(folder=str(tmp_path / "mine"), cache=str(cache)).prepare()


def test_a_frame_that_is_gone_is_named(cache: Path, tmp_path: Path) -> None:
    made = RenderedFaces(
        subjects=1, micro_clips=1, macro_clips=1, size=64, micro_fps=30, video_fps=15, cache=str(tmp_path), workers=0
    )
    write_corpus(made.corpus_folder, made.options, 0)
    for frame in (made.corpus_folder / "casme2").rglob("*.jpg"):
        frame.unlink()
    with pytest.raises(DataError, match="sub01/EP01_01"):
        made.load()
