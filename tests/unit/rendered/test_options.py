"""Knobs of the rendered corpus: what is possible."""

from dataclasses import asdict
from typing import Any

import pytest

from data_modules.rendered.options import Options
from lightmannet.errors import ConfigurationError


def test_all_impossible_knobs_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        Options(subjects=0, seed=-1, size=127, intensity=0, label_noise=0.9, noise=float("nan"), jpeg_quality=101)
    message = str(error.value)
    assert "7 faults" in message
    for name in (
        "subjects=0",
        "seed=-1",
        "size=127",
        "intensity=0",
        "label_noise=0.9",
        "noise=nan",
        "jpeg_quality=101",
    ):
        assert name in message


def test_an_unknown_balance_is_named_beside_the_known_ones() -> None:
    preset: Any = "samm"
    with pytest.raises(ConfigurationError, match="balance='samm': one of balanced, casme2, smic is expected"):
        Options(balance=preset)


def test_options_say_in_what_they_differ_from_others() -> None:
    assert Options().differences(asdict(Options())) == []
    assert Options(seed=1).differences(asdict(Options())) == ["seed: 1 now, 0 there"]
