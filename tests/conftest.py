"""Fixtures shared by the tests."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from data_modules.video.faces import whole_frame_face
from lightmannet.inference import look
from tests.megc2019_files import write_megc2019

# A loaded machine is slow, which says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _lightning_is_heard() -> None:
    """Undo what a command that runs many fits has done in this process: it lets Lightning log errors alone."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.INFO)


@pytest.fixture(autouse=True)
def _every_frame_shows_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the detector find one face in each frame: the tests' clips are noise."""
    monkeypatch.setattr(look, "find_faces", lambda frame: [whole_frame_face(frame)])


@pytest.fixture
def megc2019_root(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a small noise set in MEGC2019's layout and returns its root.

    Its arguments are those of ``write_megc2019`` but the root; by default 3 databases of 4 subjects, 2 clips per class.
    """
    return partial(write_megc2019, tmp_path / "megc2019")
