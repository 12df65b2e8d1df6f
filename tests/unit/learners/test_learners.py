"""Supervised learning, MAML and LightmanNet beyond what every method promises."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from data_modules import ConventionalDataModule, EpisodicDataModule, SubjectKFold
from data_modules.corpus import Corpus
from lightmannet.episode import Trial, Views, concatenate
from lightmannet.errors import ConfigurationError, DataError
from lightmannet.learners import (
    MAML,
    R2D2,
    FineTuning,
    LightmanNet,
    LinearProbe,
    MAMLPlusPlus,
    MatchingNet,
    MetaSGD,
    PCALogistic,
    ProtoNet,
    Reptile,
    Ridge,
    Supervised,
)
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.networks import Conv4, Flatten, ThreeStream, TwoBranchNetwork
from lightmannet.networks.aligned import Aligned, Features, Logits
from tests.clips import MadeCorpus, make_episode
from tests.learners import conv4, make, trainer


def test_a_trial_is_the_mean_over_its_draws() -> None:
    learner = make("lightmannet").eval()
    first, other = make_episode(seed=0), make_episode(seed=5)
    second = type(first)(other.support, first.query, other.auxiliary, 3, 2, 1)
    both = learner.recognise(Trial((first, second)))
    each = [learner.recognise(Trial((episode,))) for episode in (first, second)]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)


@pytest.mark.parametrize("name", ["lightmannet", "supervised"])
def test_views_of_clips_are_the_mean_over_each_way_to_see_them(name: str) -> None:
    learner = make(name).eval()
    task, other = make_episode(seed=0), make_episode(seed=5)
    both = concatenate(task.query, replace(task.query, inputs=other.query.inputs))
    views = Views(Trial((replace(task, query=both),)), 2)
    each = [learner.recognise(Trial((replace(task, query=clips),))) for clips in (task.query, both.select([3, 4, 5]))]
    torch.testing.assert_close(learner.recognise(views), (each[0] + each[1]) / 2)
    plain = [learner.predict(clips) for clips in (task.query, both.select([3, 4, 5]))]
    torch.testing.assert_close(learner.recognise(views, adapt=False), (plain[0] + plain[1]) / 2)
    torch.testing.assert_close(learner.recognise(Views(both, 2)), (plain[0] + plain[1]) / 2)
    assert learner.predict_step(views, 0)[0].ids == task.query.ids


def test_scales_move_normalisations_and_heads_alone() -> None:
    learner = LightmanNet(TwoBranchNetwork(Conv4(width=8), alignment_features=8), InnerLoop(parameters="scales")).eval()
    task = make_episode()
    adapted = learner.adapt(task.support, task.auxiliary).network

    def tensor(network: nn.Module, name: str) -> Tensor:
        module, _, parameter = name.rpartition(".")
        return getattr(network.get_submodule(module), parameter)  # of a copy they are no nn.Parameter

    names = [name for name, _ in learner.network.named_parameters()]
    moved = {name for name in names if not torch.equal(tensor(learner.network, name), tensor(adapted, name))}
    norms = {f"encoder.blocks.{k}.{what}" for k in (1, 5, 9, 13) for what in ("weight", "bias")}
    heads = {name for name in names if "head" in name}
    assert moved == norms | heads


def test_scales_of_an_encoder_without_normalisation_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="scales needs an encoder with group or layer normalisation, and Flat"):
        LightmanNet(TwoBranchNetwork(Flatten()), InnerLoop(parameters="scales"))


def test_lightmannet_without_auxiliary_weight_is_maml() -> None:
    lightmannet = LightmanNet(TwoBranchNetwork(Conv4(width=8)), loss=InnerLoss(auxiliary_weight=0.0)).eval()
    maml = MAML(TwoBranchNetwork(Conv4(width=8))).eval()
    maml.load_state_dict(lightmannet.state_dict())
    episode = make_episode()
    torch.testing.assert_close(
        lightmannet.adapt(episode.support, episode.auxiliary).predict(episode.query),
        maml.adapt(episode.support, None).predict(episode.query),
    )


@pytest.mark.parametrize("aligned", [Features(), Logits()])
def test_the_auxiliary_branch_changes_what_is_learned(aligned: Aligned) -> None:
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(width=8), alignment_features=4)
    episode = make_episode()
    predictions = []
    for weight in (0.0, 5.0):
        learner = LightmanNet(network, loss=InnerLoss(auxiliary_weight=weight, aligned=aligned)).eval()
        predictions.append(learner.adapt(episode.support, episode.auxiliary).predict(episode.query))
    assert (predictions[0] - predictions[1]).abs().max() > 1e-4


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
@pytest.mark.parametrize("method", [MAML, ProtoNet, LightmanNet])
def test_macro_labels_need_macro_expressions(method: Callable[..., Learner]) -> None:
    learner = method(conv4(), warm_start=WarmStart(1, macro_labels=True))
    with pytest.raises(ConfigurationError, match="macro_labels: true learns from macro-expressions, but"):
        learner.training_step(make_episode(auxiliary=False), 0)


def test_missing_auxiliary_clips_are_an_error_that_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"Set the data module's auxiliary to CorpusMacro, MagnifiedMicro or"):
        make("lightmannet").adapt(make_episode().support, None)


@pytest.mark.parametrize("method", [MAML, Reptile, ProtoNet, R2D2, FineTuning, LinearProbe])
def test_batch_normalisation_cannot_be_adapted(method: Callable[..., Learner]) -> None:
    learner = method(TwoBranchNetwork(ThreeStream(normalization="batch")))
    with pytest.raises(ConfigurationError, match="normalization: group"):
        learner.adapt(make_episode().support, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: InnerLoop(steps=-1), r"steps >= 0.*steps: -1"),
        (lambda: InnerLoop(learning_rate=0.0), r"learning_rate > 0.*learning_rate: 0.0"),
        (lambda: WarmStart(epochs=-1), r"epochs >= 0.*epochs: -1"),
        (lambda: WarmStart(label_smoothing=1.0), r"label_smoothing and kept_weight in \[0, 1\).*label_smoothing: 1.0"),
        (lambda: WarmStart(kept_weight=-0.1), r"in \[0, 1\).*kept_weight: -0.1"),
        (
            lambda: MAML(conv4(), warm_start=WarmStart(both_branches=True)),
            r"auxiliary branch, and MAML has none",
        ),
        (lambda: InnerLoss(auxiliary_weight=-1.0), r"weights >= 0.*auxiliary_weight: -1.0"),
        (lambda: InnerLoop(learn_learning_rate=True, rates="weight"), r"rates: weight are learned anyway.*false"),
        (lambda: MAMLPlusPlus(conv4(), InnerLoop(steps=0)), r"steps >= 1.*steps: 0"),
        (lambda: MAMLPlusPlus(conv4(), multi_step_epochs=-1), r"multi_step_epochs >= 0.*multi_step_epochs: -1"),
        (lambda: Reptile(conv4(), InnerLoop(learn_learning_rate=True)), r"cannot learn inner rates.*rates: one"),
        (lambda: FineTuning(conv4(), InnerLoop(rates="weight")), r"no outer loop.*rates: one"),
        (lambda: LinearProbe(conv4(), strength=0.0), r"LinearProbe needs strength > 0.*strength: 0.0"),
        (lambda: Ridge(conv4(), strength=-1.0), r"Ridge needs strength > 0.*strength: -1.0"),
        (lambda: PCALogistic(conv4(), strength=0.0), r"PCALogistic needs strength > 0.*strength: 0.0"),
        (lambda: PCALogistic(conv4(), components=0), r"PCALogistic needs components >= 1.*components: 0"),
        (lambda: Supervised(conv4(), macro_epochs=-1), r"Supervised needs macro_epochs >= 0.*-1"),
        (lambda: ProtoNet(conv4(), scale=0.0), r"ProtoNet needs scale > 0.*scale: 0.0"),
        (lambda: MatchingNet(conv4(), scale=-1.0), r"MatchingNet needs scale > 0.*scale: -1.0"),
        (lambda: R2D2(conv4(), strength=0.0), r"R2D2 needs strength > 0.*strength: 0.0"),
    ],
)
def test_impossible_options_are_named(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        wrong()


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_every_parameter_gets_a_gradient_so_that_several_devices_agree(first_order: bool, warm: int) -> None:
    learner = LightmanNet(
        TwoBranchNetwork(Conv4(width=8), alignment_features=4),
        InnerLoop(first_order=first_order, learn_learning_rate=True),
        warm_start=WarmStart(epochs=warm),
    )
    learner.training_step(make_episode(), 0).backward()
    assert all(parameter.grad is not None for parameter in learner.parameters())


def test_a_meta_batch_of_accumulated_tasks_is_the_mean_over_tasks() -> None:
    learner = MAML(TwoBranchNetwork(Conv4(width=8, dropout=0.0)))
    data = EpisodicDataModule(
        MadeCorpus(), SubjectKFold(4), validation_fraction=0, n_shot=2, n_query=2, episodes_per_epoch=4
    )
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
    learner = MAML(TwoBranchNetwork(Conv4(width=8)), warm_start=WarmStart(2, 5e-3), learning_rate=1e-4)
    configured: Any = learner.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([5e-3, 5e-3, 1e-4, 1e-4])


def test_what_is_learned_beside_the_network_does_not_decay() -> None:
    learner = MetaSGD(conv4(), weight_decay=0.5)
    configured: Any = learner.configure_optimizers()
    network, rates = configured["optimizer"].param_groups
    assert (network["weight_decay"], rates["weight_decay"]) == (0.5, 0.0)
    assert learner.inner_rates is not None
    assert {id(p) for p in rates["params"]} == {id(p) for p in learner.inner_rates}
    assert {id(p) for p in network["params"]} == {id(p) for p in learner.network.parameters()}


@pytest.mark.parametrize(
    ("options", "chosen"), [({}, "micro"), ({"clips": "both"}, "both"), ({"macro_epochs": 1}, "macro")]
)
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_supervised_learning_takes_the_clips_that_it_is_told_to(options: dict[str, Any], chosen: str) -> None:
    learner, episode = Supervised(conv4(), **options).eval(), make_episode()
    assert episode.auxiliary is not None
    micro = concatenate(episode.support, episode.query)
    clips = {"micro": micro, "macro": episode.auxiliary, "both": concatenate(micro, episode.auxiliary)}[chosen]
    expected = torch.nn.functional.cross_entropy(learner.network(clips.inputs), clips.labels)
    torch.testing.assert_close(learner.training_step(episode, 0), expected)


@pytest.mark.parametrize("options", [{"clips": "both"}, {"macro_epochs": 1}])
@pytest.mark.parametrize("batch", [make_episode(auxiliary=False), make_episode().query])
def test_missing_macro_expressions_are_an_error_that_says_what_to_set(options: dict[str, Any], batch: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"EpisodicDataModule and set its auxiliary to CorpusMacro"):
        Supervised(conv4(), **options).training_step(batch, 0)


@pytest.mark.parametrize("kind", [Ridge, PCALogistic])
def test_closed_forms_refuse_several_devices(kind: type[Ridge] | type[PCALogistic]) -> None:
    learner: Any = kind(conv4())
    learner._trainer = SimpleNamespace(world_size=2)
    with pytest.raises(ConfigurationError, match="runs on one device: set devices: 1"):
        learner.on_fit_start()


@pytest.mark.parametrize("parameters", ["all", "heads"])
def test_the_inner_loop_moves_the_parameters_that_it_is_told_to(parameters: Any) -> None:
    learner = LightmanNet(
        TwoBranchNetwork(Conv4(width=8), alignment_features=4), InnerLoop(parameters=parameters)
    ).eval()
    episode = make_episode()
    adapted = dict(learner.adapt(episode.support, episode.auxiliary).network.named_parameters())
    moved = {name.split(".")[0] for name, p in learner.network.named_parameters() if not torch.equal(p, adapted[name])}
    heads = {"mer_head", "alignment_head"}
    assert moved == (heads if parameters == "heads" else {"encoder"} | heads)


@pytest.mark.parametrize("kind", [Ridge, PCALogistic])
def test_closed_forms_say_when_there_is_nothing_to_learn(kind: type[Ridge] | type[PCALogistic]) -> None:
    class Black(MadeCorpus):
        def load(self) -> Corpus:
            corpus = super().load()
            corpus.micro.inputs.zero_()
            return corpus

    data = ConventionalDataModule(Black(), SubjectKFold(4), validation_fraction=0, augmentation=None)
    with pytest.raises(DataError, match=r"features of all 54 training clips are the same"):
        trainer(1).fit(kind(TwoBranchNetwork(Flatten())), datamodule=data)


def test_a_training_that_diverges_is_stopped() -> None:
    learner = make("supervised")
    learner.learning_rate = 1e30
    data = ConventionalDataModule(MadeCorpus(), SubjectKFold(4), validation_fraction=0)
    with pytest.raises(ConfigurationError, match=r"Training diverged in epoch \d: .* Lower the learning rate"):
        trainer(5).fit(learner, datamodule=data)
