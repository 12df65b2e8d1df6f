"""Each sweep starts as an agent of W&B starts it, and runs here without an account."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
import wandb
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from lightmannet.cli import main
from lightmannet.lightning_cli import Lightning
from lightmannet.sweep.search import read_sweep
from tests.integration.test_privacy import FakeRun, of

CONFIGS = Path(__file__).parents[2] / "configs"
SWEEPS = sorted((CONFIGS / "sweeps").glob("*.yaml"))


def number(**more: Any) -> dict[str, Any]:
    return {"type": "number", **more}


def one_of(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


# What W&B accepts (its published schema, draft 7), as far as these files use it; anything else is refused. W&B's own is
# sweeps/config/schema.json in its package "sweeps", which needs an older NumPy; WANDB_SWEEPS_SCHEMA may name it.
SCHEMA = one_of(
    ["method", "program", "metric", "command", "parameters"],
    program={"type": "string"},
    project={"type": "string"},
    method={"enum": ["bayes", "random", "grid"]},
    run_cap={"type": "integer", "exclusiveMinimum": 0},
    metric=one_of(["name"], name={"type": "string"}, goal={"enum": ["minimize", "maximize"]}),
    command={"type": "array"},
    parameters={
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$"},
        "additionalProperties": {
            "anyOf": [
                one_of(["value"], value={}),
                one_of(["values"], values={"type": "array", "minItems": 1}),
                one_of(
                    ["min", "max", "distribution"],
                    min={"type": "integer"},
                    max={"type": "integer"},
                    distribution={"const": "int_uniform"},
                ),
                one_of(["min", "max", "distribution"], min=number(), max=number(), distribution={"const": "uniform"}),
                one_of(
                    ["min", "max", "distribution"],
                    min=number(),
                    max=number(),
                    q=number(exclusiveMinimum=0),
                    distribution={"const": "q_uniform"},
                ),
                one_of(
                    ["min", "max", "distribution"],
                    min=number(exclusiveMinimum=0),
                    max=number(),
                    distribution={"const": "log_uniform_values"},
                ),
            ]
        },
    },
)


def drawn(options: dict[str, Any], generator: torch.Generator) -> Any:
    """Return a value as a server of W&B would draw it."""
    if "value" in options:
        return options["value"]
    share = float(torch.rand((), generator=generator))
    if "values" in options:
        return options["values"][int(share * len(options["values"]))]
    low, high = options["min"], options["max"]
    if options["distribution"] == "log_uniform_values":
        return low * (high / low) ** share
    if options["distribution"] == "int_uniform":
        return low + int(share * (high - low + 1))
    value = low + share * (high - low)
    return round(value / options["q"]) * options["q"] if "q" in options else value


def command(content: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """Return the command that an agent of W&B starts with these values."""
    filled = create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}})
    parts = {"${env}": ["/usr/bin/env"], **{f"${{{name}}}": words for name, words in filled.items()}}
    return [word for chunk in create_sweep_command(content["command"]) for word in parts.get(chunk, [chunk])]


def small(path: Path) -> list[str]:
    """Return options that make a run of two updates on a few made clips, with validation at its end."""
    tasks = ["n_shot=2", "n_query=2", "evaluation.init_args.draws=1", "episodes_per_epoch=8"]
    episodic = [*(f"--data.init_args.{option}" for option in tasks), "--model.init_args.warm_start.epochs=0"]
    return [
        "--data.init_args.corpus=tests.clips.MadeCorpus",
        *(["--trainer.max_epochs=2"] if path.stem == "supervised" else ["--trainer.max_epochs=1", *episodic]),
        "--trainer.accelerator=cpu",
        "--trainer.enable_model_summary=false",
    ]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_each_file_is_what_w_and_b_accepts_and_chooses_on_people_set_aside(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    jsonschema.validate(content, SCHEMA)
    if given := os.environ.get("WANDB_SWEEPS_SCHEMA"):
        jsonschema.validate(content, json.loads(Path(given).read_text()))
    assert content["metric"]["name"] == "val/uf1"
    (config,) = (word for word in content["command"] if word.startswith("--config=configs/") and "logger" not in word)
    path_of_method = CONFIGS.parent / config.removeprefix("--config=")
    assert Lightning([f"--config={path_of_method}"], run=False).datamodule.validation_fraction > 0
    assert "data.init_args.validation_fraction" not in content["parameters"]


def test_methods_of_drawing_and_of_learning_are_there() -> None:
    contents = [yaml.safe_load(path.read_text()) for path in SWEEPS]
    assert {content["method"] for content in contents} == {"bayes", "random", "grid"}
    started = {word for content in contents for word in content["command"]}
    assert {f"--config=configs/{name}.yaml" for name in ("lightmannet", "maml", "supervised", "proto_net")} <= started


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_an_agents_command_starts_and_its_score_is_sent(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[FakeRun] = []

    def init(**options: Any) -> FakeRun:
        runs.append(FakeRun())
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "login", lambda prompt: True)
    monkeypatch.chdir(CONFIGS.parent)
    content = yaml.safe_load(path.read_text())
    generator = torch.Generator().manual_seed(len(path.stem))
    values = {name: drawn(options, generator) for name, options in content["parameters"].items()}
    words = command(content, values)
    assert words[:3] == ["/usr/bin/env", "lightning", "fit"]
    here = [
        f"--trainer.logger.init_args.save_dir={tmp_path}",
        "--trainer.logger.init_args.offline=true",
    ]
    main([*words[2:], *small(path), *here])
    (run,) = runs
    scores = [scalars["val/uf1"] for scalars in of(run, "log") if "val/uf1" in scalars]
    assert scores
    assert 0 <= scores[-1] <= 1


def run(path: Path, folder: Path, *more: str) -> None:
    words = ",".join(small(path))
    main(["sweep", str(path), f"--results={folder}", f"--options=[{words}]", *more])


def trials(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def without_time(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CONFIGS.parent)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["maml", "supervised"])
def test_a_sweep_goes_on_as_if_it_had_not_stopped(name: str, tmp_path: Path) -> None:
    path = CONFIGS / "sweeps" / f"{name}.yaml"
    run(path, tmp_path / "whole", "--trials=3")
    run(path, tmp_path / "parts", "--trials=2")
    assert len(trials(tmp_path / "parts", name)) == 2
    run(path, tmp_path / "parts", "--trials=3")
    whole = trials(tmp_path / "whole", name)
    assert without_time(trials(tmp_path / "parts", name)) == without_time(whole)
    rates = {float(row["model.init_args.learning_rate"]) for row in whole}
    assert len(rates) == 3
    run(path, tmp_path / "parts", "--trials=1", "--fresh=true")
    assert without_time(trials(tmp_path / "parts", name)) == without_time(whole[:1])


def test_a_grid_is_run_whole_and_plotted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(CONFIGS / "sweeps" / "proto_net.yaml", tmp_path)
    rows = trials(tmp_path, "proto_net")
    tried = {(row["model.init_args.distance"], row["model.init_args.learning_rate"]) for row in rows}
    assert len(tried) == len(rows) == 6
    assert all(0 <= float(row["val/uf1"]) <= 1 for row in rows)
    said = capsys.readouterr().out
    assert "[6/6] trial 5: val/uf1" in said
    assert "min left" in said
    assert "Best of 6 trials (0 failed)" in said
    assert (tmp_path / "proto_net" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "proto_net" / "sweep.html").read_text()
    assert "squared_euclidean" in page
    assert 'src="http' not in page


def test_a_failed_trial_is_told_and_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = yaml.safe_load((CONFIGS / "sweeps" / "proto_net.yaml").read_text())
    content["parameters"]["model.init_args.distance"] = {"values": ["nonsense", "cosine"]}
    (tmp_path / "proto_net.yaml").write_text(yaml.safe_dump(content))
    run(tmp_path / "proto_net.yaml", tmp_path)
    rows = trials(tmp_path, "proto_net")
    assert [row["state"] for row in rows] == ["fail"] * 3 + ["complete"] * 3
    assert {row["model.init_args.distance"] for row in rows if row["state"] == "fail"} == {"nonsense"}
    assert all("nonsense" in row["error"] for row in rows if row["state"] == "fail")
    assert "FAILED" in capsys.readouterr().out
    assert len(list(tmp_path.glob("proto_net/*/failed.log"))) == 3


def failure(capsys: pytest.CaptureFixture[str], path: Path, folder: Path, *more: str) -> str:
    with pytest.raises(SystemExit) as stop:
        run(path, folder, *more)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_another_search_does_not_mix_with_the_trials_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = CONFIGS / "sweeps" / "proto_net.yaml"
    run(path, tmp_path, "--trials=1")
    content = yaml.safe_load(path.read_text())
    content["parameters"]["model.init_args.learning_rate"] = {"values": [0.1]}
    (tmp_path / "proto_net.yaml").write_text(yaml.safe_dump(content))
    message = failure(capsys, tmp_path / "proto_net.yaml", tmp_path)
    assert "contains the trials of another search" in message


def test_without_people_set_aside_nothing_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = yaml.safe_load((CONFIGS / "sweeps" / "proto_net.yaml").read_text())
    content["parameters"]["data.init_args.validation_fraction"] = {"value": 0}
    (tmp_path / "nobody.yaml").write_text(yaml.safe_dump(content))
    message = failure(capsys, tmp_path / "nobody.yaml", tmp_path, "--trials=1")
    assert "All 1 trials failed" in message
    (row,) = trials(tmp_path, "nobody")
    assert "set data.init_args.validation_fraction" in row["error"]


def test_the_same_space_is_searched_here_and_at_w_and_b() -> None:
    for path in SWEEPS:
        assert set(read_sweep(path).parameters) == set(yaml.safe_load(path.read_text())["parameters"])
