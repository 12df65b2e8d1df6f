"""Which group of digits in the names of images is the frame's number."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Any, NamedTuple


class FrameNumbers(NamedTuple):
    """The frame numbers of images.

    Attributes:
        numbers: For each name its number; None where it has no digits.
        doubt: Why these numbers are a guess, and the order that they give; empty if the names leave no doubt.
    """

    numbers: tuple[int | None, ...]
    doubt: str = ""


def frame_numbers(names: Sequence[str]) -> FrameNumbers:
    """Return the frame numbers of the images of one folder.

    The number is the last group of digits, as in ``reg_EP01_5-113.jpg``, unless the names differ in others as well or
    instead: as in ``frame_12_640x480.png``, where the first group counts, or where names tell the time,
    ``10-00-59-995.png`` and ``10-01-00-000.png``. Then it is the one that ascends with all of them, or that counts. If
    there is none, the images are numbered from 1 in the order of all groups, which is right for times.

    Args:
        names: Names of files.
    """
    stems = [PurePath(name).stem for name in names]
    groups = [tuple(map(int, re.findall("[0-9]+", stem))) for stem in stems]
    last = FrameNumbers(tuple(digits[-1] if digits else None for digits in groups))
    if len({re.sub("[0-9]+", "0", stem) for stem in stems}) > 1 or not groups or not groups[0]:
        return last  # names of several kinds: their groups do not correspond
    columns = [column for column in zip(*groups, strict=True) if len(set(column)) > 1]
    if len(columns) <= 1:
        return FrameNumbers(columns[0]) if columns else last
    if len(set(groups)) < len(groups):
        return last  # the same digits twice, which is reported as a fault
    counters = [column for column in columns if _step(column) == 1]
    if len({tuple(_places(column)) for column in counters}) > 1:
        return _guess(
            "several groups of digits in their names count, and differ; by the last of them", counters[-1], names
        )
    for column in (columns[-1], *(column for column in columns if _step(column))):
        if len(set(column)) == len(column) and _places(column) == _places(groups):
            return FrameNumbers(column)
    if counters:
        why = "one group of digits in their names counts, but all digits give another order; by the one that counts"
        return _guess(why, counters[-1], names)
    order = tuple(place + 1 for place in _places(groups))
    return _guess("no group of digits in their names counts; by all digits", order, names)


def _guess(why: str, order: tuple[int, ...], names: Sequence[str]) -> FrameNumbers:
    ordered = [name for _, name in sorted(zip(order, names, strict=True))]
    if len(ordered) > 4:
        ordered = [*ordered[:3], f"… {ordered[-1]}"]
    return FrameNumbers(order, f"{why} the frames are {', '.join(ordered)}")


def _places(column: Sequence[Any]) -> list[int]:
    """Return the place of each value among the sorted ones, which all differ."""
    place_of = {value: place for place, value in enumerate(sorted(column))}
    return [place_of[value] for value in column]


def _step(column: Sequence[int]) -> int:
    """Return by how much the numbers, once sorted, go up each time; 0 if not evenly."""
    ascending = sorted(column)
    steps = {late - early for early, late in pairwise(ascending)}
    return steps.pop() if len(steps) == 1 else 0
