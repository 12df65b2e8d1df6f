"""The files of an answer for people."""

from pathlib import Path

from torch import nn

from lightmannet.files import write_atomically, write_bytes_atomically
from lightmannet.inference.recogniser import Examination
from lightmannet.pictures.explanation import explain
from lightmannet.pictures.html import answer_page
from lightmannet.pictures.picture import picture


def write_pictures(examination: Examination, network: nn.Module, folder: Path, stem: str) -> tuple[Path, Path]:
    """Write ``<stem>.png`` and ``<stem>.html`` and return their paths.

    Args:
        examination: What ``Recogniser.examine`` returned.
        network: The recogniser's ``network``.
        folder: Where to write; it is made if missing.
        stem: Name of the files without suffix.

    Raises:
        OSError: The folder cannot be written.
    """
    explanation = explain(examination, network)
    image, page = folder / f"{stem}.png", folder / f"{stem}.html"
    write_bytes_atomically(image, picture(explanation))
    write_atomically(page, answer_page(explanation))
    return image, page
