"""D^aux from several sets of macro-expressions."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from data_modules.auxiliary import MagnifiedMicro
from data_modules.base import SubjectDisjointDataModule
from data_modules.conventional import ConventionalDataModule
from data_modules.corpus import Corpus, CorpusSource
from data_modules.corruption import Corruption
from data_modules.episodes import EpisodeSampler
from data_modules.episodic import EpisodicDataModule
from data_modules.flow import mirror
from data_modules.macro_sets import MacroSets
from data_modules.protocols import Fold, SubjectKFold
from data_modules.scaling import CENTRED, STRETCHED, rescale
from data_modules.synthetic.images import SCALING
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import AbsentDataError, ConfigurationError, DataError
from tests.clips import MadeCorpus, make_clips, same


class Given(CorpusSource):
    """A corpus that is there already, or is not; counts how often it is prepared."""

    def __init__(self, corpus: Corpus | None) -> None:
        self.corpus, self.prepared = corpus, 0

    def prepare(self) -> None:
        self.prepared += 1
        self.load()

    def load(self) -> Corpus:
        if self.corpus is None:
            raise AbsentDataError("Lost set: no root folder is given.\nIts layout …")
        return self.corpus


MADE = MadeCorpus().load()
MICRO = replace(MADE, micro=replace(MADE.micro, inputs=rescale(MADE.micro.inputs, SCALING, CENTRED)), scaling=CENTRED)
NOBODY = Fold(train=("made/p00",), validation=(), test=("made/nobody",))


def macro(database: str, clips: int = 12, subjects: int = 6, **changed: object) -> Corpus:
    made = make_clips(clips, 3, database=database, subjects=subjects)
    return replace(MADE, name=database, macro=made, **changed)  # type: ignore[arg-type]


def sets(*corpora: Corpus | None, **options: object) -> MacroSets:
    return MacroSets([Given(corpus) for corpus in corpora], **options)  # type: ignore[arg-type]


def pool(*corpora: Corpus, micro: Corpus = MICRO, **options: object) -> Clips:
    return sets(*corpora, **options).clips(micro, NOBODY)


# --- One form for all ---


def test_macro_expressions_of_all_corpora_come_in_the_scaling_of_the_micro_expressions() -> None:
    one, two = macro("one"), macro("two")
    clips = pool(one, two)
    assert clips.databases == ("one",) * 12 + ("two",) * 12
    assert one.macro is not None
    assert torch.equal(clips.inputs[:12], rescale(one.macro.inputs, SCALING, CENTRED))


def test_one_image_a_clip_is_repeated_in_every_phase() -> None:
    clips = pool(macro("one"), micro=replace(MICRO, micro=make_clips(12, phases=4)))
    assert clips.inputs.shape[1] == 4
    assert torch.equal(clips.inputs[:, 0], clips.inputs[:, 3])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (macro("one", classes=("a", "b", "c")), "its classes are a, b, c, not negative, positive"),
        (macro("one", kind="frames"), "one does not fit made: its inputs show frames, not motion"),
        (replace(macro("one"), macro=make_clips(12, size=56)), "its inputs are 1 × 3 × 56 × 56, not 1 × 3 × 28 × 28"),
        (replace(macro("one"), macro=make_clips(12, phases=2)), "its inputs are 2 × 3 × 28 × 28, not 1 × 3 × 28 × 28"),
        (replace(macro("one"), macro=None), "auxiliary: the corpus one has no macro-expressions"),
    ],
)
def test_corpora_that_do_not_fit_are_refused(other: Corpus, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        pool(other)


def test_a_scaling_that_does_not_fit_is_refused_with_both_names() -> None:
    with pytest.raises(ConfigurationError, match="two does not fit made: motion images of centred scaling cannot be"):
        pool(macro("two", scaling=CENTRED), micro=MADE)


def test_a_database_in_two_corpora_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is in two of the corpora; name each database once"):
        pool(macro("one"), macro("one"))


# --- Which of them ---


def test_sets_are_chosen_by_name() -> None:
    chosen = sets(macro("one"), macro("two"), macro("three"), sets=["three", "one"])
    assert set(chosen.clips(MICRO, NOBODY).databases) == {"one", "three"}
    assert chosen.describe() == ("macro-expressions of three (12 clips of 4 people), one (12 clips of 4 people)")
    with pytest.raises(ConfigurationError, match="sets: there is no four; there are one, two"):
        pool(macro("one"), macro("two"), sets=["four"])


def test_few_clips_a_class_are_of_as_many_people_as_can_be_and_always_the_same() -> None:
    few = pool(macro("one", clips=60, subjects=5), per_class=5)
    assert Counter(few.labels.tolist()) == {0: 5, 1: 5, 2: 5}
    people = Counter(zip(few.labels.tolist(), few.subjects, strict=True))
    assert set(people.values()) == {1}
    assert same(few, pool(macro("one", clips=60, subjects=5), per_class=5))
    assert len(pool(macro("one", clips=60, subjects=5), per_class=100)) == 60


def test_the_mouth_of_a_class_shows_no_motion_and_all_else_is_as_it_was() -> None:
    free, masked = pool(macro("one"), micro=MADE), pool(macro("one"), micro=MADE, without_mouth=["surprise"])
    surprised = free.labels == 2
    assert torch.equal(free.inputs[~surprised], masked.inputs[~surprised])
    assert torch.equal(free.inputs[surprised][..., :18, :], masked.inputs[surprised][..., :18, :])
    mouth = masked.inputs[surprised][..., 18:, :]
    assert (mouth[:, :, :2] == 0).all()
    assert (mouth[:, :, 2] == -0.5).all()


def test_what_the_mouth_hid_is_as_strong_as_other_motion_once_it_is_centred() -> None:
    masked = pool(macro("one"), without_mouth=["surprise"])
    strongest = masked.inputs[:, :, :2].abs().amax((-2, -1))
    assert torch.allclose(strongest, torch.tensor(0.5))


@pytest.mark.parametrize(
    ("options", "corpus", "message"),
    [
        (
            {"without_mouth": ["awe"]},
            macro("one"),
            "without_mouth: awe is not a class; negative, positive, surprise are",
        ),
        (
            {"without_mouth": ["surprise"]},
            macro("one", scaling=STRETCHED),
            "no motion has no fixed value in images of stretched scaling",
        ),
    ],
)
def test_a_mask_that_cannot_be_is_refused(options: dict[str, Any], corpus: Corpus, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        pool(corpus, **options)


@pytest.mark.parametrize(
    ("corpora", "options", "message"),
    [
        ([], {}, "name at least one corpus of macro-expressions"),
        ([None], {"sets": []}, "sets is empty; name at least one database, or leave it out for all"),
        ([None], {"per_class": 0}, "per_class must be 1 or more, but is 0"),
        ([None], {"absent": "ignore"}, "absent is one of refuse, skip, not 'ignore'"),
    ],
)
def test_options_out_of_range_are_refused(corpora: Sequence[None], options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sets(*corpora, **options)


# --- Sets that are not on this machine ---


def test_a_set_that_is_absent_is_refused_or_skipped_and_named(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AbsentDataError, match="Lost set: no root folder is given"):
        sets(macro("one"), None).prepare()
    with pytest.raises(AbsentDataError, match="Lost set: no root folder is given"):
        pool(macro("one"), None)  # type: ignore[arg-type]
    tolerant = sets(None, macro("one"), absent="skip")
    tolerant.prepare()
    with caplog.at_level(logging.WARNING):
        assert set(tolerant.clips(MICRO, NOBODY).databases) == {"one"}
    assert caplog.messages == ["D^aux is without 1 of the sets named: Lost set: no root folder is given"]


def test_a_second_set_of_the_same_people_is_skipped_where_sets_are_looked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    again = replace(macro("again"), macro=replace(make_clips(12, 3, database="again"), subjects=("one/p00",) * 12))
    with caplog.at_level(logging.WARNING):
        assert set(pool(macro("one"), again, absent="skip").databases) == {"one"}
    assert caplog.messages == [
        "D^aux is without 1 of the sets named: again: shows people of a set that is taken already"
    ]
    assert set(pool(macro("one"), again).databases) == {"one", "again"}


def test_no_set_at_all_is_an_error_that_names_every_one() -> None:
    with pytest.raises(AbsentDataError, match=r"no set of macro-expressions is found on this machine\. Lost set: no"):
        sets(None, absent="skip").clips(MICRO, NOBODY)


def test_every_corpus_is_prepared_and_read_once() -> None:
    sources = [Given(macro("one")), Given(macro("two"))]
    made = MacroSets([*sources])
    made.prepare()
    assert [source.prepared for source in sources] == [1, 1]
    assert made.read is made.read


# --- Data modules ---


@pytest.mark.parametrize("learn_from", ["micro", "macro", "both"])
def test_macro_expressions_of_test_people_are_never_learned_from(learn_from: str) -> None:
    # The macro-expressions of made/ are of the same people as the micro-expressions.
    corpora: list[CorpusSource] = [Given(macro("other")), Given(macro("made"))]
    module = ConventionalDataModule(
        Given(MICRO),
        SubjectKFold(),
        learn_from=learn_from,  # type: ignore[arg-type]
        auxiliary=corpora,
    )
    module.setup("fit")
    assert not {*module.fold.test, *module.fold.validation} & set(module.training.subjects)
    micro = set(MICRO.micro.ids) & set(module.training.ids)
    databases = set(module.training.databases)
    assert ("other" in databases) == (learn_from != "micro")
    assert module.testing.ids
    assert set(module.testing.ids) <= set(MICRO.micro.ids)
    assert bool(micro) or learn_from == "macro"


def test_a_list_of_corpora_makes_the_auxiliary_clips_of_tasks_and_none_is_of_a_test_person() -> None:
    corpora: list[CorpusSource] = [Given(macro("other", clips=30)), Given(macro("made", clips=60, subjects=8))]
    module = EpisodicDataModule(Given(MICRO), SubjectKFold(4), n_shot=2, n_query=2, auxiliary=corpora, macro_tasks=0.5)
    module.prepare_data()
    module.setup("fit")
    assert isinstance(module.auxiliary, MacroSets)
    strangers = {*module.fold.test, *module.fold.validation}
    for episode in (*module.train_dataloader(), *next(iter(module.test_dataloader())).episodes):  # type: ignore[union-attr]
        assert isinstance(episode, Episode)
        assert episode.auxiliary is not None
        shown = {*episode.support.subjects, *episode.auxiliary.subjects}
        assert not strangers & shown


def test_learning_from_macro_expressions_needs_some() -> None:
    module: SubjectDisjointDataModule
    module = ConventionalDataModule(Given(replace(MICRO, macro=None)), SubjectKFold(), learn_from="macro")
    with pytest.raises(ConfigurationError, match="the corpus made has no macro-expressions"):
        module.setup("fit")
    module = ConventionalDataModule(Given(MICRO), SubjectKFold(), learn_from="both", auxiliary=None)
    with pytest.raises(ConfigurationError, match="learn_from: both needs an auxiliary source of macro-expressions"):
        module.setup("fit")


def test_an_unknown_choice_of_what_to_learn_from_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="learn_from is one of micro, macro, both, not 'all'"):
        ConventionalDataModule(Given(MICRO), SubjectKFold(), learn_from="all")  # type: ignore[arg-type]


# --- Tasks ---

LARGE, SMALL = (
    make_clips(count, 4, 3, people, database=name) for name, count, people in (("l", 180, 20), ("s", 30, 5))
)


def sampler(auxiliary: Clips | None, **options: object) -> EpisodeSampler:
    sizes = {"n_way": 3, "n_shot": 2, "n_query": 2, "n_auxiliary": 4, "seed": 0}
    return EpisodeSampler(
        make_clips(72, size=3),
        auxiliary,
        separate_subjects=True,
        augmentation=None,
        **{**sizes, **options},  # type: ignore[arg-type]
    )


def test_sets_are_drawn_alike_whatever_their_size_and_within_them_people() -> None:
    uneven = LARGE.select([*range(120), *[i for i, person in enumerate(LARGE.subjects) if person == "l/p00"] * 1])
    uneven = replace(uneven, ids=tuple(f"{name}.{i}" for i, name in enumerate(uneven.ids)))
    made = sampler(concatenate(uneven, SMALL))
    drawn = [subject for index in range(400) for subject in (made.episode(0, index).auxiliary or SMALL).subjects]
    of_set = Counter(person.split("/")[0] for person in drawn)
    assert of_set["l"] / len(drawn) == pytest.approx(0.5, abs=0.04)
    people = Counter(drawn)
    assert people["l/p00"] / of_set["l"] == pytest.approx(1 / 20, abs=0.015)


def test_a_pool_of_one_set_is_drawn_clip_by_clip() -> None:
    chosen = [*range(117), *[0, 1, 2] * 21]  # 66 of 180 clips are of one person of 20
    uneven = LARGE.select(chosen)
    uneven = replace(uneven, ids=tuple(f"{name}.{i}" for i, name in enumerate(uneven.ids)))
    share = Counter(uneven.subjects)["l/p00"] / len(uneven)
    made = sampler(uneven)
    drawn = Counter(person for index in range(300) for person in (made.episode(0, index).auxiliary or SMALL).subjects)
    assert drawn["l/p00"] / drawn.total() == pytest.approx(share, abs=0.04)


def test_a_set_plays_micro_expressions_and_the_others_are_its_auxiliary_set() -> None:
    made = sampler(concatenate(LARGE, SMALL), macro_tasks=0.5)
    roles: Counter[tuple[str, ...]] = Counter()
    for index in range(300):
        episode = made.episode(0, index)
        assert episode.auxiliary is not None
        (name,) = {*episode.support.databases, *episode.query.databases}
        others = set(episode.auxiliary.databases)
        assert name not in others
        assert not set(episode.support.subjects) & set(episode.query.subjects)
        roles[name, *sorted(others)] += 1
    assert set(roles) == {("made", "l", "s"), ("l", "s"), ("s", "l")}
    assert roles["made", "l", "s"] == pytest.approx(150, abs=30)
    assert roles["l", "s"] == pytest.approx(75, abs=25)


def test_sets_alone_can_make_the_tasks_where_micro_clips_are_too_few() -> None:
    few = make_clips(6, size=3)
    made = EpisodeSampler(few, concatenate(LARGE, SMALL), 3, 2, 2, 4, True, None, 0, macro_tasks=1.0)
    assert {made.episode(0, index).support.databases[0] for index in range(20)} == {"l", "s"}
    assert made.draw(few, 0).support.databases == ("made",) * 6


@pytest.mark.parametrize(
    ("auxiliary", "share", "message"),
    [
        (None, 0.5, "macro_tasks needs macro-expressions, but auxiliary is null"),
        (SMALL, 1.5, r"macro_tasks must lie in \[0, 1\], but is 1.5"),
        (
            SMALL,
            0.5,
            "no set has enough clips for a task with D.aux of the others. s: No auxiliary clip .no set. shows class 0",
        ),
        (SMALL.select([1, 2, 4, 5]), 0.0, r"No auxiliary clip \(s\) shows class 0\. Add a set that does to auxiliary"),
    ],
)
def test_tasks_that_the_sets_cannot_make_are_refused(auxiliary: Clips | None, share: float, message: str) -> None:
    with pytest.raises((ConfigurationError, DataError), match=message):
        sampler(auxiliary, macro_tasks=share)


# --- Scaling that does not fit ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augmentation": Augmentation(mirror=True, shift=2, gain=0.0)}, ""),
        ({"augmentation": Augmentation()}, "augmentation: gain cannot be right for images of stretched scaling"),
        ({"augmentation": Augmentation(gain=0, rotation=5, zoom=0.1)}, "augmentation: rotation, zoom cannot be right"),
        ({"augmentation": None, "corruption": Corruption(gain=2.0)}, "corruption: gain cannot be right"),
        ({"augmentation": None, "auxiliary": MagnifiedMicro()}, "MagnifiedMicro: magnification cannot be right"),
    ],
)
def test_changes_that_need_to_know_what_no_motion_is_are_refused_for_stretched_images(
    options: dict[str, Any], message: str
) -> None:
    stretched = replace(MADE, scaling=STRETCHED)
    module = EpisodicDataModule(Given(stretched), SubjectKFold(4), **{"n_shot": 2, "n_query": 2, **options})
    if not message:
        module.setup("fit")
        return
    with pytest.raises(ConfigurationError, match=message):
        module.setup("fit")


def test_the_mirrored_face_s_stretched_image_is_the_mirrored_stretched_image() -> None:
    motion = MADE.micro.inputs
    torch.testing.assert_close(rescale(mirror(motion), SCALING, STRETCHED), mirror(rescale(motion, SCALING, STRETCHED)))
