"""LightmanNet's choices of what is aligned, which pairs count and what the outer loop learns of it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from data_modules import EpisodicDataModule, SubjectKFold, SyntheticMotion
from lightmannet.episode import Clips, Episode, Trial
from lightmannet.errors import ConfigurationError
from lightmannet.learners import LightmanNet
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import (
    MMD2,
    RBF,
    ActionUnitOverlap,
    AllPairs,
    Cosine,
    InfoNCE,
    LearnedPairs,
    SameClass,
    SameObjectiveClass,
    SoftDTW,
    SquaredEuclidean,
)
from lightmannet.losses.pair_weighting import PairWeighting
from lightmannet.losses.pairs import Pairs
from lightmannet.networks import ClipEncoder, Conv4, Features, Logits, Maps, Phases, TwoBranchNetwork
from lightmannet.networks.aligned import Aligned
from tests.clips import MadeCorpus, annotated, make_clips, make_episode

CHOICES: dict[str, dict[str, Any]] = {
    **{type(k).__name__: {"kernel": k} for k in (Cosine(), SquaredEuclidean(), RBF(), MMD2(), InfoNCE())},
    **{type(p).__name__: {"pairs": p} for p in (AllPairs(), SameClass(), SameObjectiveClass(), ActionUnitOverlap())},
    **{type(a).__name__: {"pairs": AllPairs(), "aligned": a} for a in (Features(), Logits(), Maps(), Phases())},
    "SoftDTW": {"kernel": SoftDTW(), "aligned": Phases()},
    "InfoNCE of Maps": {"kernel": InfoNCE(), "aligned": Maps()},
    "learned": {"pairs": LearnedPairs(AllPairs()), "learn_auxiliary_weight": True},
    "learned over action units at phases": {
        **{"pairs": LearnedPairs(ActionUnitOverlap()), "aligned": Phases()},
        **{"learn_auxiliary_weight": True},
    },
}


def made(inner: InnerLoop = InnerLoop(), **loss: Any) -> LightmanNet:
    torch.manual_seed(0)
    phased = isinstance(loss.get("aligned"), Phases)
    encoder = ClipEncoder(phases=2, width=8, width_of_phase=16) if phased else Conv4(phases=2, width=8)
    network = TwoBranchNetwork(encoder, alignment_features=4)
    return LightmanNet(network, inner, InnerLoss(**{"auxiliary_weight": 1.0, **loss}))


def task(seed: int = 0) -> Episode:
    return Episode(
        support=annotated(make_clips(6, seed, phases=2), seed),
        query=annotated(make_clips(5, seed + 1, phases=2), seed + 1),
        auxiliary=annotated(make_clips(7, seed + 2, phases=2, database="macro"), seed + 2),
        n_way=3,
        n_shot=2,
        index=0,
    )


def in_double(clips: Clips) -> Clips:
    return replace(clips, inputs=clips.inputs.double())


@pytest.mark.parametrize("name", CHOICES)
def test_each_choice_changes_what_is_learned(name: str) -> None:
    episode, learner = task(), made(**CHOICES[name]).eval()
    without = LightmanNet(learner.network, loss=InnerLoss(auxiliary_weight=0.0)).eval()
    changed, plain = (
        method.adapt(episode.support, episode.auxiliary).predict(episode.query) for method in (learner, without)
    )
    assert not torch.allclose(changed, plain, atol=1e-6)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("training", [False, True])
def test_adapting_leaves_the_learner_as_it_was_and_each_clip_to_itself(name: str, training: bool) -> None:
    learner, episode = made(**CHOICES[name]).double().train(training), task()
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    assert episode.auxiliary is not None
    predictor = learner.adapt(in_double(episode.support), in_double(episode.auxiliary))
    query = in_double(episode.query)
    alone = torch.cat([predictor.predict(query.select([i])) for i in range(len(query))])
    torch.testing.assert_close(predictor.predict(query), alone, rtol=0, atol=1e-12)
    assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())


@pytest.mark.parametrize("name", CHOICES)
def test_each_choice_works_in_inference_mode(name: str) -> None:
    learner = made(**CHOICES[name]).eval()
    outside = learner.recognise(Trial((task(),)))
    with torch.inference_mode():
        inside = learner.recognise(Trial((task(),)))
    torch.testing.assert_close(inside, outside)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_each_choice_gives_every_parameter_a_gradient_in_bfloat16(name: str) -> None:
    learner = made(**CHOICES[name]).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = learner.training_step(task(), 0)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.parameters())


def test_a_task_without_a_pair_is_learned_without_alignment() -> None:
    episode, learner = task(), made(pairs=SameObjectiveClass()).eval()
    assert episode.auxiliary is not None
    others = replace(episode.auxiliary, objective_classes=torch.full((7,), 7))
    without = LightmanNet(learner.network, loss=InnerLoss(auxiliary_weight=0.0)).eval()
    torch.testing.assert_close(
        learner.adapt(episode.support, others).predict(episode.query),
        without.adapt(episode.support, None).predict(episode.query),
    )


def test_what_is_learned_of_the_alignment_starts_as_if_it_were_fixed() -> None:
    episode = task()
    fixed = made(auxiliary_weight=0.3).eval()
    learned = made(auxiliary_weight=0.3, pairs=LearnedPairs(), learn_auxiliary_weight=True).eval()
    learned.network.load_state_dict(fixed.network.state_dict())
    torch.testing.assert_close(
        learned.adapt(episode.support, episode.auxiliary).predict(episode.query),
        fixed.adapt(episode.support, episode.auxiliary).predict(episode.query),
    )


def test_without_learned_weights_the_learner_has_no_more_parameters_than_its_network() -> None:
    learner = made()
    assert len(list(learner.parameters())) == len(list(learner.network.parameters()))


def test_meta_training_moves_the_learned_weights_at_their_own_pace_and_logs_them() -> None:
    learner = LightmanNet(
        TwoBranchNetwork(Conv4(width=8), alignment_features=4),
        InnerLoop(learn_learning_rate=True),
        InnerLoss(pairs=LearnedPairs(), learn_auxiliary_weight=True, weights_learning_rate=0.05),
        WarmStart(epochs=1),
        learning_rate=1e-4,
    )
    data = EpisodicDataModule(
        MadeCorpus(), SubjectKFold(4), validation_fraction=0, n_shot=2, n_query=2, episodes_per_epoch=2
    )
    weights = []
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    learner.on_train_batch_end = lambda *_: weights.append(torch.as_tensor(learner.auxiliary_weight).item())  # type: ignore[method-assign]
    trainer.fit(learner, datamodule=data)
    assert weights[:2] == pytest.approx([0.1, 0.1])  # the warm start does not touch it
    # A step of AdamW is about a step size, 0.05, of the parameter, and a tenth of that of its softplus.
    assert 2e-3 < abs(weights[2] - 0.1) < 6e-3
    assert trainer.callback_metrics["train/auxiliary_weight"].item() == pytest.approx(weights[-2])
    assert isinstance(learner.pair_weighting, PairWeighting)
    assert learner.pair_weighting.output.weight.abs().max() > 0.01
    assert learner.log_inner_rate is not None
    assert learner.log_inner_rate.item() == pytest.approx(torch.tensor(0.02).log().item(), abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auxiliary_weight": -1.0}, "needs weights >= 0"),
        ({"primary_weight": float("nan")}, "needs weights >= 0.*primary_weight: nan"),
        ({"weights_learning_rate": 0.0}, "needs weights_learning_rate > 0"),
        ({"auxiliary_weight": 0.0, "learn_auxiliary_weight": True}, "need auxiliary_weight > 0 to start from"),
        ({"auxiliary_weight": 0.0, "pairs": LearnedPairs()}, "need auxiliary_weight > 0 to start from"),
        ({"kernel": InfoNCE(), "pairs": AllPairs()}, "needs negative pairs.*Set pairs: SameClass"),
        ({"kernel": MMD2(), "pairs": ActionUnitOverlap()}, "MMD2 compares sets"),
        ({"kernel": SoftDTW()}, "SoftDTW compares phases.*aligned: Features has none. Set aligned: Phases"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        InnerLoss(**options)


@pytest.mark.parametrize("inner", [InnerLoop(first_order=True), InnerLoop(steps=0)])
@pytest.mark.parametrize("options", [{"learn_auxiliary_weight": True}, {"pairs": LearnedPairs()}])
def test_weights_that_the_outer_loop_cannot_reach_are_refused_with_the_reason(
    inner: InnerLoop, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match=r"through the inner steps' gradients alone.*Set first_order: false"):
        made(inner, **options)


@pytest.mark.parametrize("aligned", [Features(), Maps(), Phases()])
def test_heads_alone_are_refused_where_the_alignment_passes_through_none(aligned: Aligned) -> None:
    heads, name = InnerLoop(parameters="heads"), type(aligned).__name__
    network = TwoBranchNetwork(Conv4(width=8), alignment_features=0 if name == "Features" else 4)
    with pytest.raises(ConfigurationError, match=f"parameters: heads moves nothing that aligned: {name} passes"):
        LightmanNet(network, heads, InnerLoss(aligned=aligned))
    assert LightmanNet(network, heads, InnerLoss(aligned=Logits()))
    assert LightmanNet(network, heads, InnerLoss(auxiliary_weight=0.0, aligned=aligned))


@pytest.mark.parametrize("pairs", [SameObjectiveClass(), ActionUnitOverlap()])
def test_pairs_by_annotations_need_clips_that_have_them(pairs: Pairs) -> None:
    episode = make_episode()
    learner = LightmanNet(TwoBranchNetwork(Conv4(width=8)), loss=InnerLoss(pairs=pairs)).eval()
    with pytest.raises(ConfigurationError, match=f"pairs: {type(pairs).__name__} needs .* the support clips have none"):
        learner.adapt(episode.support, episode.auxiliary)


def test_phases_need_an_encoder_that_has_them() -> None:
    episode = make_episode()
    learner = LightmanNet(TwoBranchNetwork(Conv4(width=8)), loss=InnerLoss(aligned=Phases())).eval()
    with pytest.raises(ConfigurationError, match="Conv4 has no features of single phases"):
        learner.adapt(episode.support, episode.auxiliary)


def test_the_embedded_corpus_has_what_pairs_by_annotations_need() -> None:
    data = EpisodicDataModule(SyntheticMotion(12, 120, 70), SubjectKFold(3), validation_fraction=0, n_shot=2, n_query=2)
    data.setup("fit")
    episode = data.sampler.episode(0, 0)
    for pairs in (SameObjectiveClass(), ActionUnitOverlap()):
        learner = LightmanNet(TwoBranchNetwork(Conv4(width=8)), loss=InnerLoss(pairs=pairs)).eval()
        assert learner.recognise(Trial((episode,))).shape == (6, 3)
