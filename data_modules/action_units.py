"""Action units as coders write them: ``4+L7``, ``R12A``, ``L12 or L14``, ``AD38``, ``7B+ ref(43)``."""

import re
from dataclasses import dataclass
from typing import Literal

Side = Literal["", "L", "R", "T", "B", "A"]

# The prefixes AU, AD and M are not sides.
_SIDES: dict[str, Side] = {"L": "L", "R": "R", "T": "T", "B": "B", "A": "A"}

# A reference in brackets, e.g. ref(43), names a unit that was not coded.
_REFERENCE = re.compile(r"ref\s*\([^)]*\)", re.IGNORECASE)
_KEPT = re.compile(r"\(k\)", re.IGNORECASE)  # a unit kept from before
_ALTERNATIVE = re.compile(r"\bor\b|/", re.IGNORECASE)
_UNIT = re.compile(
    r"(?P<prefix>[A-Za-z]{0,2})\s*(?<![0-9])(?P<number>[0-9]{1,2})(?![0-9])"
    r"\s*(?P<intensity>[A-Ea-e](?![A-Za-z]))?\s*(?P<unsure>[?？])?"
)


@dataclass(frozen=True)
class ActionUnit:
    """One coded movement of the Facial Action Coding System.

    Attributes:
        number: FACS number, e.g. 12 for the lip corner puller.
        side: Left, right, top, bottom, asymmetric, or empty for both sides.
        intensity: ``A`` (trace) to ``E`` (maximum), or empty where it was not coded.
        unsure: The coder put a question mark, or named alternatives.
    """

    number: int
    side: Side = ""
    intensity: str = ""
    unsure: bool = False


def parse_action_units(text: str) -> tuple[ActionUnit, ...]:
    """Return the units in ``text``, in order; anything else (``?``, ``soft focus``) is ignored.

    Units are separated by ``+``, a comma or a full-width comma. Of alternatives (``R12 or R14``, ``10A/B``, also in
    brackets) only the first is returned, marked as unsure. Action descriptors (``AD38``, ``M58``) are kept by number.

    Example:
        >>> [unit.number for unit in parse_action_units("4+L7")]
        [4, 7]
    """
    text = _KEPT.sub("", _REFERENCE.sub("", text))
    units = []
    for part in re.split(r"[+＋,，;]", text):
        alternatives = _ALTERNATIVE.split(part)
        found = _UNIT.search(alternatives[0])
        if found is None:
            continue
        side = _SIDES.get(found["prefix"].upper(), "")
        unsure = bool(found["unsure"]) or len(alternatives) > 1
        units.append(ActionUnit(int(found["number"]), side, (found["intensity"] or "").upper(), unsure))
    return tuple(units)
