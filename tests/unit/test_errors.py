"""Errors meant for the user."""

import pytest

from lightmannet.errors import CheckpointError, ConfigurationError, DataError, LightmanNetError, faults_message


@pytest.mark.parametrize("kind", [CheckpointError, ConfigurationError, DataError])
def test_one_handler_catches_every_error_raised_on_purpose(kind: type[Exception]) -> None:
    with pytest.raises(LightmanNetError, match="what to do"):
        raise kind("what to do")


def test_a_single_fault_is_counted_in_the_singular() -> None:
    assert faults_message("table.csv", ["row 3: no label"]) == "table.csv: 1 fault\n  - row 3: no label"


def test_faults_are_listed_one_a_line_in_their_order() -> None:
    assert faults_message("table.csv", ["b", "a"]) == "table.csv: 2 faults\n  - b\n  - a"


def test_as_many_faults_as_may_be_shown_are_all_shown() -> None:
    message = faults_message("t", [f"fault {n}" for n in range(20)])
    assert message.count("\n  - ") == 20
    assert "more" not in message


def test_faults_beyond_the_limit_are_counted_only() -> None:
    lines = faults_message("t", [f"fault {n}" for n in range(7)], shown=3).splitlines()
    assert lines == ["t: 7 faults", "  - fault 0", "  - fault 1", "  - fault 2", "  … and 4 more"]
