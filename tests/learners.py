"""One small learner of every method, and a quiet trainer, for tests."""

from collections.abc import Callable
from typing import Literal

import torch
from lightning.pytorch import Callback, Trainer

from lightmannet.learners import (
    ANIL,
    MAML,
    MAXL,
    R2D2,
    FineTuning,
    GradientSimilarity,
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
    UncertaintyWeighting,
)
from lightmannet.learners.base import Learner
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import AllPairs, LearnedPairs
from lightmannet.networks import Conv4, Flatten, Maps, ThreeStream, TwoBranchNetwork


def conv4() -> TwoBranchNetwork:
    """Return a narrow Conv4 with its heads."""
    return TwoBranchNetwork(Conv4(width=8))


METHODS: dict[str, Callable[[], Learner]] = {
    "supervised": lambda: Supervised(conv4()),
    "ststnet": lambda: Supervised(TwoBranchNetwork(ThreeStream(normalization="batch"))),
    "linear": lambda: Supervised(TwoBranchNetwork(Flatten())),
    "ridge": lambda: Ridge(TwoBranchNetwork(Flatten())),
    "pca_logistic": lambda: PCALogistic(TwoBranchNetwork(Flatten())),
    "joint": lambda: Supervised(conv4(), clips="both"),
    "macro_first": lambda: Supervised(conv4(), macro_epochs=2),
    "fine_tuning": lambda: FineTuning(conv4()),
    "fine_tuning, heads": lambda: FineTuning(conv4(), InnerLoop(steps=10, parameters="heads")),
    "linear_probe": lambda: LinearProbe(conv4()),
    "maml": lambda: MAML(conv4()),
    "maml, three streams": lambda: MAML(TwoBranchNetwork(ThreeStream())),
    "fomaml": lambda: MAML(conv4(), InnerLoop(first_order=True)),
    "anil": lambda: ANIL(conv4()),
    "meta_sgd": lambda: MetaSGD(conv4()),
    "maml_plus_plus": lambda: MAMLPlusPlus(conv4(), InnerLoop(steps=2)),
    "reptile": lambda: Reptile(conv4()),
    "proto_net": lambda: ProtoNet(conv4()),
    "proto_net, cosine": lambda: ProtoNet(conv4(), "cosine"),
    "matching_net": lambda: MatchingNet(conv4()),
    "r2d2": lambda: R2D2(conv4()),
    "lightmannet": lambda: LightmanNet(
        TwoBranchNetwork(Conv4(width=8), alignment_features=4), InnerLoop(learn_learning_rate=True)
    ),
    "lightmannet, heads": lambda: LightmanNet(
        TwoBranchNetwork(Conv4(width=8), alignment_features=4), InnerLoop(parameters="heads", rates="layer_and_step")
    ),
    "lightmannet, learned": lambda: LightmanNet(
        conv4(), loss=InnerLoss(pairs=LearnedPairs(AllPairs()), aligned=Maps(), learn_auxiliary_weight=True)
    ),
    "maxl": lambda: MAXL(conv4()),
    "maxl, finite differences": lambda: MAXL(conv4(), hypergradient="finite_differences"),
    "uncertainty_weighting": lambda: UncertaintyWeighting(conv4()),
    "gradient_similarity": lambda: GradientSimilarity(conv4()),
}


def make(name: str) -> Learner:
    """Return a learner made anew, with the same weights at each call."""
    torch.manual_seed(0)
    return METHODS[name]()


def trainer(
    epochs: int,
    accumulate: int = 1,
    callback: Callback | None = None,
    precision: Literal["32-true", "64-true", "bf16-mixed", "16-true"] = "32-true",
) -> Trainer:
    """Return a trainer that writes nothing and runs on one CPU."""
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        accumulate_grad_batches=accumulate,
        precision=precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[callback] if callback else None,
    )
