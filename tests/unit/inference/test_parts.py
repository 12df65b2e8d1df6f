"""What may go into a bundle."""

import pytest

from data_modules.video.crop import AnnotatedBox, WholeFrame, YuNet
from lightmannet.errors import ConfigurationError
from lightmannet.inference.parts import build, crop_words


def test_crops_go_into_a_bundle_but_for_boxes_that_only_a_database_knows() -> None:
    for crop in (WholeFrame(), YuNet("model.onnx", margin=0.2, min_score=0.5)):
        again = build(crop_words(crop))
        assert type(again) is type(crop)
        if isinstance(again, YuNet):
            assert (again.margin, again.min_score, again.model) == (0.2, 0.5, None)
    with pytest.raises(ConfigurationError, match=r"AnnotatedBox cannot go into a bundle.*Train with crop: YuNet"):
        crop_words(AnnotatedBox())
