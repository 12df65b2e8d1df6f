"""Action units given an emotion: real frequencies in posed macro- and spontaneous micro-expressions.

``data_modules/synthetic/action_units.csv`` has those of CK+, ``micro_action_units.csv`` those of CAS(ME)^3.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from data_modules.rendered.muscles import UNITS
from data_modules.synthetic.action_units import ActionUnitTable, read_action_units

MICRO_TABLE = Path(__file__).with_name("micro_action_units.csv")

CLASS_OF_EMOTION: Mapping[str, str] = {
    "happiness": "positive",
    "happy": "positive",
    "surprise": "surprise",
    "disgust": "negative",
    "repression": "negative",
    "fear": "negative",
    "sadness": "negative",
    "anger": "negative",
    "others": "others",
}
"""Class of each emotion in the three classes of MEGC2019; ``others`` belongs to none of them."""

# Neither table has CASME II's repression. Contempt (the lip corners tightened) and spontaneous sadness come closest
# to its authors' criteria, units 15 and 17 and held-back smiles (Yan et al. 2014); the choice is ours.
_POSED: Mapping[str, str] = {"happiness": "happy", "repression": "contempt"}
_SPONTANEOUS: Mapping[str, str] = {"happiness": "happy", "repression": "sadness"}
_WHOLLY_SPONTANEOUS = ("others",)


def posed(emotion: str) -> Float64[np.ndarray, " unit"]:
    """Return how often posed expressions of ``emotion`` show each of ``UNITS``, 0..1."""
    table = _posed()
    row = table.frequencies[table.emotions.index(_POSED.get(emotion, emotion))]
    # Mouth stretch is drawn as a jaw drop.
    drawn = {27: 26}
    found = np.zeros(len(UNITS))
    for unit, frequency in zip(table.units, row, strict=True):
        unit = drawn.get(unit, unit)
        if unit in UNITS:
            place = UNITS.index(unit)
            found[place] = max(found[place], frequency)
    return found


def spontaneous(emotion: str) -> Float64[np.ndarray, " unit"]:
    """Return how often spontaneous micro-expressions of ``emotion`` show each of ``UNITS``, 0..1."""
    table = _spontaneous()
    name = _SPONTANEOUS.get(emotion, emotion)
    return np.array([table.frequency(name, unit) for unit in UNITS])


def is_posed(emotion: str) -> bool:
    """Return whether there are frequencies of posed expressions of this emotion."""
    return emotion not in _WHOLLY_SPONTANEOUS


@lru_cache(maxsize=1)
def _posed() -> ActionUnitTable:
    return read_action_units()


@lru_cache(maxsize=1)
def _spontaneous() -> ActionUnitTable:
    return read_action_units(MICRO_TABLE)
