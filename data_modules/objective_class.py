"""Objective classes: expressions grouped by facial movement instead of emotion.

A combination of action units has a class of its own, or belongs to class VII, "others". Sides and intensities don't
count. The authors of CAS(ME)^3 used the same table: it gives the class that their two workbooks state for 860 of 860
micro-expressions and for 4,197 of all 4,206 rows (the others are not consistent among themselves).

Reference: Davison, Merghani, Yap 2018, "Objective Classes for Micro-Facial Expression Recognition", arXiv 1708.07549,
table of the proposed classes.
"""

from collections.abc import Iterable

_COMBINATIONS = {
    1: "6, 12, 6+12, 6+7+12, 7+12",
    2: "1+2, 5, 25, 1+2+25, 25+26, 5+24",
    3: "23, 4, 4+7, 4+5, 4+5+7, 17+24, 5+6+7, 4+6+7, 4+38",
    4: "10, 9, 4+9, 4+40, 4+5+40, 4+7+9, 4+9+17, 4+7+10, 4+5+7+9, 7+10",
    5: "1, 15, 1+4, 6+15, 15+17",
    6: "1+2+4, 20",
}
OTHERS = 7
_CLASSES = {
    frozenset(int(unit) for unit in combination.split("+")): number
    for number, combinations in _COMBINATIONS.items()
    for combination in combinations.split(", ")
}


def objective_class(units: Iterable[int]) -> int | None:
    """Return the objective class 1..7 of a combination of action units, by their numbers; None if nothing was coded.

    Example:
        >>> objective_class([6, 12])
        1
    """
    combination = frozenset(map(int, units))
    return _CLASSES.get(combination, OTHERS) if combination else None
