"""Tasks and trials of the episodic data module."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from data_modules.auxiliary import MagnifiedMicro
from data_modules.corpus import InputKind
from data_modules.episodic import EpisodicDataModule
from data_modules.evaluation import Evaluation, OwnPerson, TrainingSupport, UnseenPeople
from data_modules.protocols import LeaveOneSubjectOut, SubjectKFold
from data_modules.synthetic.motion import SyntheticMotion
from lightmannet.episode import Clips, Episode, Trial, Views
from lightmannet.errors import ConfigurationError, DataError
from tests.clips import MadeCorpus, same


def module(corpus: MadeCorpus | None = None, **options: Any) -> EpisodicDataModule:
    defaults = {"validation_fraction": 0, "n_shot": 2, "n_query": 3}
    made = EpisodicDataModule(corpus or MadeCorpus(size=8), SubjectKFold(4), **{**defaults, **options})
    made.setup("fit")
    return made


def test_an_epoch_has_as_many_tasks_as_asked_for_and_each_the_clips_asked_for() -> None:
    episodes = list(module(episodes_per_epoch=6, n_way=2, n_auxiliary=4).train_dataloader())
    assert len(episodes) == 6
    for index, episode in enumerate(episodes):
        assert isinstance(episode, Episode)
        assert episode.auxiliary is not None
        assert (len(episode.support), len(episode.query), len(episode.auxiliary)) == (4, 6, 8)
        assert episode.index == index


def test_each_test_clip_meets_several_supports_and_all_the_same() -> None:
    (trial,) = module(evaluation=TrainingSupport(draws=5)).test_dataloader()
    assert isinstance(trial, Trial)
    assert [episode.index for episode in trial.episodes] == [0, 1, 2, 3, 4]
    assert len({episode.support.ids for episode in trial.episodes}) == 5
    assert all(same(episode.query, trial.query) for episode in trial.episodes)
    assert len(trial.query) == 18


def test_validation_and_test_clips_meet_the_same_supports() -> None:
    made = module(validation_fraction=0.3)
    (validated,), (tested,) = made.val_dataloader(), made.test_dataloader()
    assert isinstance(validated, Trial)
    assert isinstance(tested, Trial)
    pairs = zip(validated.episodes, tested.episodes, strict=True)
    assert all(same(one.support, other.support) for one, other in pairs)
    assert not set(validated.query.ids) & set(tested.query.ids)


@pytest.mark.parametrize(("clips", "sizes"), [(1200, [256, 44]), (3072, [256, 256, 256])])
def test_many_clips_are_recognised_in_several_trials_with_the_same_supports(clips: int, sizes: list[int]) -> None:
    trials = list(module(MadeCorpus(clips=clips, size=3), evaluation=TrainingSupport(draws=2)).test_dataloader())
    assert [len(trial.query) for trial in trials if isinstance(trial, Trial)] == sizes
    supports = {
        tuple(episode.support.ids for episode in trial.episodes) for trial in trials if isinstance(trial, Trial)
    }
    assert len(supports) == 1


def test_supports_of_test_clips_may_be_larger_than_those_of_training() -> None:
    (trial,) = module(n_shot=2, evaluation=TrainingSupport(draws=2, most_shots=7)).test_dataloader()
    assert isinstance(trial, Trial)
    assert [Counter(episode.support.labels.tolist()) for episode in trial.episodes] == [{0: 7, 1: 7, 2: 7}] * 2


def test_the_rarest_class_limits_the_support() -> None:
    made = module(evaluation=TrainingSupport(draws=1, most_shots=99))
    (trial,) = made.test_dataloader()
    assert isinstance(trial, Trial)
    rarest = min(Counter(made.training.labels.tolist()).values())
    assert set(Counter(trial.episodes[0].support.labels.tolist()).values()) == {rarest}


@pytest.mark.parametrize("kind", ["motion", "difference"])
def test_mirrored_clips_are_recognised_beside_the_clips_themselves(kind: InputKind) -> None:
    made = module(MadeCorpus(kind=kind), average_mirrored=True)
    (views,), (trial,) = made.test_dataloader(), module(MadeCorpus(kind=kind)).test_dataloader()
    assert isinstance(views, Views)
    assert isinstance(views.batch, Trial)
    assert isinstance(trial, Trial)
    assert same(views.query, trial.query)
    inputs, plain = views.batch.query.inputs, trial.query.inputs
    mirrored = plain.flip(-1)
    if kind == "motion":
        mirrored[:, :, 0] *= -1
    torch.testing.assert_close(inputs, torch.cat([plain, mirrored]))
    for one, other in zip(views.batch.episodes, trial.episodes, strict=True):
        assert same(one.support, other.support)


def test_training_tasks_are_augmented_unless_told_otherwise_and_trials_never() -> None:
    made = module()
    for augmented, plain in zip(made.train_dataloader(), module(augmentation=None).train_dataloader(), strict=True):
        assert isinstance(augmented, Episode)
        assert isinstance(plain, Episode)
        for changed, part in ((augmented.support, plain.support), (augmented.query, plain.query)):
            assert same(part, made.training.select([made.training.ids.index(clip) for clip in part.ids]))
            assert changed.ids == part.ids
            assert not same(changed, part)
    (trial,) = made.test_dataloader()
    assert isinstance(trial, Trial)
    support = trial.episodes[0].support
    assert same(support, made.training.select([made.training.ids.index(clip) for clip in support.ids]))


def test_tasks_of_one_person_can_be_had_where_people_may_be_shared() -> None:
    made = EpisodicDataModule(
        MadeCorpus(subjects=2, size=8), LeaveOneSubjectOut(), validation_fraction=0, separate_subjects=False
    )
    made.setup("fit")
    for episode in made.train_dataloader():
        assert isinstance(episode, Episode)
        assert set(episode.support.subjects) == set(episode.query.subjects) == {"made/p01"}


def test_clips_of_several_phases_keep_them() -> None:
    made = module(MadeCorpus(phases=3, size=8), auxiliary=MagnifiedMicro(), episodes_per_epoch=1)
    (episode,) = made.train_dataloader()
    assert isinstance(episode, Episode)
    assert episode.auxiliary is not None
    for part in (episode.support, episode.query, episode.auxiliary):
        assert part.inputs.shape[1:] == (3, 3, 8, 8)


def test_auxiliary_clips_that_cannot_be_had_are_refused_at_setup() -> None:
    with pytest.raises(ConfigurationError, match="made has no macro-expressions"):
        module(MadeCorpus(macro=False, size=8))


def test_tasks_that_the_training_people_cannot_make_are_refused_at_setup() -> None:
    with pytest.raises(DataError, match="Class 0 has 18 training clips, but n_shot: 10 and n_query: 9 need 19"):
        module(n_shot=10, n_query=9)
    with pytest.raises(DataError, match="training clips of one person only"):
        EpisodicDataModule(MadeCorpus(subjects=2, size=8), LeaveOneSubjectOut(), validation_fraction=0).setup("fit")


@pytest.mark.parametrize("option", ["n_way", "n_shot", "n_query", "n_auxiliary", "episodes_per_epoch"])
def test_counts_that_are_not_positive_are_refused_by_name(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option} must be 1 or more, but is 0"):
        module(None, **{option: 0})


def test_tasks_of_one_person_each_can_be_asked_for() -> None:
    made = module(MadeCorpus(clips=144, size=8), tasks="per_subject", separate_subjects=False, episodes_per_epoch=8)
    people = [{*e.support.subjects, *e.query.subjects} for e in made.train_dataloader() if isinstance(e, Episode)]
    assert len(people) == 8
    assert all(len(of_task) == 1 for of_task in people)
    with pytest.raises(ConfigurationError, match="per_subject makes a task of one person's clips"):
        module(tasks="per_subject")


# --- A few labels of test people ---


def tasks_of(made: EpisodicDataModule) -> list[Episode]:
    trials = list(made.predict_dataloader())
    assert all(isinstance(trial, Trial) and len(trial.episodes) == 1 for trial in trials)
    return [trial.episodes[0] for trial in trials if isinstance(trial, Trial)]


def test_unseen_people_offer_the_support_and_others_of_them_the_query() -> None:
    made = module(MadeCorpus(clips=288, subjects=16, size=3), evaluation=UnseenPeople(tasks=30))
    tasks = tasks_of(made)
    assert len(tasks) == 30
    tested = set(made.fold.test)
    for task in tasks:
        assert set(task.support.subjects) | set(task.query.subjects) <= tested
        assert not set(task.support.subjects) & set(task.query.subjects)
        assert task.support.labels.tolist() == [0, 0, 1, 1, 2, 2]
        assert len(task.query) == 9
    assert len({task.query.ids for task in tasks}) > 20


def test_the_own_person_offers_the_support_and_the_query() -> None:
    options = {"evaluation": OwnPerson(tasks=30), "n_way": 2, "n_query": 1}
    made = module(MadeCorpus(clips=288, subjects=16, size=3), **options)
    tasks = tasks_of(made)
    for task in tasks:
        assert len(set(task.support.subjects) | set(task.query.subjects)) == 1
        assert not set(task.support.ids) & set(task.query.ids)
        assert (len(task.support), len(task.query)) == (4, 2)
    assert {person for task in tasks for person in task.query.subjects} == set(made.fold.test)


@pytest.mark.parametrize("evaluation", [UnseenPeople(tasks=5), OwnPerson(tasks=5)])
def test_every_seed_and_method_gets_the_same_tasks_and_training_sees_no_test_person(evaluation: Evaluation) -> None:
    corpus, n_query = MadeCorpus(clips=288, subjects=16, size=3), 1
    first, second = (
        module(corpus, evaluation=evaluation, seed=seed, n_query=n_query, auxiliary=auxiliary)
        for seed, auxiliary in ((0, None), (1, MagnifiedMicro()))
    )
    for one, other in zip(tasks_of(first), tasks_of(second), strict=True):
        assert same(one.support, other.support)
        assert same(one.query, other.query)
        assert other.auxiliary is not None
        assert not set(other.auxiliary.subjects) & set(second.fold.test)
    for episode in first.train_dataloader():
        assert isinstance(episode, Episode)
        assert not {*episode.support.subjects, *episode.query.subjects} & set(first.fold.test)


def test_test_people_who_cannot_make_such_tasks_are_refused_at_setup_with_the_class() -> None:
    with pytest.raises(DataError, match="Class 0 has 6 test clips, but n_shot: 4 and n_query: 3 need 7"):
        module(evaluation=UnseenPeople(), n_shot=4)
    with pytest.raises(DataError, match="none of the 2 people shows n_way: 3 classes with 4 clips"):
        module(evaluation=OwnPerson(), n_shot=2, n_query=2)


@pytest.mark.parametrize("evaluation", [TrainingSupport(), UnseenPeople(tasks=60), OwnPerson(tasks=60)])
def test_the_tested_clips_are_known_without_setup(evaluation: Evaluation) -> None:
    options: dict[str, Any] = {"evaluation": evaluation, "n_shot": 2, "n_query": 1, "n_way": 2}
    source = MadeCorpus(clips=288, subjects=16, size=3)
    made = EpisodicDataModule(source, SubjectKFold(4), fold=2, validation_fraction=0, **options)
    tested = made.tested_ids(source.load(), 2)
    made.setup("fit")
    assert set(tested) == set(made.testing.ids)
    found = {clip for trial in made.test_dataloader() if isinstance(trial, Trial) for clip in trial.query.ids}
    assert found <= set(tested)
    assert len(found) > 0.8 * len(tested)


def test_a_corpus_that_cannot_make_the_training_tasks_is_refused_without_setup() -> None:
    made = EpisodicDataModule(MadeCorpus(size=3), SubjectKFold(4), validation_fraction=0, n_shot=20, n_query=5)
    with pytest.raises(DataError, match="Class 0 has 18 training clips, but n_shot: 20 and n_query: 5 need 25"):
        made.tested_ids(MadeCorpus(size=3).load(), 0)


@pytest.mark.parametrize("evaluation", [TrainingSupport(), UnseenPeople(tasks=5), OwnPerson(tasks=5)])
def test_without_adapting_the_same_clips_come_without_a_support(evaluation: Evaluation) -> None:
    options = {"evaluation": evaluation, "n_way": 2, "n_query": 1}
    corpus = MadeCorpus(clips=288, subjects=16, size=3)
    adapted = list(module(corpus, **options).predict_dataloader())
    plain = list(module(corpus, **{**options, "evaluation": replace(evaluation, adapt=False)}).predict_dataloader())
    assert len(plain) == len(adapted)
    for clips, trial in zip(plain, adapted, strict=True):
        assert isinstance(clips, Clips)
        assert isinstance(trial, Trial)
        assert same(clips, trial.query)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: TrainingSupport(draws=0), "draws must be 1 or more, but is 0"),
        (lambda: TrainingSupport(most_shots=0), "most_shots must be 1 or more, but is 0"),
        (lambda: UnseenPeople(tasks=0), "tasks must be 1 or more, but is 0"),
        (lambda: OwnPerson(tasks=-1), "tasks must be 1 or more, but is -1"),
    ],
)
def test_evaluations_without_draws_or_tasks_are_refused(wrong: Callable[[], Evaluation], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        wrong()


def test_the_defaults_make_training_tasks_with_macro_expressions() -> None:
    made = EpisodicDataModule(SyntheticMotion(subjects=12, micro_clips=180, macro_clips=70))
    made.setup("fit")
    episode = next(iter(made.train_dataloader()))
    assert isinstance(episode, Episode)
    assert episode.auxiliary is not None
