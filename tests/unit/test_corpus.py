"""A corpus made by hand is checked where it enters."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from data_modules.corpus import CLASSES, Corpus
from lightmannet.episode import Clips
from lightmannet.errors import DataError
from tests.clips import make_clips


def corpus(micro: Clips, macro: Clips | None = None) -> Corpus:
    return Corpus("mine", CLASSES, micro, macro, scaling=None, synthetic=False)


def changed(change: Callable[[Clips], None]) -> Clips:
    """Return clips that were changed past the checks of types that only tests have."""
    clips = make_clips(6)
    change(clips)
    return clips


def put(value: float) -> Callable[[Clips], None]:
    def change(clips: Clips) -> None:
        clips.inputs[2, 0, 0, 0, 0] = value

    return change


def set_to(field: str, value: Callable[[Clips], object]) -> Callable[[Clips], None]:
    return lambda clips: setattr(clips, field, value(clips))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_to("labels", lambda c: c.labels + 1),
            r"labels: numbers from 0 to 2, of the classes .*, are expected, 1 to 3",
        ),
        (set_to("labels", lambda c: c.labels - 1), r"labels: numbers from 0 to 2, .* are expected, -1 to 1 found"),
        (set_to("labels", lambda c: c.labels.int()), r"labels: int64 is expected, int32 found; convert .* \.long\(\)"),
        (set_to("inputs", lambda c: c.inputs.double()), r"inputs: float32 is expected, float64 found; .* \.float\(\)"),
        (set_to("inputs", lambda c: c.inputs[:, 0]), r"inputs: the shape \(clip, phase, .* \(6, 3, \d+, \d+\) found"),
        (
            set_to("inputs", lambda c: c.inputs[:, :, :1]),
            r"inputs: motion has the 3 channels .* view, 1 found",
        ),
        (set_to("inputs", lambda c: c.inputs * 255), r"inputs: values from -0.5 to 0.5 .*; scale .*to_float"),
        (put(float("nan")), r"inputs: '.*' have NaN or infinite values; replace or remove"),
        (put(float("-inf")), r"inputs: '.*' have NaN or infinite values"),
        (set_to("ids", lambda c: (c.ids[0], *c.ids[:-1])), r"ids: '.*' occurs more than once; give each clip an id"),
        (set_to("ids", lambda c: list(c.ids)), r"ids: a tuple of str is expected, a list of str found"),
        (set_to("subjects", lambda c: tuple(range(6))), r"subjects: a tuple of str is expected, a tuple of int found"),
        (set_to("objective_classes", lambda c: c.labels + 6), r"objective_classes: numbers from 0 to 7, .* 6 to 8"),
        (set_to("action_units", lambda c: torch.zeros(6, 46)), r"action_units: bool is expected, float32 found"),
    ],
)
@pytest.mark.parametrize("part", ["micro", "macro"])
def test_each_fault_of_a_corpus_made_by_hand_is_named(change: Callable[[Clips], None], message: str, part: str) -> None:
    bad, good = changed(change), make_clips(6)
    with pytest.raises(DataError, match=f"Corpus mine: (?s:.*){part}: {message}"):
        corpus(bad) if part == "micro" else corpus(good, bad)


def test_all_faults_are_in_one_message() -> None:
    def change(clips: Clips) -> None:
        clips.labels, clips.inputs = clips.labels.int() + 1, clips.inputs.double()

    with pytest.raises(DataError, match=r"(?s)3 faults.*float64.*int32.*1 to 3"):
        corpus(changed(change))


def test_lengths_that_differ_are_named_where_the_clips_are_made() -> None:
    clips = make_clips(6)
    with pytest.raises(ValueError, match=r"one entry per clip, but there are 6 inputs, 6 labels, 6 subjects, 5 ids"):
        replace(clips, ids=clips.ids[:5])


def test_a_good_corpus_of_no_micro_expressions_is_accepted() -> None:
    assert len(corpus(make_clips(6).select([]), make_clips(6)).micro) == 0
