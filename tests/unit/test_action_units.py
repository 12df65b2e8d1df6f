import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.action_units import ActionUnit, parse_action_units


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("?", []),
        ("12", [12]),
        ("4+7", [4, 7]),
        ("26+25", [26, 25]),
        ("4 + 7 ", [4, 7]),
        ("4+R10", [4, 10]),
        ("4,7", [4, 7]),
        ("4，7", [4, 7]),
        ("4＋7", [4, 7]),
        ("4,7,", [4, 7]),
        ("13?", [13]),
        ("AU4(k)+L7", [4, 7]),
        ("AU 4", [4]),
        ("AD38", [38]),
        ("M58", [58]),
        ("7B+ ref(43)", [7]),
        ("R14+17+soft focus", [14, 17]),
        ("10A/B", [10]),
        ("L12 or L14", [12]),
        ("R12 or R14", [12]),
        ("R14A or 17A or 24A", [14]),
        ("(R6 or R12)+R15", [6, 15]),
        ("123", []),
    ],
)
def test_units_are_found_in_their_order(text: str, numbers: list[int]) -> None:
    assert [unit.number for unit in parse_action_units(text)] == numbers


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("4", ActionUnit(4)),
        ("L1", ActionUnit(1, "L")),
        ("R2", ActionUnit(2, "R")),
        ("r18", ActionUnit(18, "R")),
        ("T18", ActionUnit(18, "T")),
        ("B28", ActionUnit(28, "B")),
        ("A25", ActionUnit(25, "A")),
        ("R12A", ActionUnit(12, "R", "A")),
        ("7b", ActionUnit(7, "", "B")),
        ("7E?", ActionUnit(7, "", "E", unsure=True)),
        ("13?", ActionUnit(13, unsure=True)),
        ("13？", ActionUnit(13, unsure=True)),
        ("AD38", ActionUnit(38)),
        ("M58", ActionUnit(58)),
        ("AU4(k)", ActionUnit(4)),
    ],
)
def test_side_intensity_and_doubt_are_kept(text: str, unit: ActionUnit) -> None:
    assert parse_action_units(text) == (unit,)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("(R6 or R12)+R15", (ActionUnit(6, "R", unsure=True), ActionUnit(15, "R"))),
        ("L12 or L14", (ActionUnit(12, "L", unsure=True),)),
        ("R14A or 17A or 24A", (ActionUnit(14, "R", "A", unsure=True),)),
        ("10A/B", (ActionUnit(10, "", "A", unsure=True),)),
    ],
)
def test_of_alternatives_the_first_is_kept_as_unsure(text: str, units: tuple[ActionUnit, ...]) -> None:
    assert parse_action_units(text) == units


def test_a_reference_is_no_unit() -> None:
    assert parse_action_units("7B+ ref(43)") == (ActionUnit(7, "", "B"),)


@given(st.text() | st.text(alphabet="LRTBAaMDor?/+,，()0123456789 ", max_size=30))
def test_any_text_gives_units_of_one_or_two_digits(text: str) -> None:
    assert all(0 <= unit.number <= 99 for unit in parse_action_units(text))


@given(st.lists(st.integers(1, 69), max_size=8))
def test_joined_numbers_come_back(numbers: list[int]) -> None:
    assert [unit.number for unit in parse_action_units("+".join(map(str, numbers)))] == numbers
