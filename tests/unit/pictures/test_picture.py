import dataclasses
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import pytest

from lightmannet.inference.answer import QualityWarning
from lightmannet.pictures.explanation import Explanation, explain
from lightmannet.pictures.picture import picture, picture_svg
from tests.examinations import TopLeft, examination

SVG = "{http://www.w3.org/2000/svg}"


def shown(decision: str | None = "positive", fps: float | None = 200.0, found: bool = True) -> Explanation:
    return explain(examination(decision, fps, found), TopLeft())


def texts(what: Explanation) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture_svg(what)).iter(f"{SVG}text")]


def bars(what: Explanation) -> list[tuple[float, str]]:
    """Return each bar's share of its track, and its colour."""
    drawn = [element.attrib for element in ElementTree.fromstring(picture_svg(what)).iter(f"{SVG}rect")][1:]
    pairs = zip(drawn[::2], drawn[1::2], strict=True)
    return [(float(bar["width"]) / float(track["width"]), bar["fill"]) for track, bar in pairs]


def test_the_picture_shows_five_panels_the_class_its_bars_and_the_doubts() -> None:
    found = texts(shown())
    assert found[0] == "positive"
    assert "<clip> & co.mp4" in found
    for caption in ("onset: frame 10, 0.05 s", "apex: frame 40, 0.20 s", "offset: frame 80, 0.40 s"):
        assert caption in found
    assert any(line.startswith("motion to the apex, ×") for line in found)
    assert "evidence for positive" in found
    assert [line for line in found if line.endswith("%")] == ["20%", "70%", "10%"]
    assert "The face is dark <12 of 255>; film it in more light." in found
    assert "Frames 10 to 80 (0.35 s), spotted by its motion." in found
    assert any("not a lie detector" in line for line in found)


def test_warnings_stand_above_the_panels_and_remarks_below() -> None:
    remark = QualityWarning("turned", "info", "The frames were rotated or mirrored according to the file.")
    what = shown()
    what = dataclasses.replace(what, answer=dataclasses.replace(what.answer, warnings=(*what.answer.warnings, remark)))
    drawn = ElementTree.fromstring(picture_svg(what))
    (panels,) = {float(image.attrib["y"]) for image in drawn.iter(f"{SVG}image")}
    places = {element.text: float(element.attrib["y"]) for element in drawn.iter(f"{SVG}text")}
    assert places["The face is dark <12 of 255>; film it in more light."] < panels
    assert places[remark.message] > panels


def test_bars_are_as_long_as_the_probabilities_and_the_class_named_has_a_colour_of_its_own() -> None:
    drawn = bars(shown())
    assert [share for share, _ in drawn] == pytest.approx([0.2, 0.7, 0.1], abs=1e-3)
    assert drawn[0][1] == drawn[2][1] != drawn[1][1]


def test_where_no_class_is_named_the_picture_says_so_and_favours_none() -> None:
    what = shown(decision=None)
    assert texts(what)[0] == "can't tell"
    assert "Can't tell: the most likely class has a probability of 0.70." in texts(what)
    assert len({color for _, color in bars(what)}) == 1


def test_without_an_interval_there_are_no_bars_and_no_reasons() -> None:
    what = shown(found=False, fps=None)
    assert [panel.caption for panel in what.panels][:3] == ["onset: frame 10", "apex: frame 40", "offset: frame 80"]
    assert len(what.panels) == 4
    assert bars(what) == []
    assert "No interval was found; the first, middle and last frame are shown." in texts(what)


def test_the_picture_is_a_png_that_grows_with_what_there_is_to_say() -> None:
    what = shown()
    doubts = tuple(QualityWarning(f"code_{i}", "warning", "Something is doubtful. " * 8) for i in range(6))
    longer = dataclasses.replace(what, answer=dataclasses.replace(what.answer, warnings=doubts))
    heights = []
    for each in (what, longer):
        pixels = cv2.imdecode(np.frombuffer(picture(each), np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        assert pixels.shape[1] == 1232
        assert np.array_equal(pixels[0, 0], [255, 255, 255])
        heights.append(pixels.shape[0])
    assert heights[1] > heights[0] + 200
