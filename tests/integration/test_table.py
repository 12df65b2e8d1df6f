"""Tables: runs that survive, and numbers that follow from the predictions on disk."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from lightmannet.cli import main
from lightmannet.report.report import write_report
from lightmannet.table.plan import make_plan
from lightmannet.table.store import read_result

ROOT = Path(__file__).parents[2]
SUPERVISED = ["--trainer.max_epochs=1", "--model.init_args.network.init_args.encoder.init_args.width=8"]
EPISODIC = [
    "--trainer.max_epochs=1",
    "--data.init_args.episodes_per_epoch=2",
    "--data.init_args.n_shot=2",
    "--data.init_args.n_query=2",
    "--data.init_args.evaluation.init_args.draws=1",
    "--model.init_args.network.init_args.encoder.init_args.width=8",
]
BROKEN = ["--trainer.callbacks+=tests.broken.Broken"]


def write_table(folder: Path, **methods: list[str]) -> Path:
    """Write a table over generated clips and return its path; a method's name begins with its configuration's."""
    (folder / "made.yaml").write_text("data: {init_args: {corpus: {class_path: tests.clips.MadeCorpus}}}\n")
    content = {
        "title": "Made",
        "data": "made.yaml",
        "seeds": [0, 1],
        "protocol": {"class_path": "SubjectKFold", "init_args": {"k": 3}},
        "methods": {
            name: {"config": str(ROOT / "configs" / f"{name.split('_')[0]}.yaml"), "options": options}
            for name, options in methods.items()
        },
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def cells(folder: Path) -> dict[str, int]:
    """Return when each result was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("fold-*.json")}


def scores(folder: Path) -> list[dict[str, str]]:
    """Return the table's lines but those of costs: a run that is repeated takes another time."""
    return [row for row in csv.DictReader((folder / "table.csv").open()) if row["column"]]


def run(path: Path, *options: str) -> None:
    main(["table", str(path), f"--results={path.parent}", "--workers=1", *options])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    run(write_table(folder, supervised=SUPERVISED, maml=EPISODIC))
    return folder


def test_every_method_fold_and_seed_has_a_result_with_all_that_made_it(finished: Path) -> None:
    paths = sorted((finished / "small-kfold").rglob("fold-*.json"))
    assert len(paths) == 2 * 3 * 2
    for path in paths:
        result = json.loads(path.read_text())
        assert not set(result["train_subjects"]) & set(result["test_subjects"])
        assert {answer["clip"].rsplit("/", 1)[0] for answer in result["answers"]} == set(result["test_subjects"])
        assert yaml.safe_load(result["config"])["data"]["init_args"]["fold"] == result["fold"]


def test_scores_follow_from_the_predictions_on_disk(finished: Path) -> None:
    table = {
        (row["method"], row["score"]): row for row in csv.DictReader((finished / "small-kfold" / "table.csv").open())
    }
    for method in ("supervised", "maml"):
        scores = []
        for seed in (0, 1):
            paths = list((finished / "small-kfold" / "cells" / method).glob(f"*.seed-{seed}.*"))
            answers = [answer for path in paths for answer in json.loads(path.read_text())["answers"]]
            truth = np.array([answer["label"] for answer in answers])
            guess = np.array([np.argmax(answer["probabilities"]) for answer in answers])
            f1 = [2 * ((truth == c) & (guess == c)).sum() / ((truth == c).sum() + (guess == c).sum()) for c in range(3)]
            scores.append(np.mean(f1))
        assert float(table[method, "uf1"]["mean"]) == pytest.approx(np.mean(scores), abs=1e-5)
        assert float(table[method, "uf1"]["standard_deviation"]) == pytest.approx(np.std(scores, ddof=1), abs=1e-5)


def test_the_table_says_that_clips_are_synthetic_and_what_stands_for_macro_expressions(tmp_path: Path) -> None:
    path = write_table(tmp_path, lightmannet=[*EPISODIC, "--data.init_args.auxiliary=MagnifiedMicro"])
    run(path)
    text = (tmp_path / "small-kfold" / "table.md").read_text()
    assert "**Synthetic** clips" in text
    assert "D^aux of lightmannet: a stand-in: the motion of other training clips, magnified" in text
    assert "mean ± standard deviation over 2 seeds" in text


def test_only_what_is_missing_or_damaged_runs_again(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = cells(finished)
    table = scores(finished / "small-kfold")
    missing, damaged = sorted((finished / "small-kfold").rglob("fold-*.json"))[:2]
    missing.unlink()
    damaged.write_text('{"format": 1, "key"')
    run(finished / "small.yaml")
    assert "12 runs, 10 done before, 2 to go" in capsys.readouterr().out
    after = cells(finished)
    assert set(after) == set(before)
    assert sum(after[name] != before[name] for name in before) == 2
    assert damaged.with_suffix(".damaged").exists()
    assert scores(finished / "small-kfold") == table


def test_a_changed_option_is_another_run(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = yaml.safe_load((finished / "small.yaml").read_text())
    content["seeds"], content["methods"] = [0], {"supervised": content["methods"]["supervised"]}
    content["methods"]["supervised"]["options"].append("--model.init_args.learning_rate=0.002")
    (finished / "other").mkdir()
    (finished / "other" / "made.yaml").write_text((finished / "made.yaml").read_text())
    (finished / "other" / "small.yaml").write_text(yaml.safe_dump(content))
    main(["table", str(finished / "other" / "small.yaml"), f"--results={finished}", "--workers=1"])
    assert "3 runs, 0 done before, 3 to go" in capsys.readouterr().out


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one process, by SIGKILL; what a scheduler does to one is played in ``test_scheduler``."""
    path = write_table(tmp_path, supervised=SUPERVISED)
    script = f"from lightmannet.cli import main; main(['table', {str(path)!r}, '--results={tmp_path}', '--workers=1'])"
    search = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": search}, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not cells(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = cells(tmp_path)
    assert 1 <= len(finished) < 6
    run(path)
    assert f"6 runs, {len(finished)} done before" in capsys.readouterr().out
    after = cells(tmp_path)
    assert len(after) == 6
    assert all(after[name] == written for name, written in finished.items())


def test_a_failed_run_is_a_hole_with_a_log_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED, maml_broken=[*EPISODIC, *BROKEN])
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "seeds": [0]}))
    with pytest.raises(SystemExit) as stop:
        run(path)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "3 of 6 runs failed" in message
    assert "broke on the way" in message
    assert len(cells(tmp_path)) == 3
    assert "| maml_broken | no run has finished |" in (tmp_path / "small-kfold" / "table.md").read_text()
    assert (
        "broke on the way" in (tmp_path / "small-kfold" / "failed" / "maml_broken" / "fold-00.seed-0.log").read_text()
    )


def test_tasks_that_the_data_cannot_fill_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED, maml=[*EPISODIC, "--data.init_args.n_shot=20"])
    with pytest.raises(SystemExit):
        run(path)
    message = capsys.readouterr().err
    assert "small.yaml, method maml, fold 0: Class 0 has" in message
    assert "n_shot: 20 and n_query: 2 need 22" in message
    assert not cells(tmp_path)


def test_seeds_that_are_not_whole_are_left_out_and_counted(finished: Path, tmp_path: Path) -> None:
    plan = make_plan(finished / "small.yaml", None)
    folder = finished / "small-kfold"
    results = [result for cell in plan.cells if (result := read_result(folder, cell)) is not None]
    kept = [result for result in results if (result.cell.method, result.cell.seed, result.cell.fold) != ("maml", 1, 2)]
    text = write_report(plan, kept, tmp_path)
    assert "| maml (1 of 2 seeds)" in text
    assert "| supervised |" in text


def test_fresh_forgets_and_loso_tests_each_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    content = yaml.safe_load(path.read_text())
    content["seeds"] = [0]
    path.write_text(yaml.safe_dump(content))
    few = "{class_path: tests.clips.MadeCorpus, init_args: {subjects: 4, clips: 36}}"
    (tmp_path / "made.yaml").write_text(f"data: {{init_args: {{corpus: {few}}}}}\n")
    for number in range(2):
        run(path, "--protocol=loso", "--fresh=true")
        assert "4 runs, 0 done before, 4 to go" in capsys.readouterr().out, number
    assert len(cells(tmp_path / "small-loso")) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "nowhere.yaml"}, "names nowhere.yaml, but there is no file"),
        ({"methods": {}}, "needs at least one method"),
        ({"seed": [0]}, "does not describe a table"),
        ({"methods": {"a": {"configuration": "x.yaml"}}}, "configuration"),
    ],
)
def test_a_wrong_table_is_refused(
    change: dict[str, object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_table(tmp_path, supervised=SUPERVISED)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(SystemExit) as stop:
        run(path)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path / "nowhere.yaml")
    assert "there is no such table" in capsys.readouterr().err
