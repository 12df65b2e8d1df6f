"""Step sizes over training."""

import math

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from data_modules import ConventionalDataModule, EpisodicDataModule, SubjectKFold
from lightmannet.callbacks.schedule import Schedule
from lightmannet.errors import ConfigurationError
from lightmannet.learners import MAML, Supervised
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import WarmStart
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import MadeCorpus
from tests.learners import trainer


class Sizes(Callback):
    """Keeps the step size of each update, and that which the optimiser holds afterwards."""

    def __init__(self) -> None:
        self.used: list[float] = []
        self.held: list[float] = []

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: object) -> None:
        self.used.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        self.held.append(trainer.optimizers[0].param_groups[0]["lr"])


def sizes(learner: Learner, shape: str, epochs: int = 2) -> Sizes:
    seen = Sizes()
    data = (
        ConventionalDataModule(MadeCorpus(size=16), SubjectKFold(4), validation_fraction=0, batch_size=18)
        if isinstance(learner, Supervised)
        else EpisodicDataModule(
            MadeCorpus(size=16), SubjectKFold(4), validation_fraction=0, n_shot=2, n_query=2, episodes_per_epoch=3
        )
    )
    fitted = trainer(epochs, callback=Schedule(shape))  # type: ignore[arg-type]
    fitted.callbacks.append(seen)  # type: ignore[attr-defined]
    fitted.fit(learner, datamodule=data)
    return seen


def network() -> TwoBranchNetwork:
    torch.manual_seed(0)
    return TwoBranchNetwork(Conv4(size=16, width=8))


def test_a_cosine_falls_from_the_methods_step_size_to_zero_and_the_optimiser_keeps_it() -> None:
    seen = sizes(Supervised(network(), learning_rate=0.01), "cosine")
    total = len(seen.used)
    assert total > 4
    assert seen.used == pytest.approx([0.01 * (1 + math.cos(math.pi * t / total)) / 2 for t in range(total)])
    assert seen.held == pytest.approx([0.01] * total)


def test_a_cosine_scales_the_step_sizes_of_warm_start_and_meta_training() -> None:
    seen = sizes(MAML(network(), warm_start=WarmStart(1, 0.01), learning_rate=0.001), "cosine")
    own = [0.01] * 3 + [0.001] * 3
    assert seen.used == pytest.approx([size * (1 + math.cos(math.pi * t / 6)) / 2 for t, size in enumerate(own)])


def test_constant_step_sizes_stay() -> None:
    seen = sizes(Supervised(network(), learning_rate=0.01), "constant", epochs=1)
    assert set(seen.used) == {0.01}


def test_a_training_without_end_has_no_cosine() -> None:
    with pytest.raises(ConfigurationError, match=r"needs to know when training ends\. Set trainer\.max_epochs"):
        sizes(Supervised(network()), "cosine", epochs=-1)
