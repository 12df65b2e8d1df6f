"""Which command a command line asks for."""

import pkgutil

import pytest

from lightmannet.cli import _own_verb
from lightmannet.commands import VERBS


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("predict clip.mp4 --model bundle", "predict"),
        ("predict --model=bundle clip.mp4", "predict"),
        ("predict --help", "predict"),
        ("predict --config=configs/maml.yaml", None),
        ("predict --config configs/maml.yaml --ckpt_path a.ckpt", None),
        ("predict -c configs/maml.yaml", None),
        ("databases check casme2", "databases check"),
        ("databases --help", "databases"),
        ("fit", None),
    ],
)
def test_a_verb_is_told_from_lightnings(line: str, verb: str | None) -> None:
    assert _own_verb(line.split()) == verb


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_names_a_function(verb: str) -> None:
    assert callable(pkgutil.resolve_name(VERBS[verb]))
