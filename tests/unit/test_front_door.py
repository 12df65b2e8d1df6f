"""``import lightmannet as lm``: what is there without waiting for torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import lightmannet as lm
from lightmannet.errors import ConfigurationError

SCRIPT = """
import sys
sys.path[:0] = ["src", "."]
import lightmannet as lm
lm.methods(), lm.datasets()
print(*sys.modules)
"""


def test_nothing_heavy_is_imported_to_list_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert not {"torch", "numpy", "lightning", "yaml", "pandas"} & set(done.stdout.split())


def test_methods_and_corpora_have_a_sentence_each() -> None:
    assert lm.methods()["supervised"].startswith("Supervised Conv4")
    assert "casme2" in lm.datasets()
    assert all({**lm.methods(), **lm.datasets()}.values())
    assert set(lm.__all__) == set(dir(lm))


def test_a_table_s_answers_are_a_frame(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    for seed in (0, 1):
        answers = [{"clip": "smic/s1/a", "label": 1, "probabilities": [0.2, 0.7, 0.1], "episode": None}]
        run = {"format": 2, "method": "MAML", "condition": "", "fold": 0, "seed": seed, "answers": answers}
        (tmp_path / "cells" / "MAML").mkdir(parents=True, exist_ok=True)
        (tmp_path / "cells" / "MAML" / f"{seed}.json").write_text(json.dumps(run))
    frame = lm.results(tmp_path)
    assert frame.columns.tolist() == [
        *("method", "condition", "fold", "seed", "clip", "subject", "label", "prediction"),
        *(f"probability_{number}" for number in range(3)),
    ]
    assert frame["subject"].tolist() == ["smic/s1"] * 2
    assert (frame["label"] == frame["prediction"]).mean() == 1
    assert frame.groupby("seed").size().tolist() == [1, 1]


def test_the_predictions_of_a_run_are_a_frame(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "predictions.csv").write_text("clip,subject,label,prediction,probability_0\na/b/c,a/b,0,0,1.0\n")
    assert lm.results(tmp_path)["clip"].tolist() == ["a/b/c"]


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(ConfigurationError, match=r"there are no results \(cells/ or predictions\.csv\)"):
        lm.results(tmp_path)
