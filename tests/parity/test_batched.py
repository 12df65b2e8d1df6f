"""Runs that are trained together have the weights that each has when it is trained alone, in double precision."""

from collections.abc import Callable

import pytest
import torch
from lightning.pytorch import Trainer

from data_modules.base import SubjectDisjointDataModule
from data_modules.conventional import ConventionalDataModule
from data_modules.episodic import EpisodicDataModule
from data_modules.protocols import SubjectKFold
from data_modules.transforms import Augmentation
from lightmannet.batched import layers
from lightmannet.batched import train as batched_train
from lightmannet.batched.objective import make_objective
from lightmannet.batched.train import Run, Training, train
from lightmannet.callbacks.schedule import Schedule
from lightmannet.learners import ANIL, MAML, LightmanNet, MAMLPlusPlus, MetaSGD, Reptile, Supervised
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses.kernels import InfoNCE
from lightmannet.losses.pairs import LearnedPairs
from lightmannet.networks import Conv4, ThreeStream, TwoBranchNetwork, three_stream
from lightmannet.silence import silence_lightning
from lightmannet.table.costs import Curve, DrawnClips
from tests.clips import MadeCorpus

EPOCHS = 2
WARM = WarmStart(epochs=1, label_smoothing=0.1, kept_weight=0.3)


def conv4(alignment_features: int = 0) -> TwoBranchNetwork:
    return TwoBranchNetwork(Conv4(size=16, width=16), 3, alignment_features)


def tasks(fold: int, seed: int) -> SubjectDisjointDataModule:
    return EpisodicDataModule(
        MadeCorpus(clips=63, subjects=7, size=16),
        SubjectKFold(k=3),
        fold,
        validation_fraction=0,
        n_shot=2,
        n_query=1,
        n_auxiliary=2,
        episodes_per_epoch=3,
        seed=seed,
    )


Data = Callable[[int, int], SubjectDisjointDataModule]


def batches(size: int, augmentation: Augmentation | None = Augmentation(), class_balanced: bool = True) -> Data:
    def make(fold: int, seed: int) -> SubjectDisjointDataModule:
        return ConventionalDataModule(
            MadeCorpus(clips=63, subjects=7, size=size),
            SubjectKFold(k=3),
            fold,
            validation_fraction=0,
            batch_size=11,
            class_balanced=class_balanced,
            augmentation=augmentation,
            seed=seed,
        )

    return make


def ststnet() -> Learner:
    return Supervised(TwoBranchNetwork(ThreeStream(normalization="batch")), 1e-3, 0.0)


def lightmannet() -> Learner:
    loss = InnerLoss(kernel=InfoNCE(), pairs=LearnedPairs(), learn_auxiliary_weight=True)
    warm = WarmStart(epochs=1, both_branches=True, macro_labels=True, kept_weight=0.5)
    return LightmanNet(conv4(8), InnerLoop(steps=2, learn_learning_rate=True), loss, warm)


METHODS: dict[str, tuple[Callable[[], Learner], Data]] = {
    "supervised": (lambda: Supervised(conv4(), label_smoothing=0.1), batches(16)),
    "changed clip by clip": (lambda: Supervised(conv4()), batches(16, Augmentation(noise=0.1))),
    "STSTNet": (ststnet, batches(28, None, class_balanced=False)),
    "macro-expressions first": (lambda: Supervised(conv4(), clips="both", macro_epochs=1), tasks),
    "MAML": (lambda: MAML(conv4(), InnerLoop(steps=2), WARM), tasks),
    "FOMAML": (lambda: MAML(conv4(), InnerLoop(first_order=True)), tasks),
    "ANIL": (lambda: ANIL(conv4(), InnerLoop(learn_learning_rate=True), WARM), tasks),
    "Meta-SGD": (lambda: MetaSGD(conv4(), InnerLoop(steps=2)), tasks),
    "MAML++": (lambda: MAMLPlusPlus(conv4(), InnerLoop(steps=2), 1, WARM), tasks),
    "Reptile": (lambda: Reptile(conv4(), InnerLoop(steps=2), WARM), tasks),
    "LightmanNet": (lightmannet, tasks),
}


QUICK = ("supervised", "STSTNet", "MAML", "LightmanNet")


@pytest.mark.parametrize("method", [m if m in QUICK else pytest.param(m, marks=pytest.mark.slow) for m in METHODS])
def test_runs_trained_together_have_the_weights_of_runs_alone(method: str) -> None:
    check(method)


@pytest.mark.parametrize("method", ["supervised", "STSTNet", "LightmanNet"])
def test_what_a_gpu_does_in_one_operation_is_the_same(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU; tests/integration/test_gpu.py is for where there is a GPU."""
    for module in (layers, batched_train):
        monkeypatch.setattr(module, "one_at_a_time", lambda device: False)
    monkeypatch.setattr(three_stream, "_plain", lambda images: False)
    check(method)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_runs_trained_on_a_gpu_have_the_weights_of_runs_on_a_cpu(method: str) -> None:
    check(method, "cuda")


def check(method: str, device: str = "cpu") -> None:
    silence_lightning()
    make, data_module = METHODS[method]
    accumulate = 1 if method == "STSTNet" else 2
    alone, together = [], []
    for seed in (0, 1):
        for fold in range(3):
            torch.manual_seed(seed)
            learner, data = make(), data_module(fold, seed)
            curve, drawn = Curve(), DrawnClips()
            Trainer(
                accelerator="cpu",
                max_epochs=EPOCHS,
                accumulate_grad_batches=accumulate,
                precision="64-true",
                use_distributed_sampler=False,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[Schedule("cosine"), curve, drawn],
            ).fit(learner, datamodule=data)
            alone.append((learner, curve, drawn))

            torch.manual_seed(seed)
            learner, data = make(), data_module(fold, seed)
            data.setup("fit")
            together.append(Run(learner.double(), data, torch.get_rng_state()))
    objective = make_objective(together[0].learner)
    assert objective is not None
    train(together, objective, Training(EPOCHS, accumulate, True, torch.device(device), at_once=4))
    for (learner, curve, drawn), run in zip(alone, together, strict=True):
        for (name, weight), (_, other) in zip(learner.named_parameters(), run.learner.named_parameters(), strict=True):
            torch.testing.assert_close(other, weight, rtol=0, atol=1e-9, msg=f"{method}: {name}")
        for buffer, same in zip(learner.buffers(), run.learner.buffers(), strict=True):
            torch.testing.assert_close(same, buffer, rtol=0, atol=1e-9)
        assert [epoch["train_loss"] for epoch in curve.epochs] == pytest.approx(run.losses, abs=1e-6)
        assert (run.micro, run.macro) == (drawn.micro, drawn.macro)
