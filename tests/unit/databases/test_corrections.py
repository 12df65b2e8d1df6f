from pathlib import Path
from typing import Any

import pytest

from data_modules.annotations import Annotation, Place, Report
from data_modules.databases.corrections import FOLDER, Correction, correct, read_corrections
from data_modules.databases.sheets import Source
from lightmannet.errors import DataError

ENTRY = "- {subject: s1, clip: c1, onset: 10, column: apex, old: 83, new: 16, reason: the owners' newer table}\n"


def annotation(**changes: Any) -> Annotation:
    values: dict[str, Any] = {"onset": 10, "apex": 83, "offset": 20} | changes
    return Annotation("s1", "c1", "micro", source=Source("book.xlsx", row=2), **values)


def correction(**changes: Any) -> Correction:
    values: dict[str, Any] = {"onset": 10, "column": "apex", "old": 83, "new": 16} | changes
    return Correction("s1", "c1", reason="why", **values)


def corrected(annotations: list[Annotation], *corrections: Correction) -> tuple[list[Annotation], list[str]]:
    report = Report()
    result = correct(annotations, list(corrections), report)
    assert report.faults == []
    return result, report.notes


@pytest.mark.parametrize("apex", [83, 83.0, "83"])
def test_the_known_wrong_value_is_replaced_and_noted(apex: Any) -> None:
    (row,), notes = corrected([annotation(apex=apex)], correction())
    assert row.apex == 16
    assert notes == [f"book.xlsx, row 2: apex of s1/c1, onset 10, corrected from {apex!r} to 16: why"]


@pytest.mark.parametrize(("old", "new"), [("/", 16), (None, 16), (83, None)])
def test_values_that_are_no_numbers_are_replaced_too(old: Any, new: Any) -> None:
    (row,), _ = corrected([annotation(apex=old)], correction(old=old, new=new))
    assert row.apex == new


def test_a_number_of_action_units_may_be_text_in_the_correction() -> None:
    (row,), _ = corrected([annotation(action_units=4)], correction(column="action_units", old="4", new="4+7"))
    assert row.action_units == "4+7"


def test_an_unknown_wrong_value_is_replaced_whatever_it_is() -> None:
    (row,), notes = corrected([annotation(apex=41)], correction(old="any"))
    assert row.apex == 16
    assert "corrected from 41 to 16" in notes[0]


def test_a_right_value_is_not_replaced_where_the_wrong_one_is_unknown() -> None:
    (row,), notes = corrected([annotation(apex="16")], correction(old="any"))
    assert row.apex == "16"
    assert "already has the new value 16" in notes[0]


def test_the_annotations_given_stay_as_they_are() -> None:
    given = [annotation()]
    corrected(given, correction())
    assert given[0].apex == 83


@pytest.mark.parametrize("apex", [16, "16"])
def test_an_already_repaired_value_stays_and_is_noted(apex: Any) -> None:
    (row,), notes = corrected([annotation(apex=apex)], correction())
    assert row.apex == apex
    assert "apex of s1/c1, onset 10, already has the new value 16, so its correction no longer applies" in notes[0]


@pytest.mark.parametrize(("apex", "shown"), [(40, "has 40"), ("soon", "has 'soon'"), (None, "has nothing")])
def test_another_value_stays_and_is_noted(apex: Any, shown: str) -> None:
    (row,), notes = corrected([annotation(apex=apex)], correction())
    assert row.apex == apex
    assert f"{shown}, not 83, so its correction no longer applies" in notes[0]


def test_a_frame_that_is_not_numbered_stays() -> None:
    (row,), notes = corrected([annotation(apex=Place.LAST)], correction())
    assert row.apex is Place.LAST
    assert "no longer applies" in notes[0]


@pytest.mark.parametrize(("key", "value"), [("onset", 11), ("clip", "c2"), ("subject", "s2")])
def test_a_correction_of_no_clip_is_noted(key: str, value: Any) -> None:
    values = {"subject": "s1", "clip": "c1", "onset": 10, "column": "apex", "old": 83, "new": 16, "reason": "why"}
    entry = Correction(**values | {key: value})  # type: ignore[arg-type]
    (row,), notes = corrected([annotation()], entry)
    assert row.apex == 83
    assert notes == [
        f"corrections: apex of {entry.subject}/{entry.clip}, onset {entry.onset}, is not corrected: no such clip"
    ]


def test_two_corrections_of_one_clip_both_find_it_by_the_onset_of_the_file() -> None:
    (row,), notes = corrected(
        [annotation()],
        correction(column="onset", old=10, new=12),
        correction(),
        correction(column="offset", old=20, new=30),
    )
    assert (row.onset, row.apex, row.offset) == (12, 16, 30)
    assert len(notes) == 3


def test_a_database_without_a_file_has_no_corrections(tmp_path: Path) -> None:
    assert read_corrections("casme2", tmp_path) == []


def test_corrections_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(ENTRY)
    (entry,) = read_corrections("x", tmp_path)
    assert (entry.clip, entry.column, entry.old, entry.new, entry.reason) == (
        "c1", "apex", 83, 16, "the owners' newer table",
    )  # fmt: skip


def test_an_empty_file_has_no_corrections(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("# nothing known\n")
    assert read_corrections("x", tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "- {subject: s1",
        "just text",
        "7",
        "a: b",
        "- 7",
        "- [1, 2]",
        "- {1: 2}",
        "- {subject: s1, clip: c1}",
        ENTRY.replace("reason", "because"),
        "9" * 5000,
        "\0",
    ],
)
def test_a_file_that_is_no_list_of_corrections_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(
        DataError, match=r"x.yaml: not a list of corrections \((?s:.)*\); see corrections.py for the keys"
    ):
        read_corrections("x", tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match=r"x.yaml: not a list of corrections"):
        read_corrections("x", tmp_path)


@pytest.mark.parametrize("column", ["fps", "[apex]"])
def test_an_unknown_column_is_named(tmp_path: Path, column: str) -> None:
    (tmp_path / "x.yaml").write_text(ENTRY.replace("column: apex", f"column: {column}"))
    with pytest.raises(DataError, match=r"x.yaml: column .* is unknown; one of onset, apex, offset"):
        read_corrections("x", tmp_path)


@pytest.mark.parametrize(("old", "new"), [("onset: 10", "onset: ten"), ("subject: s1", "subject: 1")])
def test_a_key_of_the_wrong_type_is_named(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "x.yaml").write_text(ENTRY.replace(old, new))
    with pytest.raises(
        DataError, match=r"x.yaml: .* text for subject and clip and a whole number for onset are expected"
    ):
        read_corrections("x", tmp_path)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_the_package_are_sound(path: Path) -> None:
    entries = read_corrections(path.stem)
    assert entries
    assert len({(c.subject, c.clip, c.onset, c.column) for c in entries}) == len(entries)
    for entry in entries:
        assert entry.old != entry.new
        assert entry.reason
