"""The table of action units: real frequencies, and clear errors for a damaged one."""

from pathlib import Path

import pytest

from data_modules.synthetic.action_units import TABLE, read_action_units
from lightmannet.errors import DataError


def test_the_table_has_seven_emotions_and_23_units_with_frequencies_between_0_and_1() -> None:
    table = read_action_units()
    assert table.emotions == ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    assert len(table.units) == 23
    assert table.frequencies.shape == (7, 23)
    assert table.frequencies.min() >= 0
    assert table.frequencies.max() <= 1
    assert table.sequences.tolist() == [45, 18, 59, 25, 69, 28, 83]


@pytest.mark.parametrize(
    ("emotion", "unit", "showing", "sequences"),
    [
        ("happy", 12, 67, 69),
        ("happy", 6, 66, 69),
        ("surprise", 27, 72, 83),
        ("surprise", 2, 81, 83),
        ("anger", 4, 40, 45),
        ("disgust", 9, 58, 59),
        ("fear", 20, 25, 25),
        ("sadness", 15, 23, 28),
        ("contempt", 14, 17, 18),
        ("happy", 4, 0, 69),
    ],
)
def test_frequencies_are_those_counted_in_ck_plus(emotion: str, unit: int, showing: int, sequences: int) -> None:
    assert read_action_units().frequency(emotion, unit) == round(showing / sequences, 4)


def test_every_frequency_is_a_whole_number_of_sequences() -> None:
    table = read_action_units()
    counts = table.frequencies * table.sequences[:, None]
    assert abs(counts - counts.round()).max() < 0.005


def test_the_table_names_its_source_and_licence() -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert "NetFACS" in text
    assert "Apache-2.0" in text


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: not found"):
        read_action_units(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    "text", ["", "emotion,AU1\nanger,0.5\n", "emotion,sequences,AU1\n", "emotion,sequences,x\na,1,0\n"]
)
def test_a_file_that_is_no_table_says_what_header_was_expected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"table\.csv: expected a header 'emotion,sequences,AU1"):
        read_action_units(path)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("anger,45", "line 3: expected 3 cells, found 2"),
        ("anger,many,0.5", "line 3: expected a number of sequences, found 'many'"),
        ("anger,45,1.5", r"line 3: expected frequencies in \[0, 1\], found '1.5'"),
        ("anger,45,nan", r"line 3: expected frequencies in \[0, 1\], found 'nan'"),
        ("anger,45,often", r"line 3: expected frequencies in \[0, 1\], found 'often'"),
    ],
)
def test_a_damaged_row_is_named_with_what_was_expected(tmp_path: Path, row: str, fault: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"# comment\nemotion,sequences,AU1\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        read_action_units(path)
