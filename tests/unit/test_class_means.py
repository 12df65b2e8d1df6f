"""The command ``lightmannet class-means``."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lightmannet.cli import main
from lightmannet.commands.class_means import peculiar_motion
from lightmannet.errors import ConfigurationError
from tests.clips import make_clips

DATA = """
data:
  init_args:
    corpus: tests.clips.MadeCorpus
    auxiliary: [tests.clips.MadeCorpus]
"""


def test_means_of_classes_are_drawn_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "made.yaml").write_text(DATA)
    main(["class-means", str(tmp_path / "means.png"), f"--data=[{tmp_path / 'made.yaml'}]"])
    shown = capsys.readouterr().out
    assert "micro: 72 clips of made; macro-expressions of macro (30 clips of 6 people)" in shown
    for name in ("negative", "positive", "surprise"):
        # Both kinds of made clips move strongly in the same third of the image.
        assert float(shown.split(f"{name}: correlation ")[1].split()[0]) > 0.8
    picture = cv2.imread(str(tmp_path / "means.png"))
    assert picture is not None
    assert picture.shape == (2 * (224 + 30), 3 * 224 + 2 * 8, 3)


def test_what_all_classes_have_in_common_is_taken_away() -> None:
    clips = make_clips(30)
    means = peculiar_motion(clips, 3)
    np.testing.assert_allclose(means.sum(0), 0, atol=1e-12)
    by_hand = np.stack([clips.inputs[clips.labels == label, 0, :2].numpy().mean(0) for label in range(3)])
    np.testing.assert_allclose(means[1] - means[0], by_hand[1] - by_hand[0], atol=1e-6)
    with pytest.raises(ConfigurationError, match="no clip shows class 2; add a set that does"):
        peculiar_motion(clips.select([0, 1]), 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("means.jpg", DATA, "name a .png file"),
        ("means.png", DATA.replace("corpus", "nobody"), "must name a corpus and auxiliary, but name auxiliary"),
        ("means.png", DATA.replace("[tests.clips.MadeCorpus]", "Nonsense"), "auxiliary"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    name: str, content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made.yaml").write_text(content)
    with pytest.raises(SystemExit):
        main(["class-means", str(tmp_path / name), f"--data=[{tmp_path / 'made.yaml'}]"])
    assert message in capsys.readouterr().err
