"""What both data modules promise: who is seen when, and by which process."""

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from data_modules.auxiliary import MagnifiedMicro
from data_modules.base import Batch, RankSampler, ResumableLoader, SubjectDisjointDataModule, require_positive
from data_modules.conventional import ConventionalDataModule
from data_modules.corpus import Corpus
from data_modules.episodic import EpisodicDataModule
from data_modules.evaluation import TrainingSupport
from data_modules.protocols import LeaveOneSubjectOut, SubjectKFold, select_subjects
from lightmannet.episode import Clips, Episode, MetaBatch, Views
from lightmannet.errors import ConfigurationError
from tests.clips import MadeCorpus, same

Make = Callable[..., SubjectDisjointDataModule]


class Counting(MadeCorpus):
    """A corpus that counts how often it is read."""

    reads = 0

    def load(self) -> Corpus:
        self.reads += 1
        return super().load()


def episodic(
    corpus: MadeCorpus | None = None, fold: int = 0, validation: float = 0.0, workers: int = 0, seed: int = 0
) -> SubjectDisjointDataModule:
    return EpisodicDataModule(
        corpus or MadeCorpus(size=8),
        SubjectKFold(4),
        fold=fold,
        validation_fraction=validation,
        n_shot=2,
        n_query=2,
        episodes_per_epoch=7,
        auxiliary=MagnifiedMicro(),
        evaluation=TrainingSupport(draws=2),
        seed=seed,
        num_workers=workers,
    )


def conventional(
    corpus: MadeCorpus | None = None, fold: int = 0, validation: float = 0.0, workers: int = 0, seed: int = 0
) -> SubjectDisjointDataModule:
    return ConventionalDataModule(
        corpus or MadeCorpus(size=8),
        SubjectKFold(4),
        fold=fold,
        validation_fraction=validation,
        batch_size=5,
        seed=seed,
        num_workers=workers,
    )


@pytest.fixture(params=[episodic, conventional])
def make(request: pytest.FixtureRequest) -> Make:
    """A function that makes a data module of one kind; 18 of the 72 clips, of 2 of the 8 people, are tested."""
    return cast(Make, request.param)


def ready(module: SubjectDisjointDataModule, stage: str = "fit") -> SubjectDisjointDataModule:
    module.setup(stage)
    return module


def as_process(
    module: SubjectDisjointDataModule, rank: int = 0, world_size: int = 1, fn: TrainerFn = TrainerFn.FITTING
) -> SubjectDisjointDataModule:
    """Make the module believe that it belongs to a trainer."""
    trainer = SimpleNamespace(global_rank=rank, world_size=world_size, state=SimpleNamespace(fn=fn))
    module.trainer = cast(Trainer, trainer)
    return module


def parts(batch: Batch) -> list[Clips]:
    """Everything in a batch."""
    if isinstance(batch, Clips):
        return [batch]
    if isinstance(batch, Episode):
        return [part for part in (batch.support, batch.query, batch.auxiliary) if part is not None]
    if isinstance(batch, Views):
        return parts(batch.batch)
    return [part for episode in batch.episodes for part in parts(episode)]


def recognised(batch: Batch) -> Clips:
    assert not isinstance(batch, Episode | MetaBatch)
    return batch if isinstance(batch, Clips) else batch.query


def batches(loader: ResumableLoader | list[ResumableLoader], epoch: int = 0) -> list[Batch]:
    assert isinstance(loader, ResumableLoader)
    loader.sampler.set_epoch(epoch)
    return list(loader)


def alike(first: list[Batch], second: list[Batch]) -> bool:
    pairs = [(parts(one), parts(other)) for one, other in zip(first, second, strict=True)]
    return all(same(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


# --- Shares of processes ---


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 8), st.booleans(), st.integers(0, 9))
def test_processes_share_the_batches_out_between_them(length: int, world_size: int, drop: bool, epoch: int) -> None:
    samplers = [RankSampler(length, rank, world_size, drop_uneven=drop) for rank in range(world_size)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    shares = [list(sampler) for sampler in samplers]
    assert [len(sampler) for sampler in samplers] == [len(share) for share in shares]
    left = length - length % world_size if drop else length
    assert sorted(key for share in shares for key in share) == [(epoch, number) for number in range(left)]
    assert len({len(share) for share in shares}) == 1 or not drop


def test_consecutive_batches_go_to_different_processes() -> None:
    # So that N / W steps of W processes hold the same N batches whatever W is.
    shares = [list(RankSampler(8, rank, 2, drop_uneven=True)) for rank in range(2)]
    assert [sorted(step) for step in zip(*shares, strict=True)] == [[(0, n), (0, n + 1)] for n in range(0, 8, 2)]


# --- Who is seen when ---


@pytest.mark.parametrize("fold", range(4))
def test_a_whole_epoch_of_training_shows_no_clip_and_no_person_set_aside(make: Make, fold: int) -> None:
    module = ready(make(fold=fold, validation=0.3))
    people = module.fold
    shown = [part for batch in batches(module.train_dataloader()) for part in parts(batch)]
    assert {person for part in shown for person in part.subjects} == set(people.train)
    clips = {clip for part in shown for clip in part.ids}
    corpus = module.corpus.micro
    assert clips <= set(select_subjects(corpus, people.train).ids)
    assert not clips & set(select_subjects(corpus, people.test + people.validation).ids)


def test_what_helps_to_recognise_test_people_shows_none_of_them(make: Make) -> None:
    module = ready(make(validation=0.3), "test")
    for batch in batches(module.test_dataloader()):
        supports = [part for part in parts(batch) if part is not recognised(batch)]
        assert all(set(part.subjects) <= set(module.fold.train) for part in supports)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_each_clip_of_the_test_people_is_recognised_once_over_all_processes(make: Make, world_size: int) -> None:
    tested: list[str] = []
    for rank in range(world_size):
        module = as_process(ready(make(), "test"), rank, world_size, TrainerFn.TESTING)
        tested += [clip for batch in batches(module.test_dataloader()) for clip in recognised(batch).ids]
    expected = select_subjects(module.corpus.micro, module.fold.test)
    assert len(expected) == 18
    assert sorted(tested) == sorted(expected.ids)


def test_recognised_clips_are_not_changed(make: Make) -> None:
    module = ready(make(), "test")
    corpus = module.corpus.micro
    for batch in batches(module.test_dataloader()):
        query = recognised(batch)
        assert same(query, corpus.select([corpus.ids.index(clip) for clip in query.ids]))


def test_a_process_without_a_clip_to_recognise_still_has_an_empty_batch(make: Make) -> None:
    # Otherwise it would not take part in adding up the scores, and the others would wait for it.
    for rank in range(6):
        module = as_process(ready(make(validation=0.3)), rank, 6, TrainerFn.TESTING)
        loaders = [module.test_dataloader(), module.val_dataloader(), module.predict_dataloader()]
        assert all(len(batches(loader)) == 1 for loader in loaders)
    assert [len(recognised(batch)) for batch in batches(module.test_dataloader())] == [0]


def test_predicting_is_of_the_test_people(make: Make) -> None:
    module = ready(make(), "predict")
    assert alike(batches(module.predict_dataloader()), batches(module.test_dataloader()))


def test_the_validation_people_are_recognised_each_clip_once(make: Make) -> None:
    module = as_process(ready(make(validation=0.3)), fn=TrainerFn.VALIDATING)
    shown = [clip for batch in batches(module.val_dataloader()) for clip in recognised(batch).ids]
    assert module.fold.validation
    assert sorted(shown) == sorted(select_subjects(module.corpus.micro, module.fold.validation).ids)


def test_without_validation_people_training_goes_on_without(make: Make) -> None:
    assert ready(make()).val_dataloader() == []
    assert as_process(ready(make()), fn=TrainerFn.FITTING).val_dataloader() == []


def test_validating_on_nobody_is_refused_with_the_option_to_set(make: Make) -> None:
    module = as_process(ready(make(), "validate"), fn=TrainerFn.VALIDATING)
    with pytest.raises(ConfigurationError, match=r"no validation people. Set the data module's validation_fraction"):
        module.val_dataloader()


def test_a_fold_that_does_not_exist_is_refused_at_setup(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="fold: 4 does not exist; kfold has folds 0 to 3"):
        make(fold=4).setup("fit")


def test_the_corpus_is_read_once(make: Make) -> None:
    corpus = Counting(size=8)
    module = make(corpus)
    assert corpus.reads == 0
    for stage in ("fit", "validate", "test", "predict"):
        module.setup(stage)
    assert corpus.reads == 1


def test_the_training_seed_changes_who_validates_and_not_who_is_tested(make: Make) -> None:
    folds = [make(seed=seed, validation=0.3).fold for seed in range(5)]
    assert len({fold.validation for fold in folds}) > 1
    assert len({fold.test for fold in folds}) == 1


# --- Which batch comes when ---


def test_training_batches_depend_on_seed_and_epoch_and_on_nothing_else(make: Make) -> None:
    loader = ready(make(seed=1)).train_dataloader()
    first, second, again = batches(loader, 0), batches(loader, 1), batches(loader, 0)
    assert alike(first, again)
    assert not alike(first, second)
    assert alike(first, batches(ready(make(seed=1)).train_dataloader(), 0))
    assert not alike(first, batches(ready(make(seed=2)).train_dataloader(), 0))


def test_two_processes_train_on_the_batches_of_one_without_the_odd_one(make: Make) -> None:
    alone = batches(ready(make()).train_dataloader(), 3)
    shares = [batches(as_process(ready(make()), rank, 2).train_dataloader(), 3) for rank in range(2)]
    even = len(alone) - len(alone) % 2
    assert alike([batch for step in zip(*shares, strict=True) for batch in step], alone[:even])


def test_other_processes_make_the_same_batches(make: Make) -> None:
    here, there = ready(make(validation=0.3)), ready(make(validation=0.3, workers=2))
    for loaders in (
        (here.train_dataloader(), there.train_dataloader()),
        (here.test_dataloader(), there.test_dataloader()),
    ):
        for epoch in range(2):
            assert alike(*(batches(loader, epoch) for loader in loaders))


def test_global_random_numbers_are_neither_used_nor_changed(make: Make) -> None:
    torch.manual_seed(0)
    states = torch.get_rng_state(), str(np.random.get_state())
    module = ready(make())
    first = [module.training_plan()[0, number] for number in range(3)]
    # Python's own generator is moved by the shape checks, which look at one element of a list, chosen at random.
    assert torch.equal(torch.get_rng_state(), states[0])
    assert str(np.random.get_state()) == states[1]
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    assert alike(first, [module.training_plan()[0, number] for number in range(3)])


class Recorder(LightningModule):
    """Notes which clips each epoch of training shows."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.epochs: dict[int, list[Batch]] = {}

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.epochs.setdefault(self.current_epoch, []).append(batch)

    def configure_optimizers(self) -> None:
        return None


@pytest.mark.filterwarnings("ignore:.*(validation_step|no optimizer|treespec)")
def test_a_trainer_gets_a_new_epoch_each_epoch(make: Make) -> None:
    options: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    trainer = Trainer(max_epochs=2, accelerator="cpu", devices=1, **options)
    recorder = Recorder()
    trainer.fit(recorder, make())
    loader = ready(make()).train_dataloader()
    for epoch in range(2):
        assert alike(recorder.epochs[epoch], batches(loader, epoch))


# --- Options ---


@pytest.mark.parametrize("value", [0, -3])
def test_a_count_that_is_not_positive_is_refused_by_name(value: int) -> None:
    with pytest.raises(ConfigurationError, match=f"second must be 1 or more, but is {value}"):
        require_positive({"first": 1, "second": value})


def test_all_people_of_all_databases_are_tested_in_turn() -> None:
    module = ConventionalDataModule(MadeCorpus(size=8), LeaveOneSubjectOut(), validation_fraction=0)
    tested = []
    for module.fold_number in range(8):
        tested += batches(ready(module, "test").test_dataloader())
    assert sorted(clip for batch in tested for clip in recognised(batch).ids) == sorted(module.corpus.micro.ids)
