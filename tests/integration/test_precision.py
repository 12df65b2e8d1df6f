"""What lower precision changes, and where it is refused."""

import pytest
import torch

from data_modules import EpisodicDataModule, SubjectKFold
from lightmannet.errors import ConfigurationError
from lightmannet.learners import LightmanNet
from lightmannet.learners.episodic import InnerLoop
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import MadeCorpus
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


def trained(bfloat16: bool) -> tuple[float, torch.Tensor]:
    """Return the mean loss of the last of two epochs, and the weights, after 32 meta-updates of second order."""
    torch.manual_seed(0)
    learner = LightmanNet(TwoBranchNetwork(Conv4(width=8)), InnerLoop(), learning_rate=1e-3)
    fitted = trainer(2, precision="bf16-mixed" if bfloat16 else "32-true")
    fitted.fit(learner, tasks())
    weights = torch.cat([parameter.detach().flatten() for parameter in learner.network.parameters()])
    assert all(parameter.dtype == torch.float32 for parameter in learner.parameters())
    return float(fitted.callback_metrics["train/loss"]), weights


def test_second_order_in_bfloat16_stays_near_float32() -> None:
    """After 32 meta-updates the loss is within 0.05 and the weights within 5 % (norm of the difference)."""
    (loss, weights), (other_loss, other_weights) = trained(bfloat16=False), trained(bfloat16=True)
    assert not torch.equal(weights, other_weights)
    assert abs(loss - other_loss) < 0.05
    assert (weights - other_weights).norm() < 0.05 * weights.norm()


@pytest.mark.parametrize("name", METHODS)
def test_float16_is_refused_by_those_that_take_gradients_of_their_own(name: str) -> None:
    learner = make(name)
    assert learner.takes_gradients is (name in OWN_GRADIENTS)


def test_the_refusal_of_float16_says_why_and_what_to_take() -> None:
    learner, fitted = make("lightmannet"), trainer(1, precision="16-true")
    with pytest.raises(ConfigurationError, match=r"float16 rounds small ones to zero.*precision: bf16-mixed"):
        fitted.fit(learner, tasks())
