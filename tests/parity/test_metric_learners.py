"""Metric-based methods, ridge and logistic regression against their formulas in NumPy, float64."""

import numpy as np
import pytest
import torch

from data_modules import ConventionalDataModule, SubjectKFold
from lightmannet.adaptation.logistic import logistic_regression
from lightmannet.adaptation.ridge import ridge_regression
from lightmannet.learners import R2D2, LinearProbe, MatchingNet, PCALogistic, ProtoNet, Ridge
from lightmannet.learners.base import Learner
from lightmannet.networks import Flatten, TwoBranchNetwork
from tests.clips import MadeCorpus, make_clips
from tests.learners import trainer

SUPPORT, QUERY = make_clips(7, size=3), make_clips(4, seed=1, size=3)
SUPPORT.inputs.mul_(0.3)
X = SUPPORT.inputs.flatten(1).double().numpy()
Q = QUERY.inputs.flatten(1).double().numpy()
Y = np.eye(3)[SUPPORT.labels.numpy()]


def network() -> TwoBranchNetwork:
    return TwoBranchNetwork(Flatten(size=3))


def answer(learner: Learner) -> np.ndarray:
    """Return the probabilities of the query; with pixels as features nothing is learned."""
    learner.double().eval()
    support = type(SUPPORT)(SUPPORT.inputs.double(), SUPPORT.labels, SUPPORT.subjects, SUPPORT.ids)
    query = type(QUERY)(QUERY.inputs.double(), QUERY.labels, QUERY.subjects, QUERY.ids)
    return learner.adapt(support, None).predict(query).numpy()


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


PROTOTYPES = np.stack([X[SUPPORT.labels.numpy() == label].mean(0) for label in range(3)])


def test_proto_net_is_a_softmax_of_squared_distances_to_the_class_means() -> None:
    expected = softmax(-((Q[:, None] - PROTOTYPES) ** 2).sum(-1))
    np.testing.assert_allclose(answer(ProtoNet(network(), scale=1.0)), expected, rtol=0, atol=1e-12)
    expected = softmax(-((Q[:, None] - PROTOTYPES) ** 2).sum(-1) / np.sqrt(27))
    np.testing.assert_allclose(answer(ProtoNet(network())), expected, rtol=0, atol=1e-12)


def test_proto_net_with_cosines() -> None:
    expected = softmax(-4.0 * (1 - unit(Q) @ unit(PROTOTYPES).T))
    np.testing.assert_allclose(answer(ProtoNet(network(), "cosine", scale=4.0)), expected, rtol=0, atol=1e-12)


def test_matching_net_is_a_vote_of_the_support_by_attention() -> None:
    expected = softmax(2.0 * unit(Q) @ unit(X).T) @ Y
    np.testing.assert_allclose(answer(MatchingNet(network(), scale=2.0)), expected, rtol=0, atol=1e-12)


def test_r2d2_is_a_scaled_ridge_regression() -> None:
    weight = np.linalg.inv(X.T @ X + 0.5 * np.eye(X.shape[1])) @ X.T @ Y
    # λ and a were stored as float32 logarithms before the learner became float64.
    np.testing.assert_allclose(answer(R2D2(network(), 0.5, 3.0)), softmax(3.0 * Q @ weight), rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [3, 7, 20])
def test_both_forms_of_ridge_regression_solve_the_same_system(length: int) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(7, length)), random.normal(size=(7, 3))
    found = ridge_regression(torch.from_numpy(x), torch.from_numpy(y), 0.3).numpy()
    # The gradient of |X W - Y|² + λ |W|² is zero.
    np.testing.assert_allclose(x.T @ (x @ found - y) + 0.3 * found, 0, atol=1e-10)


def test_ridge_regression_is_differentiable_in_features_and_strength() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, generator=random, dtype=torch.float64, requires_grad=True)
    y = torch.randn(4, 2, generator=random, dtype=torch.float64)
    strength = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, strength: ridge_regression(x, y, strength), (x, strength))


def test_logistic_regression_reaches_the_minimum() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 4)), np.arange(12) % 3
    weight, bias = (part.numpy() for part in logistic_regression(torch.from_numpy(x), torch.from_numpy(y), 3, 0.7))
    residual = softmax(x @ weight.T + bias) - np.eye(3)[y]
    # Both gradients of the convex loss are zero.
    np.testing.assert_allclose(residual.T @ x + 0.7 * weight, 0, atol=1e-5)
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-5)


def test_the_linear_probe_is_logistic_regression_on_unit_features() -> None:
    weight, bias = logistic_regression(torch.from_numpy(unit(X)), SUPPORT.labels, 3, 0.2)
    expected = softmax(unit(Q) @ weight.numpy().T + bias.numpy())
    np.testing.assert_allclose(answer(LinearProbe(network(), strength=0.2)), expected, rtol=0, atol=1e-12)


def test_ridge_solves_for_all_clips_of_all_epochs_with_an_intercept() -> None:
    data = ConventionalDataModule(
        MadeCorpus(), SubjectKFold(4), validation_fraction=0, batch_size=20, class_balanced=False, augmentation=None
    )
    learner = Ridge(TwoBranchNetwork(Flatten()), strength=0.02)
    trainer(2).fit(learner, datamodule=data)
    x = data.training.inputs.flatten(1).double().numpy()
    y = np.eye(3)[data.training.labels.numpy()]
    weight, bias = (
        p.detach().double().numpy() for p in (learner.network.mer_head.weight, learner.network.mer_head.bias)
    )
    residual = (x @ weight.T + bias - y) / len(x)
    # Both gradients of 1/n Σ |W x + b - y|² + λ v |W|² are zero; the same clips twice change nothing.
    np.testing.assert_allclose(residual.T @ x + 0.02 * x.var(0).sum() * weight, 0, atol=1e-6)
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-6)


def test_pca_logistic_is_a_minimum_of_the_balanced_penalised_loss_on_the_components() -> None:
    corpus = MadeCorpus(clips=45, subjects=8)
    data = ConventionalDataModule(corpus, SubjectKFold(4), augmentation=None, class_balanced=False, batch_size=7)
    learner = PCALogistic(TwoBranchNetwork(Flatten()), components=5, strength=2.0)
    trainer(1).fit(learner, datamodule=data)
    learner.double()
    x, labels = data.training.inputs.flatten(1).double().numpy(), data.training.labels.numpy()
    covariance = np.cov(x.T)
    projection = np.linalg.eigh(covariance)[1][:, -5:].T  # by another way than the learner's
    weight = learner.network.mer_head.weight.detach().numpy()
    inner = weight @ projection.T
    np.testing.assert_allclose(inner @ projection, weight, atol=1e-6)
    scores = learner.network(data.training.inputs.double()).detach().numpy()
    shares = np.bincount(labels)[labels] * 3 / len(labels)
    error = (softmax(scores) - np.eye(3)[labels]) / shares[:, None]
    np.testing.assert_allclose(error.T @ ((x - x.mean(0)) @ projection.T) + 2.0 * inner, 0, atol=1e-3)
    np.testing.assert_allclose(error.sum(0), 0, atol=1e-3)
