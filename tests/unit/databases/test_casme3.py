import os
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from data_modules.annotations import Kind, Report
from data_modules.databases.casme3 import CASME3
from lightmannet.errors import DataError
from tests.archives.casme3 import BOTH, MACRO, MACRO_ROWS, MICRO, REPAIRED, ROWS, WRONG, write_casme3, write_v2
from tests.archives.writing import set_cell
from tests.unit.databases.reader_promises import ReaderPromises

OFFICIAL = os.environ.get("CASME3_ANNOTATIONS", "")
MICROS = len(ROWS) + len(WRONG)


class TestCASME3(ReaderPromises):
    reader = CASME3
    write = staticmethod(write_casme3)
    clips = MICROS + len(MACRO_ROWS)
    workbook: ClassVar[str] = MICRO
    sheet = "label"
    cells: ClassVar[dict[str, str]] = {"header": "C1", "onset": "C2", "emotion": "H2"}

    def test_a_row_is_read_as_written(self, root: Path) -> None:
        row = self.table(root).rows[0]
        assert (row.clip_id, row.onset, row.apex, row.offset) == ("casme3/spNO.1/a_355", 355, 359, 360)
        assert (row.kind, row.fps, row.emotion, row.action_units_raw) == ("micro", 30, "others", "5")
        assert row.objective_class == 2
        assert row.numbers == tuple(range(355, 361))

    @pytest.mark.parametrize("tree", ["part_A_split", "clips"])
    def test_each_tree_is_read(self, root: Path, tree: str) -> None:
        rows = self.table(root, tree=tree).rows
        assert len(rows) == self.clips
        assert rows[1].numbers == tuple(range(363, 369))

    def test_expressions_of_one_video_share_its_folder_and_differ_in_name(self, root: Path) -> None:
        rows = self.table(root).rows[:2]
        assert [row.clip for row in rows] == ["a_355", "a_363"]
        assert rows[0].path == rows[1].path

    @pytest.mark.parametrize("tree", ["part_A_split", "clips"])
    def test_the_known_errors_are_repaired_and_noted(self, root: Path, tree: str) -> None:
        table = self.table(root, tree=tree)
        found = {f"{row.subject}/{row.clip}": (row.onset, row.apex, row.offset) for row in table.rows}
        assert {name: found[name] for name in REPAIRED} == REPAIRED
        assert sum("corrected from" in note for note in table.notes) == 8

    def test_an_error_that_is_already_repaired_is_left_alone(self, root: Path) -> None:
        row = 2 + len(ROWS) + WRONG.index(("spNO.149", "d", "112", "83", "358", "T28+14", "VII", "fear"))
        set_cell(root / MICRO, "label", f"D{row}", "123")
        table = self.table(root)
        assert next(row.apex for row in table.rows if row.clip == "d_112") == 123
        assert any("has '123', not 83, so its correction no longer applies" in note for note in table.notes)

    def test_a_capital_letter_names_the_same_video(self, root: Path) -> None:
        clips = [row.clip for row in self.table(root).rows if row.subject == "spNO.14"]
        assert "j_1012" in clips
        assert "j_30" in clips

    def test_subjects_may_be_spelled_in_several_ways(self, root: Path) -> None:
        set_cell(root / MICRO, "label", "A2", "spNo.1")
        set_cell(root / MICRO, "label", "A3", 1)
        assert [row.subject for row in self.table(root).rows[:3]] == ["spNO.1"] * 3

    def test_missing_frames_within_a_clip_are_tolerated_and_counted(self, root: Path) -> None:
        (root / "part_A/data/part_A_split/part_A/spNO.1/b/color/169.jpg").unlink()
        table = self.table(root)
        row = next(row for row in table.rows if row.clip == "b_166")
        assert row.numbers == (166, 167, 168, 170, 171)
        assert any("spNO.1/b_166: 1 of 6 frames are missing" in note for note in table.notes)

    @pytest.mark.parametrize("macro", ["Subject", "sub"])
    def test_macro_emotions_are_read_under_both_headers(self, tmp_path: Path, macro: str) -> None:
        write_casme3(tmp_path, macro)  # type: ignore[arg-type]
        rows = [row for row in self.table(tmp_path).rows if row.kind == "macro"]
        assert [row.emotion for row in rows] == [row[7] for row in MACRO_ROWS]

    def test_without_macro_emotions_the_workbook_of_both_kinds_gives_objective_classes(self, tmp_path: Path) -> None:
        write_casme3(tmp_path, "v2")
        rows = [row for row in self.table(tmp_path).rows if row.kind == "macro"]
        assert len(rows) == len(MACRO_ROWS)
        assert {row.emotion for row in rows} == {None}
        assert [row.objective_class for row in rows[:3]] == [7, 7, 1]
        assert [(unit.number, unit.side) for unit in rows[1].action_units] == [(18, "R")]  # written r18

    def test_without_any_macro_workbook_micro_expressions_are_read_and_it_is_noted(self, root: Path) -> None:
        (root / MACRO).unlink()
        table = self.table(root)
        assert {row.kind for row in table.rows} == {"micro"}
        assert any("so macro-expressions are not read" in note for note in table.notes)
        with pytest.raises(DataError, match=r"annotation of macro-expressions is missing: .*_MaE_.* or .*v2\.xls"):
            self.table(root, kinds="macro")

    @pytest.mark.parametrize(("kinds", "count"), [("micro", MICROS), ("macro", len(MACRO_ROWS))])
    def test_one_kind_can_be_read_alone(self, root: Path, kinds: str, count: int) -> None:
        assert [row.kind for row in self.table(root, kinds=kinds).rows] == [kinds] * count

    def test_a_missing_package_is_named_with_what_does_without_it(self, root: Path) -> None:
        (root / "Part_A_MaE_clip").rename(root / "elsewhere")
        with pytest.raises(DataError, match=r"package of macro-expressions \(.*`kinds`\) is missing: Part_A_MaE_clip"):
            self.table(root, tree="clips")

    def test_a_missing_folder_is_named(self, root: Path) -> None:
        (root / "part_A/data/part_A_split/part_A/spNO.1/b").rename(root / "elsewhere")
        with pytest.raises(DataError, match=r"folder of frames is missing: spNO\.1/b/color is expected in .*part_A"):
            self.table(root)

    def test_a_workbook_without_its_sheet_is_refused(self, root: Path) -> None:
        (root / MACRO).rename(root / MICRO)
        with pytest.raises(DataError, match=r"a sheet 'label' is expected, 'Sheet1' found"):
            self.table(root)

    def test_an_unknown_type_in_the_workbook_of_both_kinds_is_a_fault(self, tmp_path: Path) -> None:
        write_casme3(tmp_path, "v2")
        write_v2(tmp_path / BOTH, types=("Macro-expression", "blink"))
        with pytest.raises(DataError, match=r"sheet 'AU\+Emotion', row 13: type 'blink' is unknown; Macro- or Micro-"):
            self.table(tmp_path)

    @pytest.mark.parametrize(
        ("cell", "value", "message"),
        [
            ("E2", "354", r"row 2: offset 354 is before onset 355"),
            ("G2", "X", r"row 2: objective class 'X' is unknown"),
            ("C3", "355", r"row 3: clip spNO.1/a_355 is already defined in .*row 2"),
            ("A2", "../..", r"row 2: '../..' is not a valid name"),
        ],
    )
    def test_a_bad_cell_is_a_fault_that_names_file_sheet_and_row(
        self, root: Path, cell: str, value: object, message: str
    ) -> None:
        set_cell(root / MICRO, "label", cell, value)
        with pytest.raises(DataError, match=message):
            self.table(root)


@pytest.mark.skipif(not OFFICIAL, reason="CASME3_ANNOTATIONS does not name the folder of the two official workbooks")
def test_the_official_workbooks_read_as_their_authors_count_them() -> None:
    report = Report()
    expressions = CASME3(OFFICIAL).expressions(report)
    assert report.faults == []
    kinds: dict[Kind, list[int]] = {"micro": [], "macro": []}
    for index, expression in enumerate(expressions):
        kinds[expression.annotation.kind].append(index)
    micro, macro = ([expressions[index] for index in kinds[kind]] for kind in ("micro", "macro"))
    assert (len(micro), len({e.annotation.subject for e in micro})) == (860, 94)
    assert (len(macro), len({e.annotation.subject for e in macro})) == (3346, 98)
    assert len({(e.annotation.subject, e.annotation.clip) for e in expressions}) == 4206
    assert Counter(str(e.emotion).lower() for e in micro) == CASME3.description.expected["micro"].emotions
    assert Counter(e.objective_class for e in micro) == {7: 373, 3: 234, 2: 151, 5: 47, 4: 37, 1: 15, 6: 3}
    assert Counter(e.objective_class for e in macro) == {7: 2283, 3: 495, 2: 244, 1: 182, 5: 78, 4: 40, 6: 24}
    assert {e.emotion for e in macro} == {None}
    found = {f"{e.annotation.subject}/{e.annotation.clip}": e for e in expressions}
    assert [note for note in report.notes if note.startswith("corrections")] == []
    assert sum("corrected from" in note for note in report.notes) == 8
    for name, (onset, apex, offset) in REPAIRED.items():
        assert (found[name].onset, found[name].offset) == (onset, offset), name
        if apex is not None:  # otherwise the apex lies at the onset, and counts as missing
            assert found[name].apex == apex
    for expression in expressions:
        assert isinstance(expression.onset, int)
        assert isinstance(expression.offset, int)
        assert 0 < expression.onset < expression.offset
