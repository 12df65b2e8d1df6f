"""Which clips make a task."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data_modules.episodes import EpisodeSampler, Tasks
from data_modules.flow import magnify
from data_modules.transforms import Augmentation
from lightmannet.episode import Clips, Episode, concatenate
from lightmannet.errors import ConfigurationError, DataError
from tests.clips import clips_of, make_clips, same


def sampler(
    clips: Clips | None = None,
    auxiliary: Clips | None = None,
    n_way: int = 3,
    n_shot: int = 2,
    n_query: int = 3,
    n_auxiliary: int = 4,
    separate_subjects: bool = True,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    tasks: Tasks = "mixed",
    repeat_clips: bool = False,
    augment_auxiliary: bool = False,
) -> EpisodeSampler:
    return EpisodeSampler(
        make_clips(72, size=4) if clips is None else clips,
        auxiliary,
        n_way,
        n_shot,
        n_query,
        n_auxiliary,
        separate_subjects,
        augmentation,
        seed,
        tasks=tasks,
        repeat_clips=repeat_clips,
        augment_auxiliary=augment_auxiliary,
    )


def magnified(clips: Clips) -> Clips:
    return replace(clips, inputs=magnify(clips.inputs, 4.0))


def equal(first: Episode, second: Episode) -> bool:
    return (
        same(first.support, second.support)
        and same(first.query, second.query)
        and same(first.auxiliary, second.auxiliary)
        and (first.n_way, first.n_shot, first.index) == (second.n_way, second.n_shot, second.index)
    )


# --- A pure function of seed, epoch and index ---


def test_the_same_task_comes_in_any_order_from_any_sampler() -> None:
    macro = make_clips(30, seed=1, size=4, database="macro")
    keys = [(epoch, index) for epoch in range(3) for index in range(4)]
    one, other = (sampler(auxiliary=macro, augmentation=Augmentation(), seed=5) for _ in range(2))
    forwards = {key: one.episode(*key) for key in keys}
    backwards = {key: other.episode(*key) for key in reversed(keys)}
    assert all(equal(forwards[key], backwards[key]) for key in keys)
    assert all(equal(forwards[key], one.episode(*key)) for key in keys)


def test_seed_epoch_and_index_each_change_the_task() -> None:
    tasks = [
        (episode.support.ids, episode.query.ids)
        for seed in range(3)
        for epoch in range(3)
        for index in range(3)
        for episode in [sampler(seed=seed).episode(epoch, index)]
    ]
    assert len(set(tasks)) == 27


def test_a_task_knows_its_number() -> None:
    assert [sampler().episode(2, index).index for index in range(3)] == [0, 1, 2]
    assert [sampler().draw(make_clips(3), index).index for index in range(3)] == [0, 1, 2]


# --- What is in a task ---


@pytest.mark.parametrize("separate_subjects", [True, False])
@pytest.mark.parametrize(("n_way", "n_shot", "n_query"), [(3, 1, 1), (2, 5, 2), (3, 2, 6), (1, 1, 4)])
def test_each_class_has_its_support_and_query_clips_once(
    n_way: int, n_shot: int, n_query: int, separate_subjects: bool
) -> None:
    tasks = sampler(n_way=n_way, n_shot=n_shot, n_query=n_query, separate_subjects=separate_subjects)
    for index in range(30):
        episode = tasks.episode(0, index)
        assert (episode.n_way, episode.n_shot) == (n_way, n_shot)
        assert sorted(Counter(episode.support.labels.tolist()).values()) == [n_shot] * n_way
        assert sorted(Counter(episode.query.labels.tolist()).values()) == [n_query] * n_way
        assert set(episode.support.labels.tolist()) == set(episode.query.labels.tolist())
        ids = episode.support.ids + episode.query.ids
        assert len(set(ids)) == len(ids) == n_way * (n_shot + n_query)


def test_the_clips_of_a_task_are_those_of_the_corpus() -> None:
    clips = make_clips(72, size=4)
    episode = sampler(clips).episode(0, 0)
    for part in (episode.support, episode.query):
        assert same(part, clips.select([clips.ids.index(clip) for clip in part.ids]))


@settings(deadline=None, max_examples=60)
@given(
    # Everybody shows each class at least twice, so tasks of one or two clips per class exist.
    st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=4, max_size=8),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(2, 3),
    st.integers(0, 1000),
)
def test_support_and_query_show_different_people(
    further: list[list[int]], n_shot: int, n_query: int, n_way: int, index: int
) -> None:
    shown = [(who, label) for who, more in enumerate(further) for label in (0, 1, 2, 0, 1, 2, *more)]
    episode = sampler(clips_of(shown), n_way=n_way, n_shot=n_shot, n_query=n_query).episode(0, index)
    assert not set(episode.support.subjects) & set(episode.query.subjects)
    assert len(episode.query) == n_way * n_query


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 10), st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
def test_people_may_be_shared_where_allowed_but_clips_never(people: int, n_shot: int, n_query: int, index: int) -> None:
    clips = clips_of([(clip % people, clip % 3) for clip in range(30)])
    episode = sampler(clips, n_shot=n_shot, n_query=n_query, separate_subjects=False).episode(0, index)
    assert not set(episode.support.ids) & set(episode.query.ids)


def test_with_people_not_separated_a_task_does_share_them() -> None:
    tasks = sampler(separate_subjects=False)
    episodes = [tasks.episode(0, index) for index in range(10)]
    assert any(set(e.support.subjects) & set(e.query.subjects) for e in episodes)


@pytest.mark.parametrize("separate_subjects", [True, False])
def test_every_clip_has_its_turn_as_support_and_as_query(separate_subjects: bool) -> None:
    clips = make_clips(72, size=4)
    tasks = sampler(clips, separate_subjects=separate_subjects)
    episodes = [tasks.episode(0, index) for index in range(200)]
    assert {clip for e in episodes for clip in e.support.ids} == set(clips.ids)
    assert {clip for e in episodes for clip in e.query.ids} == set(clips.ids)


def test_every_choice_of_classes_has_its_turn() -> None:
    tasks = sampler(n_way=2)
    chosen = {tuple(sorted(set(tasks.episode(0, index).support.labels.tolist()))) for index in range(50)}
    assert chosen == set(combinations(range(3), 2))


def test_support_and_query_are_augmented_and_the_auxiliary_clips_are_not() -> None:
    macro = make_clips(30, seed=1, size=4, database="macro")
    plain = sampler(auxiliary=macro).episode(0, 3)
    changed = sampler(auxiliary=macro, augmentation=Augmentation()).episode(0, 3)
    assert same(changed.auxiliary, plain.auxiliary)
    for before, after in ((plain.support, changed.support), (plain.query, changed.query)):
        assert after.ids == before.ids
        assert not torch.equal(after.inputs, before.inputs)


# --- D^aux ---


def test_without_a_pool_there_are_no_auxiliary_clips() -> None:
    assert sampler().episode(0, 0).auxiliary is None
    assert sampler().draw(make_clips(3, size=4), 0).auxiliary is None


@pytest.mark.parametrize("n_way", [2, 3])
def test_auxiliary_clips_are_of_the_classes_of_the_task_and_no_clip_twice(n_way: int) -> None:
    macro = make_clips(15, seed=1, size=4, database="macro")
    tasks = sampler(auxiliary=macro, n_way=n_way, n_auxiliary=5)
    for index in range(10):
        episode = tasks.episode(0, index)
        assert episode.auxiliary is not None
        assert Counter(episode.auxiliary.labels.tolist()) == dict.fromkeys(episode.support.labels.tolist(), 5)
        assert len(set(episode.auxiliary.ids)) == n_way * 5
        assert same(episode.auxiliary, macro.select([macro.ids.index(clip) for clip in episode.auxiliary.ids]))


def test_a_class_of_few_auxiliary_clips_repeats_them() -> None:
    episode = sampler(auxiliary=make_clips(6, size=4, database="macro"), n_auxiliary=7).episode(0, 0)
    assert episode.auxiliary is not None
    assert Counter(episode.auxiliary.labels.tolist()) == {0: 7, 1: 7, 2: 7}


def test_a_task_never_meets_its_own_clips_among_the_magnified() -> None:
    clips = make_clips(72, size=4)
    tasks = sampler(clips, magnified(clips), n_auxiliary=19)  # 24 a class, of which 5 are the task's
    for index in range(20):
        episode = tasks.episode(0, index)
        draw = tasks.draw(make_clips(3, size=4), index)
        assert episode.auxiliary is not None
        assert draw.auxiliary is not None
        own = {*episode.support.ids, *episode.query.ids}
        assert set(episode.auxiliary.ids) == set(clips.ids) - own
        assert len(episode.auxiliary) == 3 * 19
        assert not set(draw.auxiliary.ids) & set(draw.support.ids)


def test_the_largest_support_leaves_a_magnified_clip_of_each_class() -> None:
    clips = make_clips(18, size=4)
    draw = sampler(clips, magnified(clips)).draw(make_clips(3, size=4), 0, most_shots=15)
    assert draw.auxiliary is not None
    assert Counter(draw.support.labels.tolist()) == {0: 5, 1: 5, 2: 5}
    assert set(draw.auxiliary.ids) == set(clips.ids) - set(draw.support.ids)


def test_one_magnified_clip_left_is_enough_and_none_is_refused_beforehand() -> None:
    clips = make_clips(18, size=4)
    episode = sampler(clips, magnified(clips), n_shot=2, n_query=3).episode(0, 0)
    assert episode.auxiliary is not None
    assert Counter(episode.auxiliary.ids).most_common(1)[0][1] == 4  # the only one left of its class, four times
    with pytest.raises(DataError, match=r"Class 0 has 6 auxiliary clips.*contain 6 of them.*Choose another kind"):
        sampler(clips, magnified(clips), n_shot=3, n_query=3)


def test_a_class_without_auxiliary_clips_is_refused_beforehand() -> None:
    macro = make_clips(30, size=4, database="macro")
    with pytest.raises(DataError, match=r"No auxiliary clip \(macro\) shows class 1\."):
        sampler(auxiliary=macro.select([i for i in range(30) if i % 3 != 1]))
    with pytest.raises(DataError, match=r"No auxiliary clip \(no set\) shows class 0\."):
        sampler(auxiliary=macro.select([]))


# --- Draws to recognise with ---


def test_a_draw_does_not_depend_on_what_is_recognised_with_it() -> None:
    tasks = sampler(auxiliary=make_clips(30, size=4, database="macro"), augmentation=Augmentation())
    queries = [make_clips(count, seed=count, size=4, database="test") for count in (1, 7)]
    first, second = (tasks.draw(query, 3) for query in queries)
    assert same(first.support, second.support)
    assert same(first.auxiliary, second.auxiliary)
    assert (first.query, second.query) == tuple(queries)


def test_a_draw_has_supports_of_every_class_whatever_a_training_task_has() -> None:
    clips = make_clips(72, size=4)
    draw = sampler(clips, n_way=2, n_shot=4, augmentation=Augmentation()).draw(make_clips(3, size=4), 0)
    assert (draw.n_way, draw.n_shot) == (3, 4)
    assert Counter(draw.support.labels.tolist()) == {0: 4, 1: 4, 2: 4}
    assert len(set(draw.support.ids)) == 12
    # Not augmented.
    assert same(draw.support, clips.select([clips.ids.index(clip) for clip in draw.support.ids]))


def test_draws_differ_and_are_no_training_tasks() -> None:
    tasks, query = sampler(n_shot=4, n_query=1), make_clips(3, size=4)
    draws = {tasks.draw(query, index).support.ids for index in range(20)}
    assert len(draws) == 20
    assert not draws & {tasks.episode(epoch, index).support.ids for epoch in range(3) for index in range(20)}
    assert sampler(n_shot=4, seed=1).draw(query, 0).support.ids not in draws


# --- Data that no such task can be made of ---


def test_more_classes_than_there_are_is_refused_with_the_counts() -> None:
    with pytest.raises(
        DataError, match=r"n_way: 4 is more than the number of classes.*Per class: 0: 24 clips of 6 people, 1: 24"
    ):
        sampler(n_way=4)


def test_a_class_of_too_few_clips_is_refused_with_the_counts() -> None:
    clips = clips_of([(who, label) for who in range(5) for label in (0, 1, 1)] + [(0, 2), (1, 2), (1, 2)])
    message = (
        r"Class 2 has 3 training clips, but n_shot: 2 and n_query: 2 need 4\. "
        r"Per class: 0: 5 clips of 5 people, 1: 10 clips of 5 people, 2: 3 clips of 2 people\. Lower n_shot or n_query"
    )
    with pytest.raises(DataError, match=message):
        sampler(clips, n_shot=2, n_query=2)


def test_a_class_of_one_person_is_refused_unless_people_may_be_shared() -> None:
    clips = clips_of([(who, label) for who in range(5) for label in (0, 1)] + [(3, 2)] * 6)
    with pytest.raises(DataError, match=r"Class 2 has training clips of one person only.*2: 6 clips of 1 people"):
        sampler(clips)
    assert len(sampler(clips, separate_subjects=False).episode(0, 0).query) == 9


def test_people_who_cannot_be_divided_are_counted() -> None:
    # Whoever is on the other side has one clip of class 0, and two are asked for.
    clips = clips_of([(0, 0)] * 3 + [(1, 0)] + [(who, label) for who in range(2) for label in (1, 1, 2, 2)])
    tasks = sampler(clips, n_shot=2, n_query=2)
    message = r"No division of the 2 people gives every class 2 support and 2 query.*0: 4 clips of 2 people"
    with pytest.raises(DataError, match=message):
        tasks.episode(0, 0)


def test_divisions_are_tried_until_one_serves() -> None:
    # Half of them do not: the only two people of class 2 must stand on different sides.
    random = np.random.default_rng(0)
    shown = [(who, int(label)) for who in range(8) for label in random.integers(0, 2, 6)]
    tasks = sampler(clips_of([*shown, (0, 2), (1, 2)]), n_shot=1, n_query=1)
    assert all(len(tasks.episode(0, index).query) == 3 for index in range(50))


# --- Whose clips make a task ---


def two_databases(large: int = 72, small: int = 36) -> Clips:
    first, second = (make_clips(n, size=4, database=name) for n, name in ((large, "large"), (small, "small")))
    return concatenate(first, second)


def test_a_task_per_database_has_clips_of_one_and_each_has_its_share() -> None:
    tasks = sampler(two_databases(), tasks="per_database")
    drawn: Counter[str] = Counter()
    for index in range(300):
        episode = tasks.episode(0, index)
        (database,) = {*episode.support.databases, *episode.query.databases}
        assert not set(episode.support.subjects) & set(episode.query.subjects)
        drawn[database] += 1
    assert drawn["large"] / 300 == pytest.approx(2 / 3, abs=0.1)


def test_a_task_per_subject_has_clips_of_one_person_and_each_who_can_is_drawn_equally_often() -> None:
    # Person 6 shows one class only, person 0 twice as much as the others.
    shown = [(who, label) for who in (0, 0, 1, 2) for label in (0, 1, 2) * 5] + [(6, 0)] * 20
    tasks = sampler(clips_of(shown), separate_subjects=False, tasks="per_subject")
    drawn: Counter[str] = Counter()
    for index in range(300):
        episode = tasks.episode(0, index)
        (person,) = {*episode.support.subjects, *episode.query.subjects}
        assert not set(episode.support.ids) & set(episode.query.ids)
        assert (len(episode.support), len(episode.query)) == (6, 9)
        drawn[person] += 1
    assert set(drawn) == {"made/p00", "made/p01", "made/p02"}
    assert all(count == pytest.approx(100, abs=30) for count in drawn.values())


def test_a_person_of_two_classes_makes_tasks_of_two() -> None:
    shown = [(0, label) for label in (0, 1) * 5] + [(0, 2)] + [(1, 2)] * 5
    clips = clips_of(shown)
    tasks = sampler(clips, n_way=2, separate_subjects=False, tasks="per_subject")
    assert {label for i in range(9) for label in tasks.episode(0, i).support.labels.tolist()} == {0, 1}
    # Neither the clip of a class that is shown too rarely nor those of somebody who shows one class.
    assert tasks.drawn_from == clips.ids[:10]


@pytest.mark.parametrize("tasks", ["per_database", "per_subject"])
def test_draws_to_recognise_with_are_mixed_whatever_the_tasks_are(tasks: Tasks) -> None:
    clips, query = two_databases(), make_clips(3, size=4)
    mixed = sampler(clips, separate_subjects=False)
    other = sampler(clips, n_shot=2, n_query=1, separate_subjects=False, tasks=tasks)
    assert same(mixed.draw(query, 1).support, other.draw(query, 1).support)


def test_a_database_that_cannot_make_a_task_is_refused_with_its_counts() -> None:
    message = (
        r"per_database: small has too few clips for tasks of n_way: 3 classes with n_shot: 2 and n_query: 3 clips "
        r"each\. Per class: 0: 4 clips of 4 people, 1: 4 clips of 4 people, 2: 4 clips of 4 people\. Lower"
    )
    with pytest.raises(DataError, match=message):
        sampler(two_databases(small=12), tasks="per_database")


def test_a_database_whose_class_shows_one_person_is_refused_where_people_are_separated() -> None:
    clips = concatenate(two_databases(), make_clips(30, size=4, subjects=1, database="single"))
    with pytest.raises(DataError, match=r"single has too few clips.*10 clips of 1 people"):
        sampler(clips, tasks="per_database")
    assert sampler(clips, separate_subjects=False, tasks="per_database").episode(0, 0)


def test_people_none_of_whom_shows_enough_are_counted() -> None:
    clips = clips_of([(who, label) for who in range(3) for label in (0, 0, 0, 1, 1, 1, 2)])
    message = (
        r"none of the 3 people shows n_way: 3 classes with 3 clips each \(n_shot: 2 and n_query: 1\); the "
        r"maximum is 2\. Lower n_way"
    )
    with pytest.raises(DataError, match=message):
        sampler(clips, n_query=1, separate_subjects=False, tasks="per_subject")


def test_tasks_of_one_person_with_separate_people_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"makes a task of one person's clips.*separate_subjects: false"):
        sampler(tasks="per_subject")


def test_unknown_tasks_are_named() -> None:
    with pytest.raises(ConfigurationError, match="mixed, per_database, per_subject, not 'per_country'"):
        sampler(tasks="per_country")  # type: ignore[arg-type]


# --- Few clips ---


def test_a_class_of_few_clips_repeats_them_and_one_of_many_does_not() -> None:
    few = clips_of([(0, 0), (1, 1), (2, 1), *((person, 2) for person in range(8))])
    made = sampler(few, separate_subjects=False, repeat_clips=True)
    for index in range(20):
        task = made.episode(0, index)
        together = concatenate(task.support, task.query)
        assert Counter(task.support.labels.tolist()) == {0: 2, 1: 2, 2: 2}
        assert Counter(task.query.labels.tolist()) == {0: 3, 1: 3, 2: 3}
        shown = {
            label: {c for c, k in zip(together.ids, together.labels, strict=True) if k == label} for label in range(3)
        }
        assert {label: len(clips) for label, clips in shown.items()} == {0: 1, 1: 2, 2: 5}


def test_a_repeated_clip_is_augmented_anew_each_time() -> None:
    task = sampler(
        make_clips(3, size=8), separate_subjects=False, repeat_clips=True, augmentation=Augmentation(), n_query=2
    ).episode(0, 0)
    first = concatenate(task.support, task.query)
    alike = [first.select([i]) for i, label in enumerate(first.labels) if label == 0]
    assert len({clip.ids for clip in alike}) == 1
    assert len({tuple(clip.inputs.flatten().tolist()) for clip in alike}) == len(alike) == 4


def test_supports_to_recognise_with_repeat_clips_where_there_are_too_few() -> None:
    nobody = make_clips(3, size=4).select([])
    made = sampler(make_clips(9, size=4), n_shot=5, separate_subjects=False, repeat_clips=True)
    assert Counter(made.draw(nobody, 0).support.labels.tolist()) == {0: 5, 1: 5, 2: 5}
    assert Counter(made.draw(nobody, 0, most_shots=5).support.labels.tolist()) == {0: 3, 1: 3, 2: 3}


def test_repeated_clips_and_separate_subjects_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="repeat_clips: true lets support and query share clips"):
        sampler(repeat_clips=True)


def test_auxiliary_clips_are_augmented_in_training_tasks_alone_and_only_if_wanted() -> None:
    macro = make_clips(30, seed=1, size=8, database="macro")
    clips = make_clips(72, size=8)
    plain, changed = (
        sampler(clips, macro, augmentation=Augmentation(), augment_auxiliary=wanted) for wanted in (False, True)
    )
    one, other = plain.episode(0, 0), changed.episode(0, 0)
    assert one.auxiliary is not None
    assert other.auxiliary is not None
    assert same(one.support, other.support)
    assert one.auxiliary.ids == other.auxiliary.ids
    assert same(one.auxiliary, macro.select([macro.ids.index(clip) for clip in one.auxiliary.ids]))
    assert not same(one.auxiliary, other.auxiliary)
    assert equal(plain.draw(clips, 0), changed.draw(clips, 0))
