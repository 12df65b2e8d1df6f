"""Logistic regression on principal components of features that do not learn."""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from lightmannet.adaptation.logistic import logistic_regression
from lightmannet.errors import ConfigurationError
from lightmannet.learners.closed_form import ClosedForm
from lightmannet.networks import TwoBranchNetwork


class PCALogistic(ClosedForm):
    """MER head of logistic regression on the first principal components of the training clips' features.

    With the encoder ``Flatten`` the features are the pixels: u, v and strain. ``Σ_j w_j · -log softmax(W P x_j +
    b)[y_j] + λ/2 |W|²`` is minimised to convergence, where P projects on the components and w weighs each class alike.
    Component and head are one linear map, so the network that comes out is an ordinary one.

    Args:
        network: Encoder and MER head.
        components: Number of principal components, >= 1; fewer are taken where there are fewer clips or features.
        strength: λ > 0; 1 is scikit-learn's default, not tuned.

    Raises:
        ConfigurationError: No component, or a strength that is not positive.
    """

    def __init__(self, network: TwoBranchNetwork, components: int = 60, strength: float = 1.0) -> None:
        super().__init__(network, strength)
        if components < 1:
            raise ConfigurationError(f"PCALogistic needs components >= 1, but has components: {components}.")
        self.components = components

    def fit_head(
        self, centred: Float64[Tensor, "clip feature"], labels: Int64[Tensor, " clip"], n_classes: int
    ) -> tuple[Float64[Tensor, "class feature"], Float64[Tensor, " class"]]:
        """Return weights and biases of the head."""
        projection = _principal_components(centred, self.components)
        counts = torch.bincount(labels, minlength=n_classes)
        weights = len(labels) / (counts.count_nonzero() * counts[labels].double())
        weight, bias = logistic_regression(centred @ projection.T, labels, n_classes, self.strength, weights)
        return weight @ projection, bias


def _principal_components(centred: Float64[Tensor, "clip feature"], most: int) -> Float64[Tensor, "component feature"]:
    """Return the directions of largest variance, of length 1; at most as many as have any."""
    # The smaller of the two matrices of products: much faster than a singular value decomposition.
    wide = centred.shape[0] < centred.shape[1]
    variances, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    kept = variances > variances[-1] * 1e-12
    vectors = vectors[:, kept].flip(1)[:, :most]
    components = (centred.T @ vectors if wide else vectors).T
    return components / torch.linalg.vector_norm(components, dim=1, keepdim=True)
