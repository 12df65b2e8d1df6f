"""MAXL: auxiliary labels that are learned."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from data_modules import ConventionalDataModule, EpisodicDataModule, SubjectKFold, TrainingSupport
from lightmannet.episode import Trial
from lightmannet.errors import ConfigurationError
from lightmannet.learners import MAXL
from lightmannet.networks import Conv4, ThreeStream, TwoBranchNetwork
from tests.clips import MadeCorpus, make_clips, make_episode


def made(**options: Any) -> MAXL:
    torch.manual_seed(0)
    return MAXL(TwoBranchNetwork(Conv4(width=8)), **options)


def trainer(epochs: int, **options: Any) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **options,
    )


def test_an_auxiliary_label_spreads_over_the_sub_classes_of_its_own_class() -> None:
    clips = make_clips(6)
    labels = made(sub_classes=4).auxiliary_labels(clips).unflatten(1, (3, 4))
    own = labels[torch.arange(6), clips.labels]
    torch.testing.assert_close(own.sum(1), torch.ones(6))
    torch.testing.assert_close(labels.sum((1, 2)), torch.ones(6))
    assert (own > 0).all()


@pytest.mark.parametrize("hypergradient", ["exact", "finite_differences"])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_every_parameter_gets_a_finite_gradient_also_where_a_class_is_absent(hypergradient: str) -> None:
    learner = made(hypergradient=hypergradient).train()
    clips = replace(make_clips(4), labels=torch.tensor([0, 1, 1, 0]))
    with torch.autocast("cpu", torch.bfloat16):
        loss = learner.training_step(clips, 0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.parameters())
    assert any(p.grad is not None and p.grad.any() for p in learner.generator.parameters())
    assert learner.network.training


@pytest.mark.parametrize("hypergradient", ["exact", "finite_differences"])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_generators_gradient_does_not_depend_on_dropout(hypergradient: str) -> None:
    learner = made(hypergradient=hypergradient, generator=Conv4(width=8, dropout=0.0)).train()
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        learner.zero_grad()
        learner.training_step(make_clips(6), 0).backward()
        found.append(torch.cat([p.grad.flatten() for p in learner.generator.parameters() if p.grad is not None]))
    assert torch.equal(found[0], found[1])


def test_the_generator_starts_from_other_values_than_the_network() -> None:
    learner = made()
    (mine, *_), (its, *_) = learner.network.encoder.parameters(), learner.generator.parameters()
    assert mine.shape == its.shape
    assert not torch.equal(mine, its)


@pytest.mark.parametrize("hypergradient", ["exact", "finite_differences"])
def test_it_learns_an_easy_corpus_and_testing_changes_nothing(hypergradient: str) -> None:
    learner = made(hypergradient=hypergradient, learning_rate=3e-3)
    data = ConventionalDataModule(MadeCorpus(), SubjectKFold(4), validation_fraction=0, batch_size=18)
    start = {key: value.clone() for key, value in learner.generator.state_dict().items()}
    fitted = trainer(8)
    fitted.fit(learner, datamodule=data)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    fitted.test(learner, datamodule=data, verbose=False)
    assert fitted.callback_metrics["test/uf1"] > 0.9
    assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())
    assert any(not torch.equal(start[key], value) for key, value in learner.generator.state_dict().items())


def test_tasks_serve_as_batches_with_accumulation_and_clipping() -> None:
    data = EpisodicDataModule(
        MadeCorpus(),
        SubjectKFold(4),
        validation_fraction=0,
        n_shot=2,
        n_query=2,
        episodes_per_epoch=4,
        evaluation=TrainingSupport(draws=1),
    )
    learner = made()
    fitted = trainer(1, accumulate_grad_batches=2, gradient_clip_val=0.5, precision="bf16-mixed")
    fitted.fit(learner, datamodule=data)
    assert fitted.global_step == 2
    assert fitted.callback_metrics["train/loss"].isfinite()


def test_a_clips_prediction_does_not_depend_on_the_others_or_on_the_task() -> None:
    learner, clips, episode = made().double().eval(), make_clips(5), make_episode()
    clips = replace(clips, inputs=clips.inputs.double())
    together = learner.predict(clips)
    alone = torch.cat([learner.predict(clips.select([i])) for i in range(5)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    trial = Trial((replace(episode, query=clips),))
    torch.testing.assert_close(learner.recognise(trial), together)


@pytest.mark.parametrize(
    "options", [{"sub_classes": 1}, {"focus": -1.0}, {"entropy_weight": -0.1}, {"step": 0.0}], ids=str
)
def test_values_out_of_range_are_named(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=f"MAXL needs sub_classes >= 2.*{name}: {options[name]}"):
        made(**options)


def test_batch_normalisation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is batch normalisation, which would mix the clips"):
        MAXL(TwoBranchNetwork(ThreeStream(normalization="batch")))
