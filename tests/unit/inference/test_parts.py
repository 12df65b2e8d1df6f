"""What may go into a bundle."""

from typing import Any

import pytest

from data_modules.representations.landmark_flow import LandmarkFlow
from data_modules.representations.pair_flow import PairFlow
from data_modules.video.crop import AnnotatedBox, WholeFrame, YuNet
from data_modules.video.eyes import DetectedEyes, FixedEyes
from lightmannet.errors import BundleError, ConfigurationError
from lightmannet.inference.parts import build, crop_spec, learner_spec, own_names, representation_spec
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import MMD2, AllPairs, Cosine, InfoNCE, LearnedPairs, SameClass, SoftDTW
from lightmannet.networks import Features, Maps, Phases


def test_crops_go_into_a_bundle_but_for_boxes_that_only_a_database_knows() -> None:
    for crop in (WholeFrame(), YuNet("model.onnx", margin=0.2, min_score=0.5)):
        again = build(crop_spec(crop))
        assert type(again) is type(crop)
        if isinstance(again, YuNet):
            assert (again.margin, again.min_score, again.model) == (0.2, 0.5, None)
    with pytest.raises(ConfigurationError, match=r"AnnotatedBox cannot go into a bundle.*Train with crop: YuNet"):
        crop_spec(AnnotatedBox())


NETWORK = {"name": "TwoBranchNetwork", "options": {}}


def test_the_choices_of_the_inner_loss_go_into_a_bundle_and_come_back() -> None:
    configuration = {
        "class_path": "lightmannet.learners.LightmanNet",
        "init_args": {
            "network": {"class_path": "lightmannet.networks.TwoBranchNetwork", "init_args": {}},
            "loss": {
                "auxiliary_weight": 0.5,
                "kernel": {"class_path": "lightmannet.losses.kernels.InfoNCE", "init_args": {"temperature": 0.2}},
                "pairs": {"class_path": "lightmannet.losses.pairs.SameClass", "init_args": {}},
                "aligned": {"class_path": "lightmannet.networks.aligned.Maps", "init_args": {}},
            },
        },
    }
    learner = build(learner_spec(configuration))
    assert learner.loss == InnerLoss(auxiliary_weight=0.5, kernel=InfoNCE(0.2), pairs=SameClass(), aligned=Maps())


@pytest.mark.parametrize(
    ("branches", "loss"),
    [
        ({"primary_weight": 1.0, "auxiliary_weight": 0.3}, InnerLoss(1.0, 0.3, Cosine(), AllPairs(), Features())),
        (
            {"kernel": "infonce", "temperature": 0.3, "pairs": "same_class", "smoothing": 0.1, "bandwidth": None},
            InnerLoss(kernel=InfoNCE(0.3), pairs=SameClass()),
        ),
        ({"kernel": "mmd2", "bandwidth": 2.0}, InnerLoss(kernel=MMD2(2.0), pairs=AllPairs())),
        (
            {"kernel": "squared_euclidean", "align_at": "warped_phases", "smoothing": 0.2},
            InnerLoss(kernel=SoftDTW(0.2, "squared_euclidean"), pairs=AllPairs(), aligned=Phases()),
        ),
        ({"learn_pair_weights": True}, InnerLoss(pairs=LearnedPairs(AllPairs()))),
    ],
)
def test_a_bundle_with_the_former_branches_still_loads(branches: dict[str, Any], loss: InnerLoss) -> None:
    words = {"name": "LightmanNet", "options": {"network": NETWORK, "branches": branches}}
    assert build(words).loss == loss


def test_choices_that_never_were_are_refused() -> None:
    for branches in ({"kernel": "magic"}, {"pairs": "none"}, {"strange": 1}):
        with pytest.raises(BundleError, match="options of LightmanNet do not fit this version"):
            build({"name": "LightmanNet", "options": {"network": NETWORK, "branches": branches}})


def test_eyes_and_pairs_go_into_a_bundle_and_landmarks_do_not() -> None:
    eyes = build(crop_spec(FixedEyes((0.3, 0.4), (0.7, 0.5))))
    assert (list(eyes.left), list(eyes.right)) == ([0.3, 0.4], [0.7, 0.5])
    assert build(crop_spec(DetectedEyes(min_score=0.4))).detector.min_score == 0.4
    assert build(representation_spec(PairFlow(method="dis"))) == PairFlow(method="dis")
    with pytest.raises(ConfigurationError, match=r"LandmarkFlow cannot go into a bundle.*no landmarks"):
        representation_spec(LandmarkFlow())


OWN = "tests.integration.foreign.OwnMethod"


def test_own_code_keeps_its_path_and_is_imported_only_where_it_is_allowed() -> None:
    encoder = {"class_path": "my_nets.Conv4", "init_args": {"width": 3}}
    network = {"class_path": "lightmannet.networks.TwoBranchNetwork", "init_args": {"encoder": encoder}}
    words = learner_spec({"class_path": "lightmannet.learners.MAML", "init_args": {"network": network}})
    assert own_names(words) == ["my_nets.Conv4"]  # not taken for ours, though ours has a Conv4
    with pytest.raises(BundleError, match=r"needs my_nets\.Conv4, which cannot be imported here .*current folder"):
        build(words, allow=["my_nets.Conv4"])
    words = learner_spec({"class_path": OWN})
    with pytest.raises(BundleError, match=r"needs the part 'tests\.integration\.foreign\.OwnMethod'"):
        build(words, allow=["tests.integration.foreign"])
    assert type(build(words, allow=[OWN])).__name__ == "OwnMethod"


def test_what_is_allowed_must_be_a_class() -> None:
    with pytest.raises(BundleError, match=r"needs os\.sep, which is no class here"):
        build({"name": "os.sep", "options": {}}, allow=["os.sep"])
