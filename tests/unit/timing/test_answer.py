"""The command that times answers."""

import re

import pytest

from lightmannet.cli import main


def rows(printed: str, *beginnings: str) -> list[list[str]]:
    """Return the cells of the table rows that begin so."""
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if "│" in line]
    return [next(row for row in cells if row[0] == beginning) for beginning in beginnings]


def test_each_way_to_an_answer_is_split_by_stage_and_has_its_ratio(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["bench-answer", "--answers=1", "--frames=34", "--size=64", "--fresh=0"])
    printed = capsys.readouterr().out
    found, given, adapted = rows(printed, "interval found", "interval given", "interval found, adapted to a person")
    for row in (found, given, adapted):
        *stages, whole = map(int, row[1:8])
        assert 0 < sum(stages) <= whole + len(stages)
        assert re.fullmatch(r"\d+\.\d\d \(\d+\.\d\d – \d+\.\d\d\)", row[8])
    assert int(found[3]) > int(given[3]) == 0
    assert (found[9] != "", given[9]) == (True, "")
    assert re.search(r"adapting to a person: \d+\.\d\d s for 4 labelled clips", printed)


@pytest.mark.slow
def test_the_first_answer_is_that_of_a_fresh_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["bench-answer", "--answers=1", "--frames=34", "--size=64", "--fresh=1"])
    printed = capsys.readouterr().out.split("a fresh process")[1]
    (cells,) = [[cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if "│" in line]
    start, *stages, whole = map(int, cells[:8])
    assert start > sum(stages)  # loading torch and Lightning
    assert abs(start + sum(stages) - whole) <= len(stages) + 1
    assert re.fullmatch(r"\d+\.\d\d \(\d+\.\d\d – \d+\.\d\d\)", cells[7])
