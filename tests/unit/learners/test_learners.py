"""What every method promises, whichever it is."""

from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules import ConventionalDataModule, EpisodicDataModule, SubjectKFold
from lightmannet.episode import Clips, Trial
from lightmannet.errors import ConfigurationError
from lightmannet.learners import MAML, LightmanNet, Supervised
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import InnerLoop, WarmStart
from lightmannet.learners.lightmannet import Branches
from lightmannet.networks.two_branch import TwoBranchNetwork
from tests.clips import MadeCorpus, make_clips, make_episode


def learners() -> dict[str, Learner]:
    torch.manual_seed(0)
    return {
        "supervised": Supervised(TwoBranchNetwork(width=8)),
        "ststnet": Supervised(TwoBranchNetwork("three_stream", normalization="batch")),
        "maml": MAML(TwoBranchNetwork(width=8)),
        "maml, three streams": MAML(TwoBranchNetwork("three_stream")),
        "lightmannet": LightmanNet(
            TwoBranchNetwork(width=8, alignment_features=4), InnerLoop(learn_learning_rate=True)
        ),
    }


def in_double(clips: Clips) -> Clips:
    return Clips(clips.inputs.double(), clips.labels, clips.subjects, clips.ids)


@pytest.mark.parametrize("name", learners())
@pytest.mark.parametrize("training", [False, True])
def test_a_clips_prediction_does_not_depend_on_the_others(name: str, training: bool) -> None:
    learner = learners()[name].double().train(training)
    episode, clips = make_episode(), in_double(make_clips(7))
    assert episode.auxiliary is not None
    torch.manual_seed(1)
    predictor = learner.adapt(in_double(episode.support), in_double(episode.auxiliary))
    together = predictor.predict(clips)
    alone = torch.cat([predictor.predict(clips.select([i])) for i in range(len(clips))])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", learners())
@pytest.mark.parametrize("training", [False, True])
def test_adapting_and_predicting_change_nothing_of_the_learner(name: str, training: bool) -> None:
    learner = learners()[name].train(training)
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    episode = make_episode()
    learner.adapt(episode.support, episode.auxiliary).predict(episode.query)
    assert all(torch.equal(before[key], value) for key, value in learner.state_dict().items())
    assert learner.network.training is training


@pytest.mark.parametrize("name", learners())
def test_probabilities_sum_to_one(name: str) -> None:
    episode = make_episode()
    probabilities = learners()[name].eval().recognise(Trial((episode, episode)))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(3))


@pytest.mark.parametrize("name", ["maml", "lightmannet"])
def test_adapting_learns_the_support(name: str) -> None:
    learner = learners()[name].eval()
    episode = make_episode()
    adapted = learner.adapt(episode.support, episode.auxiliary).predict(episode.support)
    picked = torch.arange(6), episode.support.labels
    assert adapted[picked].log().mean() > learner.predict(episode.support)[picked].log().mean() + 0.1


def test_a_trial_is_the_mean_over_its_draws() -> None:
    learner = learners()["lightmannet"].eval()
    first, other = make_episode(seed=0), make_episode(seed=5)
    second = type(first)(other.support, first.query, other.auxiliary, 3, 2, 1)
    both = learner.recognise(Trial((first, second)))
    each = [learner.recognise(Trial((episode,))) for episode in (first, second)]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)


def test_adapting_works_in_inference_mode() -> None:
    learner = learners()["lightmannet"].eval()
    episode = make_episode()
    outside = learner.recognise(Trial((episode,)))
    with torch.inference_mode():
        inside = learner.recognise(Trial((make_episode(),)))
    torch.testing.assert_close(inside, outside)


def test_lightmannet_without_auxiliary_weight_is_maml() -> None:
    lightmannet = LightmanNet(TwoBranchNetwork(width=8), branches=Branches(auxiliary_weight=0.0)).eval()
    maml = MAML(TwoBranchNetwork(width=8)).eval()
    maml.load_state_dict(lightmannet.state_dict())
    episode = make_episode()
    torch.testing.assert_close(
        lightmannet.adapt(episode.support, episode.auxiliary).predict(episode.query),
        maml.adapt(episode.support, None).predict(episode.query),
    )


@pytest.mark.parametrize("align_at", ["features", "logits"])
def test_the_auxiliary_branch_changes_what_is_learned(align_at: str) -> None:
    torch.manual_seed(0)
    network = TwoBranchNetwork(width=8, alignment_features=4)
    episode = make_episode()
    predictions = []
    for weight in (0.0, 5.0):
        learner = LightmanNet(network, branches=Branches(auxiliary_weight=weight, align_at=align_at)).eval()  # type: ignore[arg-type]
        predictions.append(learner.adapt(episode.support, episode.auxiliary).predict(episode.query))
    assert (predictions[0] - predictions[1]).abs().max() > 1e-4


def test_missing_auxiliary_clips_are_an_error_that_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"Set the data module's auxiliary to corpus, magnified or motion"):
        learners()["lightmannet"].adapt(make_episode().support, None)


def test_batch_normalisation_cannot_be_adapted() -> None:
    learner = MAML(TwoBranchNetwork("three_stream", normalization="batch"))
    with pytest.raises(ConfigurationError, match="normalization: group"):
        learner.adapt(make_episode().support, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InnerLoop(steps=-1), r"steps >= 0.*steps: -1"),
        (lambda: InnerLoop(learning_rate=0.0), r"learning_rate > 0.*learning_rate: 0.0"),
        (lambda: WarmStart(epochs=-1), r"epochs >= 0.*epochs: -1"),
        (lambda: Branches(auxiliary_weight=-1.0), r"weights >= 0.*auxiliary_weight: -1.0"),
        (lambda: Branches(bandwidth=0.0), r"bandwidth > 0.*bandwidth: 0.0"),
    ],
)
def test_impossible_options_are_named(make: type, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def trainer(epochs: int, accumulate: int, callback: Callback | None = None) -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        accumulate_grad_batches=accumulate,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[callback] if callback else None,
    )


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_every_parameter_gets_a_gradient_so_that_several_devices_agree(first_order: bool, warm: int) -> None:
    learner = LightmanNet(
        TwoBranchNetwork(width=8, alignment_features=4),
        InnerLoop(first_order=first_order, learn_learning_rate=True),
        warm_start=WarmStart(epochs=warm),
    )
    learner.training_step(make_episode(), 0).backward()
    assert all(parameter.grad is not None for parameter in learner.parameters())


def test_a_meta_batch_of_accumulated_tasks_is_the_mean_over_tasks() -> None:
    learner = MAML(TwoBranchNetwork(width=8, dropout=0.0))
    data = EpisodicDataModule(MadeCorpus(), SubjectKFold(4), n_shot=2, n_query=2, episodes_per_epoch=4)
    data.setup("fit")
    for index in range(4):
        episode = data.sampler.episode(0, index)
        network = learner.adapt(episode.support, None).network
        (torch.nn.functional.cross_entropy(network(episode.query.inputs), episode.query.labels) / 4).backward()
    expected = [parameter.grad for parameter in learner.parameters()]
    learner.zero_grad()
    gradients = Gradients()
    trainer(1, 4, gradients).fit(learner, datamodule=data)
    assert len(gradients.seen) == 1
    torch.testing.assert_close(gradients.seen[0], expected, rtol=1e-5, atol=1e-7)


class Gradients(Callback):
    """Copies what each optimiser step is given."""

    def __init__(self) -> None:
        self.seen: list[list[torch.Tensor | None]] = []

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: object) -> None:
        self.seen.append([None if p.grad is None else p.grad.clone() for p in pl_module.parameters()])


def test_the_warm_start_has_its_own_step_size() -> None:
    learner = MAML(TwoBranchNetwork(width=8), warm_start=WarmStart(2, 5e-3), learning_rate=1e-4)
    configured: Any = learner.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([5e-3, 5e-3, 1e-4, 1e-4])


@pytest.mark.parametrize("name", ["maml", "lightmannet"])
def test_episodic_learners_learn_an_easy_corpus(name: str) -> None:
    learner = learners()[name]
    learner.learning_rate = 3e-3
    data = EpisodicDataModule(
        MadeCorpus(), SubjectKFold(4), n_shot=2, n_query=2, episodes_per_epoch=8, auxiliary="corpus", draws=2
    )
    fitted = trainer(3, 2)
    fitted.fit(learner, datamodule=data)
    fitted.test(learner, datamodule=data, verbose=False)
    assert fitted.callback_metrics["test/uf1"] > 0.9


def test_supervised_learning_learns_an_easy_corpus() -> None:
    data = ConventionalDataModule(MadeCorpus(), SubjectKFold(4), batch_size=18)
    learner, fitted = learners()["supervised"], trainer(8, 1)
    fitted.fit(learner, datamodule=data)
    fitted.test(learner, datamodule=data, verbose=False)
    assert fitted.callback_metrics["test/uf1"] > 0.9
