"""Auxiliary learning with learned and with computed weights."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch.nn import functional as F

from data_modules import EpisodicDataModule, SubjectKFold, TrainingSupport
from lightmannet.episode import Clips, Episode, Trial, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.learners import GradientSimilarity, UncertaintyWeighting
from lightmannet.learners.base import Learner
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import MadeCorpus, make_clips, make_episode

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")
METHODS = ["uncertainty", "cosine", "sign"]


def made(name: str) -> UncertaintyWeighting | GradientSimilarity:
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(size=16, width=8, dropout=0.0))
    return UncertaintyWeighting(network) if name == "uncertainty" else GradientSimilarity(network, name)  # type: ignore[arg-type]


def in_double(clips: Clips) -> Clips:
    return replace(clips, inputs=clips.inputs.double())


def task(size: int = 16) -> Episode:
    episode = make_episode(size)
    assert episode.auxiliary is not None
    support, query, auxiliary = (in_double(part) for part in (episode.support, episode.query, episode.auxiliary))
    return replace(episode, support=support, query=query, auxiliary=auxiliary)


def losses(learner: Any, episode: Episode) -> tuple[torch.Tensor, torch.Tensor]:
    micro, macro = concatenate(episode.support, episode.query), episode.auxiliary
    assert macro is not None
    encode = learner.network.encoder
    primary = F.cross_entropy(learner.network.mer_head(encode(micro.inputs)), micro.labels)
    return primary, F.cross_entropy(learner.macro_head(encode(macro.inputs)), macro.labels)


def gradients(learner: Learner, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    named = dict(learner.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))


def test_uncertainty_weighting_equals_its_formula_and_the_derivative_written_out() -> None:
    learner = made("uncertainty").double().train()
    assert isinstance(learner, UncertaintyWeighting)
    with torch.no_grad():
        learner.log_variances.copy_(torch.tensor([0.4, -0.9]))
    primary, auxiliary = losses(learner, task())
    first, second = gradients(learner, primary), gradients(learner, auxiliary)
    loss = learner.training_step(task(), 0)
    expected = math.exp(-0.4) * primary.item() + math.exp(0.9) * auxiliary.item() + (0.4 - 0.9) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-7)
    loss.backward()
    weights = (-learner.log_variances).exp().detach()
    for name, parameter in learner.named_parameters():
        assert parameter.grad is not None
        if name == "log_variances":
            both = torch.stack([primary, auxiliary]).detach()
            torch.testing.assert_close(parameter.grad, 0.5 - weights * both, rtol=0, atol=1e-12)
        else:
            wanted = weights[0] * first[name] + weights[1] * second[name]
            torch.testing.assert_close(parameter.grad, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("agree", [True, False])
@pytest.mark.parametrize("name", ["cosine", "sign"])
def test_gradient_similarity_adds_the_share_of_the_auxiliary_gradient_that_the_formula_says(
    name: str, agree: bool
) -> None:
    learner, episode = made(name).double().train(), task()
    assert episode.auxiliary is not None
    # The macro head answers as the MER head does, or the opposite: that decides on which side the gradients lie.
    with torch.no_grad():
        learner.macro_head.weight.copy_(learner.network.mer_head.weight if agree else -learner.network.mer_head.weight)
        learner.macro_head.bias.copy_(learner.network.mer_head.bias)
    micro = concatenate(episode.support, episode.query)
    episode = replace(episode, auxiliary=micro)
    primary, auxiliary = losses(learner, episode)
    first, second = gradients(learner, primary), gradients(learner, auxiliary)
    shared = [key for key in first if key.startswith("network.encoder.")]
    a, b = (torch.cat([found[key].flatten() for key in shared]) for found in (first, second))
    cosine = (a @ b / a.norm() / b.norm()).item()
    assert (cosine > 0.1) if agree else (cosine < -0.1)
    weight = max(0.0, cosine) if name == "cosine" else float(agree)
    loss = learner.training_step(episode, 0)
    assert loss.item() == pytest.approx((primary + auxiliary).item(), abs=1e-12)
    loss.backward()
    for key, parameter in learner.named_parameters():
        share = weight if key in shared else 1.0
        torch.testing.assert_close(parameter.grad, first[key] + share * second[key], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_each_learns_an_easy_corpus_and_testing_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(width=8))
    options = {"learning_rate": 3e-3}
    learner: Learner = (
        UncertaintyWeighting(network, **options)
        if name == "uncertainty"
        else GradientSimilarity(network, name, **options)  # type: ignore[arg-type]
    )
    data = EpisodicDataModule(
        MadeCorpus(),
        SubjectKFold(4),
        validation_fraction=0,
        n_shot=2,
        n_query=2,
        episodes_per_epoch=8,
        evaluation=TrainingSupport(draws=1),
    )
    trainer = Trainer(
        max_epochs=4,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(learner, datamodule=data)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    weight = trainer.callback_metrics["train/auxiliary_weight"].item()
    assert 0 <= weight < 3
    assert weight != 1 or name == "sign"
    trainer.test(learner, datamodule=data, verbose=False)
    assert trainer.callback_metrics["test/uf1"] > 0.9
    assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_gets_a_finite_gradient_in_bfloat16(name: str) -> None:
    learner = made(name).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = learner.training_step(make_episode(16), 0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_a_clips_prediction_does_not_depend_on_the_others_or_on_the_task(name: str) -> None:
    learner, clips, episode = made(name).double().eval(), in_double(make_clips(5, size=16)), task()
    together = learner.predict(clips)
    alone = torch.cat([learner.predict(clips.select([i])) for i in range(5)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    torch.testing.assert_close(learner.recognise(Trial((replace(episode, query=clips),))), together)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("batch", [make_clips(6, size=16), make_episode(16, auxiliary=False)], ids=["clips", "task"])
def test_batches_without_macro_expressions_are_refused(name: str, batch: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"learns from macro-expressions, but.*auxiliary to CorpusMacro"):
        made(name).training_step(batch, 0)
