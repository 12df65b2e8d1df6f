"""Who is trained on and who is tested."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_modules.protocols import (
    Fold,
    HoldOutDatabase,
    LeaveOneSubjectOut,
    Protocol,
    SingleDatabase,
    SubjectKFold,
    select_subjects,
)
from lightmannet.episode import Clips, concatenate
from lightmannet.errors import ConfigurationError, DataError
from tests.clips import clips_of, make_clips

LABELS = st.integers(0, 2)
# Each list holds the classes of one person's clips.
PEOPLE = st.lists(st.lists(LABELS, min_size=1, max_size=8), min_size=2, max_size=12)
CORPORA = PEOPLE.map(lambda people: clips_of([(who, label) for who, shown in enumerate(people) for label in shown]))


def uneven(people: int = 40, seed: int = 0) -> Clips:
    """Clips as uneven as real ones: 1 to 40 a person, class 0 as often as the others together."""
    random = np.random.default_rng(seed)
    shown = [(who, int(random.choice(3, p=[0.5, 0.3, 0.2]))) for who in range(people) for _ in range(1 + who**2 // 40)]
    return clips_of(shown)


def share(part: Clips, whole: Clips) -> np.ndarray:
    """Share of each class's clips that is in the part."""
    return np.bincount(part.labels, minlength=3) / np.bincount(whole.labels, minlength=3)


# --- Folds ---


@pytest.mark.parametrize(
    "parts", [(("a", "b"), ("b",), ("c",)), (("b", "a"), (), ("c", "b")), (("a", "b", "b"), (), ("c",))]
)
def test_a_fold_that_shares_a_person_is_refused(parts: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"must not share people between its parts, but \['b'\] occur"):
        Fold(*parts)


@pytest.mark.parametrize(("train", "test"), [((), ("a",)), (("a",), ())])
def test_a_fold_without_people_to_train_or_to_test_on_is_refused(train: tuple[str, ...], test: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=f"but has {len(train)} and {len(test)}. Lower validation_fraction"):
        Fold(train=train, validation=("b",), test=test)


@settings(deadline=None, max_examples=60)
@given(CORPORA, st.data())
def test_every_person_is_tested_once_and_never_trained_on_at_the_same_time(clips: Clips, data: st.DataObject) -> None:
    people = sorted(set(clips.subjects))
    protocol: Protocol = data.draw(
        st.one_of(
            st.just(LeaveOneSubjectOut()),
            st.builds(SubjectKFold, st.integers(2, len(people)), st.integers(0, 99)),
        )
    )
    tested: list[str] = []
    for number in range(len(protocol.groups(clips))):
        fold = protocol.fold(clips, number)
        assert fold.test
        assert fold.validation == ()
        assert sorted(fold.train + fold.test) == people
        tested += fold.test
    assert sorted(tested) == people


@settings(deadline=None, max_examples=60)
@given(CORPORA, st.floats(0.01, 0.99), st.integers(0, 99), st.data())
def test_validation_takes_people_from_the_training_side_alone(
    clips: Clips, fraction: float, seed: int, data: st.DataObject
) -> None:
    protocol = data.draw(st.sampled_from([LeaveOneSubjectOut(), SubjectKFold(2)]))
    number = data.draw(st.integers(0, len(protocol.groups(clips)) - 1))
    fold = _outcome(protocol, clips, number, fraction, seed)
    if isinstance(fold, str):
        # As few people as here cannot always be divided like that.
        assert "validation_fraction" in fold
        return
    assert fold.test == protocol.fold(clips, number).test
    assert fold.validation
    assert sorted(fold.train + fold.validation + fold.test) == sorted(set(clips.subjects))


@settings(deadline=None, max_examples=60)
@given(CORPORA, st.data())
def test_the_order_of_the_clips_does_not_matter(clips: Clips, data: st.DataObject) -> None:
    shuffled = clips.select(data.draw(st.permutations(range(len(clips)))))
    for protocol in (LeaveOneSubjectOut(), SubjectKFold(2)):
        assert protocol.groups(shuffled) == protocol.groups(clips)
        assert _outcome(protocol, shuffled) == _outcome(protocol, clips)


def _outcome(protocol: Protocol, clips: Clips, number: int = 0, fraction: float = 0.3, seed: int = 0) -> Fold | str:
    try:
        return protocol.fold(clips, number, fraction, seed)
    except ConfigurationError as error:
        return str(error)


@pytest.mark.parametrize("number", [-1, 6, 7])
def test_a_fold_that_does_not_exist_is_refused_by_its_number(number: int) -> None:
    with pytest.raises(ConfigurationError, match=f"fold: {number} does not exist; loso has folds 0 to 5"):
        LeaveOneSubjectOut().fold(make_clips(36), number)


def test_one_person_alone_cannot_be_tested() -> None:
    for fraction in (0.0, 0.15):
        with pytest.raises(ConfigurationError, match=r"has 0 and 1.*use a corpus with more people"):
            LeaveOneSubjectOut().fold(make_clips(9, subjects=1), 0, fraction)


# --- Leave one subject out ---


def test_each_person_is_a_fold_of_every_database_together() -> None:
    clips = clips_of([(3, 0), (1, 1), (3, 2), (2, 0)])
    assert LeaveOneSubjectOut().groups(clips) == [("made/p01",), ("made/p02",), ("made/p03",)]


# --- K folds ---


@pytest.mark.parametrize("k", [-1, 0, 1])
def test_less_than_two_folds_are_refused(k: int) -> None:
    with pytest.raises(ConfigurationError, match=f"needs k >= 2, but k is {k}"):
        SubjectKFold(k)


def test_more_folds_than_people_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="k: 7 needs as many people, but the corpus has 6"):
        SubjectKFold(7).groups(make_clips(36))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(LABELS, max_size=8), min_size=2, max_size=12), st.integers(0, 99), st.data())
def test_where_everybody_shows_all_classes_every_fold_has_all(
    further: list[list[int]], seed: int, data: st.DataObject
) -> None:
    clips = clips_of([(who, label) for who, shown in enumerate(further) for label in (0, 1, 2, *shown)])
    groups = SubjectKFold(data.draw(st.integers(2, len(further))), seed).groups(clips)
    assert all(set(select_subjects(clips, group).labels.tolist()) == {0, 1, 2} for group in groups)


@pytest.mark.parametrize("seed", range(5))
def test_people_without_a_class_in_common_still_fill_every_fold(seed: int) -> None:
    groups = SubjectKFold(3, seed).groups(clips_of([(0, 0), (1, 1), (2, 2)]))
    assert sorted(groups) == [("made/p00",), ("made/p01",), ("made/p02",)]


@pytest.mark.parametrize("seed", range(5))
def test_folds_of_uneven_people_are_about_equal_in_size_and_classes(seed: int) -> None:
    clips = uneven()
    parts = [select_subjects(clips, group) for group in SubjectKFold(5, seed).groups(clips)]
    assert max(len(part) for part in parts) < 1.25 * min(len(part) for part in parts)
    for part in parts:
        assert share(part, clips) == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_class_is_spread_over_the_folds_as_evenly_as_a_common_one(seed: int) -> None:
    # Every fourth of 20 people has one clip of class 1 beside 3 to 22 of class 0.
    clips = clips_of([(who, label) for who in range(20) for label in [0] * (3 + who) + [1] * (who % 4 == 0)])
    parts = [select_subjects(clips, group) for group in SubjectKFold(5, seed).groups(clips)]
    assert [part.labels.tolist().count(1) for part in parts] == [1] * 5


def test_the_seed_of_the_folds_chooses_the_grouping_and_that_of_the_training_does_not() -> None:
    clips = uneven()
    groupings = {tuple(SubjectKFold(5, seed).groups(clips)) for seed in range(10)}
    assert len(groupings) == 10
    tested = {SubjectKFold(5).fold(clips, 2, fraction, seed).test for fraction in (0.0, 0.2) for seed in range(5)}
    assert len(tested) == 1


# --- Validation people ---


@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_the_validation_people_have_the_share_asked_for_in_every_class(fraction: float, seed: int) -> None:
    clips = uneven()
    fold = SubjectKFold(5).fold(clips, 0, fraction, seed)
    training_side = select_subjects(clips, fold.train + fold.validation)
    validation = select_subjects(clips, fold.validation)
    assert len(validation) / len(training_side) == pytest.approx(fraction, abs=0.02)
    assert share(validation, training_side) == pytest.approx(fraction, abs=0.06)


def test_the_training_seed_chooses_the_validation_people() -> None:
    clips = uneven()
    chosen = [SubjectKFold(5).fold(clips, 0, 0.15, seed).validation for seed in range(20)]
    assert chosen == [SubjectKFold(5).fold(clips, 0, 0.15, seed).validation for seed in range(20)]
    assert len(set(chosen)) > 15
    # Nobody is set aside whatever the seed.
    assert max(Counter(person for people in chosen for person in people).values()) < 20


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 15.0])
def test_a_share_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"validation_fraction must lie in \[0, 1\), but is {fraction}"):
        LeaveOneSubjectOut().fold(make_clips(36), 0, fraction)


def test_a_share_too_small_for_one_person_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"validation_fraction: 0\.01 of 5 people leaves nobody\. Raise it"):
        LeaveOneSubjectOut().fold(make_clips(36), 0, 0.01)


def test_a_share_that_leaves_nobody_to_train_on_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"has 0 and 1\. Lower validation_fraction"):
        LeaveOneSubjectOut().fold(make_clips(36), 0, 0.99)


# --- The clips of some people ---


def test_the_clips_of_people_come_in_their_own_order() -> None:
    clips = clips_of([(1, 0), (2, 0), (3, 0), (1, 1), (2, 1)])
    chosen = select_subjects(clips, ("made/p02", "made/p01", "made/p09"))
    assert chosen.ids == ("made/p01/c000", "made/p02/c001", "made/p01/c003", "made/p02/c004")
    assert len(select_subjects(clips, ())) == 0


# --- One database, held-out databases ---


def databases() -> Clips:
    """Clips of three databases: a, of 4 people; b and c, of 3 each."""
    made = [make_clips(36, subjects=people, size=3, database=name) for name, people in (("a", 4), ("b", 3), ("c", 3))]
    return concatenate(concatenate(made[0], made[1]), made[2])


def test_a_single_database_is_tested_and_trained_on_alone() -> None:
    protocol, clips = SingleDatabase("b"), databases()
    assert protocol.groups(clips) == [("b/p00",), ("b/p01",), ("b/p02",)]
    assert protocol.fold(clips, 1) == Fold(train=("b/p00", "b/p02"), validation=(), test=("b/p01",))
    assert {clip[0] for clip in protocol.tested(clips)} == {"b"}
    assert len(protocol.tested(clips)) == 36


def test_a_held_out_database_is_tested_by_one_network_trained_on_the_others() -> None:
    clips = databases()
    everybody = set(clips.subjects)
    for protocol, trained in (
        (HoldOutDatabase(("a",)), {"b", "c"}),
        (HoldOutDatabase(("a",), ("c",)), {"c"}),
        (HoldOutDatabase(("a", "b")), {"c"}),
    ):
        assert len(protocol.groups(clips)) == 1
        fold = protocol.fold(clips, 0)
        assert set(fold.train) == {person for person in everybody if person[0] in trained}
        assert set(fold.test) == {person for person in everybody if person[0] in protocol.test}
    fold = HoldOutDatabase(("a",)).fold(clips, 0, validation_fraction=0.4)
    assert fold.validation
    assert {person[0] for person in fold.validation + fold.train} == {"b", "c"}


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (SingleDatabase("d"), "database: the corpus has no database d; it has a, b, c"),
        (HoldOutDatabase(("d",)), "test: the corpus has no database d; it has a, b, c"),
        (HoldOutDatabase(("a",), ("d",)), "train: the corpus has no database d; it has a, b, c"),
    ],
)
def test_a_database_that_is_not_there_is_refused_by_name(protocol: Protocol, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        protocol.fold(databases(), 0)


@pytest.mark.parametrize(("test", "train"), [((), ()), (("a", "b"), ("b",))])
def test_a_database_cannot_be_trained_on_and_tested(test: tuple[str, ...], train: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="needs databases to test, and others to train on"):
        HoldOutDatabase(test, train)


# --- What a protocol needs ---

CLASSES = ("negative", "positive", "surprise")


def test_clips_that_fill_the_protocol_pass() -> None:
    for protocol in (
        LeaveOneSubjectOut(expect=(36, 36, 36)),
        SubjectKFold(3, expect=(36, 36, 36)),
        SingleDatabase("a", expect=(12, 12, 12)),
        HoldOutDatabase(("a", "b"), expect=(24, 24, 24)),
    ):
        protocol.check(databases(), CLASSES)


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ((12, 13, 12), "sde: the numbers of test clips are not as expected. positive: 13 expected, 12 found"),
        ((12, 12), "2 classes expected, 3 found"),
    ],
)
def test_other_counts_than_expected_are_refused_with_the_class(expect: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        SingleDatabase("a", expect=expect).check(databases(), CLASSES)


def test_a_class_that_nobody_shows_is_named() -> None:
    with pytest.raises(DataError, match="loso: no test clip shows class surprise"):
        LeaveOneSubjectOut().check(clips_of([(0, 0), (0, 1), (1, 0), (1, 1)]), CLASSES)


def test_a_fold_whose_training_people_lack_a_class_is_named_with_its_person() -> None:
    clips = clips_of([(person, label) for person in range(3) for label in (0, 1)] + [(1, 2)])
    with pytest.raises(DataError, match="fold 1, which tests made/p01, leaves no training clip of class surprise"):
        LeaveOneSubjectOut().check(clips, CLASSES)
