"""What lower precision changes, and where it is refused."""

import pytest
import torch

from data_modules import EpisodicDataModule, SubjectKFold
from lightmannet.errors import ConfigurationError
from lightmannet.learners import LightmanNet
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import MadeCorpus, make_episode
from tests.learners import METHODS, make, trainer

OWN_GRADIENTS = {
    *("maml", "maml, three streams", "fomaml", "anil", "meta_sgd", "maml_plus_plus", "reptile"),
    *("lightmannet", "lightmannet, heads", "lightmannet, learned"),
    *("maxl", "maxl, finite differences", "gradient_similarity"),
}


def tasks() -> EpisodicDataModule:
    return EpisodicDataModule(
        MadeCorpus(),
        SubjectKFold(4),
        validation_fraction=0,
        n_shot=2,
        n_query=2,
        episodes_per_epoch=16,
        augmentation=None,
    )


def trained(precision: str, inner: InnerLoop) -> tuple[float, torch.Tensor]:
    """Return the mean loss of the last of two epochs, and the weights, after 32 meta-updates of second order."""
    torch.manual_seed(0)
    learner = LightmanNet(TwoBranchNetwork(Conv4(width=8)), inner, learning_rate=1e-3)
    fitted = trainer(2, precision=precision)  # type: ignore[arg-type]
    fitted.fit(learner, tasks())
    weights = torch.cat([parameter.detach().flatten() for parameter in learner.network.parameters()])
    assert all(parameter.dtype == torch.float32 for parameter in learner.parameters())
    return float(fitted.callback_metrics["train/loss"]), weights


def test_second_order_in_bfloat16_stays_near_float32() -> None:
    """After 32 meta-updates the loss is within 0.05 and the weights within 5 % (norm of the difference)."""
    loss, weights = trained("32-true", InnerLoop())
    with pytest.warns(UserWarning, match=r"precision: bf16-mixed.*\.09 and 1\.6.*Set inner\.precision: float32"):
        other_loss, other_weights = trained("bf16-mixed", InnerLoop(precision="trainer"))
    assert not torch.equal(weights, other_weights)
    assert abs(loss - other_loss) < 0.05
    assert (weights - other_weights).norm() < 0.05 * weights.norm()


def test_the_inner_loop_keeps_to_float32_where_the_trainer_does_not() -> None:
    assert torch.equal(trained("32-true", InnerLoop())[1], trained("bf16-mixed", InnerLoop())[1])


def meta_gradient(steps: int, dtype: torch.dtype, autocast: bool) -> torch.Tensor:
    torch.manual_seed(0)
    learner = LightmanNet(TwoBranchNetwork(Conv4(size=16, width=8, dropout=0)), InnerLoop(steps, precision="trainer"))
    task, learner = make_episode(16), learner.train().to(dtype)
    assert task.auxiliary is not None
    for clips in (task.support, task.query, task.auxiliary):
        clips.inputs = clips.inputs.to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        learner.meta_loss(task).backward()
    return torch.cat([p.grad.flatten().double() for p in learner.parameters() if p.grad is not None])


@pytest.mark.parametrize(("autocast", "bounds"), [(False, [(0, 1e-5), (0, 1e-4)]), (True, [(0.01, 1), (0.01, 5)])])
def test_the_error_of_a_meta_gradient_in_each_precision(autocast: bool, bounds: list[tuple[float, float]]) -> None:
    """Against float64, after one and five inner steps; what a GPU's TF32 does is in tests/parity/test_devices.py."""
    for steps, (low, high) in zip((1, 5), bounds, strict=True):
        exact = meta_gradient(steps, torch.float64, False)
        error = ((meta_gradient(steps, torch.float32, autocast) - exact).norm() / exact.norm()).item()
        print(f"autocast: {autocast}, {steps} steps: {error:.2g}")
        assert low <= error < high


@pytest.mark.parametrize("name", METHODS)
def test_float16_is_refused_by_those_that_take_gradients_of_their_own(name: str) -> None:
    learner = make(name)
    assert learner.takes_gradients is (name in OWN_GRADIENTS)


def test_the_refusal_of_float16_says_why_and_what_to_take() -> None:
    learner, fitted = make("lightmannet"), trainer(1, precision="16-true")
    with pytest.raises(ConfigurationError, match=r"float16 rounds small ones to zero.*precision: bf16-mixed"):
        fitted.fit(learner, tasks())
