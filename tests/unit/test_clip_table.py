import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.annotations import (
    Annotation,
    ParsedAnnotation,
    Place,
    Report,
    has_no_apex,
    parse_annotations,
    whole_number,
)
from data_modules.clip_table import ClipRow, clip_row
from data_modules.databases.sheets import Source, Unreadable

BASE = Annotation("sub01", "EP01", "micro", 10, 15, 20, Source("book.xlsx", "Sheet1", 2), emotion="happiness")
MERGED = Unreadable("a cell merged with others, so split the merged cells")


class Frames:
    """Frames that are nothing but their numbers."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def read(self, numbers: object, color: object) -> Any:
        raise AssertionError("placing reads no pixels")

    def fingerprint(self, numbers: object = None) -> str:
        raise AssertionError("placing reads no files")


def read(**changes: Any) -> tuple[list[ParsedAnnotation], Report]:
    report = Report()
    return parse_annotations([dataclasses.replace(BASE, **changes)], 200, ("happiness", "others"), report), report


def placed(frames: Frames, first_number: int = 0, **changes: Any) -> tuple[ClipRow | None, Report]:
    (expression,), report = read(**changes)
    return clip_row(expression, "casme2", "casme2", Path("root"), Path("EP01"), frames, report, first_number), report


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (46, 46),
        (46.0, 46),
        ("46", 46),
        (" 46 ", 46),
        ("46.0", 46),
        ("-1", -1),
        (0, 0),
        (46.5, None),
        ("46.5", None),
        ("", None),
        ("soon", None),
        ("006_1_2", None),
        ("1_2", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("1e999", None),
        (10**400, None),
        (datetime.date(2014, 5, 8), None),
        (MERGED, None),
        (Place.FIRST, None),
    ],
)
def test_whole_numbers_are_read_from_numbers_and_text(cell: Any, number: int | None) -> None:
    assert whole_number(cell) == number


@pytest.mark.parametrize("cell", [None, "", "/", " / ", "-", "nan", "None", "n/a", 0, "0", -1, "-1", -1.0, "-7"])
def test_these_cells_say_that_there_is_no_apex(cell: Any) -> None:
    assert has_no_apex(cell)


@pytest.mark.parametrize("cell", [1, "1", "soon", 4.5, MERGED, Place.LAST])
def test_these_cells_do_not(cell: Any) -> None:
    assert not has_no_apex(cell)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset": "soon"}, "onset of clip sub01/EP01: a frame number is expected, 'soon' found"),
        ({"onset": None}, "onset of clip sub01/EP01: a frame number is expected, nothing found"),
        ({"onset": -3}, "onset of clip sub01/EP01: a frame number is expected, -3 found"),
        ({"onset": MERGED}, "a frame number is expected, a cell merged with others"),
        ({"offset": 20.5}, "offset of clip sub01/EP01: a frame number is expected, 20.5 found"),
        ({"offset": 9}, "offset 9 is before onset 10; correct the row"),
        ({"offset": 0}, "offset 0 is before onset 10"),
        ({"apex": "soon"}, "apex of clip sub01/EP01: a frame number is expected, 'soon' found"),
        ({"fps": "fast"}, "frame rate: a number of frames per second is expected, 'fast' found"),
        ({"fps": 0}, "frame rate: a number of frames per second is expected, 0 found"),
        ({"fps": float("nan")}, "frame rate: a number of frames per second is expected, nan found"),
        ({"fps": MERGED}, "frame rate: a number of frames per second is expected, a cell merged"),
        ({"emotion": "bored"}, "emotion 'bored' is unknown; one of happiness, others is expected"),
        ({"emotion": MERGED}, "emotion a cell merged with others"),
        ({"action_units": MERGED}, "action units: text or a whole number is expected, a cell merged"),
        ({"action_units": 4.7}, "action units: text or a whole number is expected, 4.7 found"),
        ({"action_units": datetime.date(2024, 7, 4)}, "action units: text or a whole number is expected, datetime"),
        ({"objective_class": "VIII"}, "objective class 'VIII' is unknown; 1 to 7 or I to VII"),
        ({"objective_class": 0}, "objective class 0 is unknown"),
        ({"subject": ""}, "'' is not a valid name"),
        ({"clip": ".."}, "'..' is not a valid name"),
        ({"clip": "a/b"}, "'a/b' is not a valid name"),
        ({"clip": "a\\b"}, "is not a valid name"),
        ({"clip": "a\0b"}, "is not a valid name"),
        ({"clip": "\ud800"}, "is not a valid name"),
    ],
)
def test_a_cell_that_makes_no_sense_is_a_fault_with_its_row(changes: dict[str, Any], message: str) -> None:
    expressions, report = read(**changes)
    assert expressions == []
    assert report.faults[0].startswith("book.xlsx, sheet 'Sheet1', row 2: ")
    assert message in report.faults[0]


def test_all_faults_of_a_row_are_reported_together() -> None:
    _, report = read(onset="soon", emotion="bored", objective_class=8)
    assert [fault.split(": ", 1)[1].split()[0] for fault in report.faults] == ["onset", "emotion", "objective"]


def test_the_second_of_two_equal_clips_is_a_fault_that_names_the_first() -> None:
    report = Report()
    second = dataclasses.replace(BASE, source=Source("book.xlsx", "Sheet1", 9))
    assert len(parse_annotations([BASE, second], 200, ("happiness",), report)) == 1
    assert report.faults == [
        "book.xlsx, sheet 'Sheet1', row 9: clip sub01/EP01 is already defined in book.xlsx, sheet 'Sheet1', row 2; "
        "remove one of the two rows"
    ]


@pytest.mark.parametrize(("fps", "expected"), [(None, 200.0), (500, 500.0), ("300", 300.0), (29.97, 29.97)])
def test_a_blank_frame_rate_is_that_of_the_database(fps: Any, expected: float) -> None:
    (expression,), _ = read(fps=fps)
    assert expression.fps == expected


@pytest.mark.parametrize(("cell", "number"), [("VII", 7), ("I", 1), (3, 3), ("3", 3), (3.0, 3), (None, None)])
def test_objective_classes_are_numbers_or_roman(cell: Any, number: int | None) -> None:
    (expression,), _ = read(objective_class=cell)
    assert expression.objective_class == number


def test_emotions_are_known_in_any_case_and_kept_as_written() -> None:
    (expression,), _ = read(emotion="Others")
    assert expression.emotion == "Others"


@pytest.mark.parametrize(("cell", "raw"), [(12, "12"), (12.0, "12"), ("4+7 ", "4+7"), (None, "")])
def test_action_units_are_kept_as_written(cell: Any, raw: str) -> None:
    (expression,), _ = read(action_units=cell)
    assert expression.action_units_raw == raw


@pytest.mark.parametrize(
    ("apex", "note"), [("/", "apex '/' is treated as no apex"), (0, "apex 0 is treated"), (-1, "-1")]
)
def test_a_missing_apex_is_tolerated_and_noted(apex: Any, note: str) -> None:
    row, report = placed(Frames(*range(10, 21)), apex=apex)
    assert row is not None
    assert row.apex is None
    assert note in report.notes[0]


def test_a_blank_apex_needs_no_note() -> None:
    row, report = placed(Frames(*range(10, 21)), apex=None)
    assert row is not None
    assert row.apex is None
    assert report.notes == []


@pytest.mark.parametrize("apex", [1, 9, 10, 21, 500])
def test_an_apex_outside_the_movement_counts_as_missing_and_is_noted(apex: int) -> None:
    row, report = placed(Frames(*range(10, 21)), apex=apex)
    assert row is not None
    assert row.apex is None
    assert f"apex {apex} is not between onset 10 and offset 20, so it is treated as no apex" in report.notes[0]


def test_an_apex_outside_is_noticed_also_where_the_clip_is_the_whole_folder() -> None:
    row, report = placed(Frames(5, 6, 7), onset=Place.FIRST, apex=30, offset=Place.LAST)
    assert row is not None
    assert row.apex is None
    assert "apex 30 is not between onset 5 and offset 7" in report.notes[0]


def test_an_apex_outside_a_single_frame_counts_as_missing() -> None:
    row, _ = placed(Frames(10), onset=10, apex=15, offset=10)
    assert row is not None
    assert row.apex is None


def test_a_single_image_is_onset_apex_and_offset() -> None:
    row, report = placed(Frames(3), onset=Place.FIRST, apex=Place.LAST, offset=Place.LAST)
    assert row is not None
    assert (row.onset, row.apex, row.offset, row.numbers) == (3, 3, 3, (3,))
    assert report.notes == []


def test_a_place_becomes_the_number_of_the_first_or_last_frame() -> None:
    row, _ = placed(Frames(*range(5, 40)), onset=Place.FIRST, apex=20, offset=Place.LAST)
    assert row is not None
    assert (row.onset, row.apex, row.offset) == (5, 20, 39)


def test_the_frames_of_a_clip_end_at_its_offset() -> None:
    row, _ = placed(Frames(*range(100)), first_number=1)
    assert row is not None
    assert row.numbers == tuple(range(10, 21))
    assert row.first_number == 1


def test_a_missing_number_is_tolerated_and_counted() -> None:
    row, report = placed(Frames(10, 11, 14, 20))
    assert row is not None
    assert row.numbers == (10, 11, 14, 20)
    assert "clip sub01/EP01: 7 of 11 frames are missing" in report.notes[0]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (range(10, 20), "clip sub01/EP01 spans frames 10 to 20, but EP01 has 10 to 19; restore the frames"),
        (range(11, 21), "clip sub01/EP01 spans frames 10 to 20, but EP01 has 11 to 20"),
        ((1, 30), "EP01 has no frame from 10 to 20; restore the frames"),
    ],
)
def test_frames_that_are_not_there_are_a_fault(numbers: Any, message: str) -> None:
    row, report = placed(Frames(*numbers))
    assert row is None
    assert message in report.faults[0]


def test_an_offset_before_the_first_frame_there_is_a_fault() -> None:
    row, report = placed(Frames(*range(30, 40)), onset=Place.FIRST)
    assert row is None
    assert "has no frame from 30 to 20" in report.faults[0]


def test_ids_name_database_person_and_clip() -> None:
    (expression,), report = read()
    row = clip_row(expression, "samm_lv", "samm", Path("root"), Path("x"), Frames(*range(10, 21)), report)
    assert row is not None
    assert (row.subject_id, row.clip_id) == ("samm/sub01", "samm_lv/sub01/EP01")


def test_a_source_says_file_sheet_and_row_where_it_has_them() -> None:
    assert str(Source("a.csv", row=3)) == "a.csv, row 3"
    assert str(Source("S005_001.txt")) == "S005_001.txt"


CELLS = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=8), st.booleans(), st.dates(), st.just(MERGED)
)


@given(st.fixed_dictionaries({
    "subject": st.just("s") | st.text(max_size=8),
    "clip": st.just("c") | st.text(max_size=8),
    "onset": CELLS | st.sampled_from(Place) | st.integers(0, 20),
    "apex": CELLS | st.sampled_from(Place),
    "offset": CELLS | st.sampled_from(Place) | st.integers(0, 20),
    "fps": st.none() | CELLS,
    "emotion": st.none() | CELLS,
    "action_units": CELLS,
    "objective_class": CELLS,
}))  # fmt: skip
def test_any_cells_give_a_sound_row_or_a_fault(cells: dict[str, Any]) -> None:
    report = Report()
    for expression in parse_annotations(
        [Annotation(kind="micro", source=Source("x"), **cells)], 200, ("others",), report
    ):
        row = clip_row(expression, "casme2", "casme2", Path("root"), Path("x"), Frames(*range(21)), report)
        if row is not None:
            assert 0 <= row.onset <= row.numbers[0] <= row.numbers[-1] <= row.offset <= 20
            assert row.apex is None or row.onset <= row.apex <= row.offset
            return
    assert report.faults
