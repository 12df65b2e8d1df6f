import torch

from lightmannet.adaptation.logistic import logistic_regression


def test_a_class_without_a_clip_changes_nothing_for_the_others() -> None:
    features, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 0, 2, 2, 0])
    weight, bias = logistic_regression(features, labels, 3, 0.5)
    alone = logistic_regression(features, labels // 2, 2, 0.5)
    torch.testing.assert_close(weight[[0, 2]], alone[0])
    torch.testing.assert_close(bias[[0, 2]], alone[1])
    assert (weight[1] == 0).all()
    assert bias[1] == 0


def test_it_fits_in_inference_mode_and_leaves_the_features_alone() -> None:
    features, labels = torch.randn(6, 4), torch.arange(6) % 3
    outside = logistic_regression(features, labels, 3, 1.0)
    with torch.inference_mode():
        copy = features.clone()
        inside = logistic_regression(copy, labels.clone(), 3, 1.0)
        assert torch.equal(copy, features)
    torch.testing.assert_close(inside, outside)
