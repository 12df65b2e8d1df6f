import os
from pathlib import Path

import pytest

from data_modules.action_units import parse_action_units
from data_modules.annotations import ROMAN
from data_modules.databases.sheets import read_workbook, table
from data_modules.objective_class import objective_class

ANNOTATIONS = os.environ.get("CASME3_ANNOTATIONS")


@pytest.mark.parametrize(
    ("units", "expected"),
    [("6+12", 1), ("R12A", 1), ("L2+R1+25", 2), ("4+7", 3), ("4+L9", 4), ("15+17", 5), ("20", 6), ("14", 7)],
)
def test_a_combination_of_units_has_a_class_whatever_side_and_intensity(units: str, expected: int) -> None:
    assert objective_class([unit.number for unit in parse_action_units(units)]) == expected


def test_nothing_coded_has_no_class() -> None:
    assert objective_class(()) is None


@pytest.mark.skipif(not ANNOTATIONS, reason="CASME3_ANNOTATIONS does not name the official workbooks of CAS(ME)^3")
@pytest.mark.parametrize(
    ("file", "sheet", "rows", "agreeing"),
    [
        ("cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", "label", 860, 860),
        ("CAS(ME)3_part_A_v2.xls", "AU+Emotion", 4206, 4197),
    ],
)
def test_the_official_workbooks_of_casme3_state_the_same_classes(
    file: str, sheet: str, rows: int, agreeing: int
) -> None:
    columns = {"subject": ("Subject",), "units": ("AU",), "stated": ("Objective class",)}
    records = list(table(read_workbook(Path(str(ANNOTATIONS)) / file)[sheet], columns))
    assert len(records) == rows
    ours = [objective_class([unit.number for unit in parse_action_units(record.text("units"))]) for record in records]
    same = [r.text("stated") == ROMAN[number - 1] for r, number in zip(records, ours, strict=True) if number]
    assert sum(same) == agreeing
