import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lightmannet.pictures.explanation import explain
from lightmannet.pictures.html import answer_page
from lightmannet.pictures.write import write_pictures
from tests.examinations import TopLeft, examination


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.words += " "

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_holds_all_it_shows_and_names_no_address() -> None:
    page = answer_page(explain(examination(), TopLeft()))
    found = Elements(page)
    images = [attributes for tag, attributes in found.elements if tag == "img"]
    assert len(images) == 5
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in images)
    assert all(image["alt"] for image in images)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in found.elements}
    assert not re.search(r"https?://|url\(|@import", page)


def test_a_page_says_the_class_its_probabilities_and_the_doubts() -> None:
    words = " ".join(Elements(answer_page(explain(examination(), TopLeft()))).words.split())
    assert "negative 20% positive 70% surprise 10%" in words
    assert "The face is dark <12 of 255>; film it in more light." in words
    assert "<clip> & co.mp4. Frames 10 to 80" in words
    assert "not a lie detector" in words


def test_a_page_fits_light_dark_and_narrow_screens() -> None:
    page = answer_page(explain(examination(None), TopLeft()))
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert "<h2>can&#39;t tell</h2>" in page


def test_both_files_are_written_into_a_new_folder(tmp_path: Path) -> None:
    image, page = write_pictures(examination(), TopLeft(), tmp_path / "new", "clip")
    assert (image, page) == (tmp_path / "new" / "clip.png", tmp_path / "new" / "clip.html")
    assert image.read_bytes().startswith(b"\x89PNG")
    assert page.read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in image.parent.iterdir()) == ["clip.html", "clip.png"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_pictures(examination(), TopLeft(), tmp_path / "file", "clip")
