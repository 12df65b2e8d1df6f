"""Ridge regression on features that do not learn, solved in closed form."""

from jaxtyping import Float64, Int64
from torch import Tensor
from torch.nn import functional as F

from lightmannet.adaptation.ridge import ridge_regression
from lightmannet.learners.closed_form import ClosedForm
from lightmannet.networks import TwoBranchNetwork


class Ridge(ClosedForm):
    """MER head of least squares: ``min_{W, b} 1/n Σ_j |W x_j + b - y_j|² + λ v |W|²`` with one-hot targets y.

    x are the encoder's features, which stay as they are; with the encoder ``Flatten`` they are the pixels. The head is
    solved for after each epoch, on all batches so far: each further epoch adds one more random change of every clip.
    v is the features' total variance, so that λ means the same for any features. The largest score counts; the softmax
    of the scores, the probability, says little of how sure the answer is.

    Args:
        network: Encoder and MER head.
        strength: λ > 0; ours, not tuned.

    Raises:
        ConfigurationError: A strength that is not positive.
    """

    def __init__(self, network: TwoBranchNetwork, strength: float = 0.01) -> None:
        super().__init__(network, strength)

    def fit_head(
        self, centred: Float64[Tensor, "clip feature"], labels: Int64[Tensor, " clip"], n_classes: int
    ) -> tuple[Float64[Tensor, "class feature"], Float64[Tensor, " class"]]:
        """Return weights and biases of the head."""
        targets = F.one_hot(labels, n_classes).double()
        mean = targets.mean(0)
        weight = ridge_regression(centred, targets - mean, self.strength * centred.square().sum())
        return weight.T, mean
