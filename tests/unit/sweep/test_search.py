from pathlib import Path
from typing import Any

import pytest
import yaml

from lightmannet.errors import ConfigurationError
from lightmannet.sweep.search import Choice, Range, read_sweep

GOOD: dict[str, Any] = {
    "program": "lightning",
    "method": "bayes",
    "metric": {"name": "val/uf1", "goal": "maximize"},
    "command": ["${env}", "lightning", "fit", "--config=a.yaml", "${args}"],
    "parameters": {
        "a.rate": {"distribution": "log_uniform_values", "min": 0.01, "max": 1},
        "a.steps": {"min": 1, "max": 3},
        "a.share": {"min": 0.0, "max": 1},
        "a.drop": {"distribution": "q_uniform", "min": 0, "max": 0.6, "q": 0.1},
        "a.kind": {"values": ["x", "y"]},
        "a.fixed": {"value": 5},
    },
}


def write(folder: Path, **changed: Any) -> Path:
    path = folder / "some.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changed}))
    return path


def test_a_file_is_read_as_what_is_varied_and_the_command(tmp_path: Path) -> None:
    sweep = read_sweep(write(tmp_path))
    assert (sweep.method, sweep.metric, sweep.maximize, sweep.trials) == ("bayes", "val/uf1", True, None)
    assert sweep.parameters == {
        "a.rate": Range(0.01, 1, integer=False, logarithmic=True, step=None),
        "a.steps": Range(1, 3, integer=True, logarithmic=False, step=None),
        "a.share": Range(0.0, 1, integer=False, logarithmic=False, step=None),
        "a.drop": Range(0, 0.6, integer=False, logarithmic=False, step=0.1),
        "a.kind": Choice(("x", "y")),
        "a.fixed": Choice((5,)),
    }
    assert set(sweep.varied) == set(sweep.parameters) - {"a.fixed"}
    assert sweep.command({"a.kind": "y"}) == ["fit", "--config=a.yaml", "--a.fixed=5", "--a.kind=y"]


def test_a_grid_is_all_combinations(tmp_path: Path) -> None:
    parameters = {"a": {"values": [1, 2]}, "b": {"values": ["x", "y", "z"]}, "c": {"value": True}}
    grid = read_sweep(write(tmp_path, method="grid", parameters=parameters)).grid()
    assert len(grid) == 6
    assert grid[0] == {"a": 1, "b": "x"}
    assert grid[-1] == {"a": 2, "b": "z"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": {"name": "test/uf1", "goal": "maximize"}}, "its metric must be a scalar of validation people"),
        ({"metric": {"name": "val/uf1", "goal": "up"}}, "goal of its metric must be minimize or maximize, not up"),
        ({"method": "custom"}, "its method must be bayes, random or grid, not custom"),
        ({"run_cap": 0}, "its run_cap must be > 0, not 0"),
        ({"early_terminate": {"type": "hyperband"}}, r"unknown keys \['early_terminate'\]"),
        ({"command": ["python", "train.py", "${args_no_hyphens}"]}, "its command must begin with"),
        ({"parameters": {}}, "it needs parameters"),
        ({"parameters": {"a": {"values": []}}}, "a: values must be a list"),
        ({"parameters": {"a": {"distribution": "beta"}}}, "is not supported"),
        ({"parameters": {"a": {"min": 2, "max": 1}}}, "a: min must be less than max"),
        (
            {"parameters": {"a": {"distribution": "log_uniform_values", "min": 0, "max": 1}}},
            "> 0 on a logarithmic scale",
        ),
        ({"method": "grid", "parameters": {"a": {"min": 1, "max": 2}}}, "a grid needs values, not ranges: a"),
    ],
)
def test_what_is_no_sweep_is_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_sweep(write(tmp_path, **changed))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: there is no such sweep"):
        read_sweep(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read as YAML"):
        read_sweep(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigurationError, match="it must be a mapping"):
        read_sweep(tmp_path / "list.yaml")
