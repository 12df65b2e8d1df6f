"""A file of answers: what a killed run left is used, and nothing is answered twice."""

import csv
import json
from pathlib import Path

import pytest

from lightmannet.commands.answer_file import AnswerFile
from lightmannet.errors import ConfigurationError
from tests.examinations import examination

ANSWER = examination().answer
CLASSES = ANSWER.classes


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_new_run_goes_on_after_the_last_whole_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / name
    file = AnswerFile(path, "bundle", CLASSES)
    file.add("a.mp4", ANSWER, "", "a")
    file.add("b.mp4", None, "b.mp4: cannot be read", "b")
    whole = path.read_bytes()
    path.write_bytes(whole + b"half a li")
    again = AnswerFile(path, "bundle", CLASSES)
    assert again.finished == {"a"}  # what failed is tried again
    assert path.read_bytes() == whole


def test_csv_has_a_column_per_class_and_says_what_the_model_is_worth(tmp_path: Path) -> None:
    AnswerFile(tmp_path / "out.csv", "bundle", CLASSES).add("a.mp4", ANSWER, "", "a")
    (row,) = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))
    assert (row["clip"], row["decision"], row["onset"], row["apex"]) == ("a.mp4", "positive", "10", "40")
    assert float(row["probability_positive"]) == pytest.approx(0.7)
    assert row["learned_from"] == ANSWER.learned_from
    assert row["score"] == ANSWER.score
    assert "The face is dark" in row["warnings"]


def test_json_says_what_the_model_is_worth(tmp_path: Path) -> None:
    AnswerFile(tmp_path / "out.jsonl", "bundle", CLASSES).add("a.mp4", ANSWER, "", "a")
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert (line["learned_from"], line["score"], line["key"]) == (ANSWER.learned_from, ANSWER.score, "a")


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_other_content_is_kept_and_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a diary\n")
    with pytest.raises(ConfigurationError, match="contains something other than answers; use another file"):
        AnswerFile(path, "bundle", CLASSES)
    assert path.read_text() == "a diary\n"
    path.unlink()
    AnswerFile(path, "bundle", CLASSES).add("a.mp4", ANSWER, "", "a")
    with pytest.raises(ConfigurationError, match="contains answers of another bundle or another --support"):
        AnswerFile(path, "other", CLASSES)
