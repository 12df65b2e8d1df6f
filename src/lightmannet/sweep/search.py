"""A sweep as described by its W&B file: the options to vary, their distributions, and the command."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from lightmannet.errors import ConfigurationError

Value = None | bool | int | float | str
_KEYS = {"program", "project", "name", "description", "method", "run_cap", "metric", "command", "parameters"}
_RANGES: dict[str, tuple[type[int] | type[float], bool]] = {
    # Type of the values, and whether they are drawn on a logarithmic scale.
    "uniform": (float, False),
    "q_uniform": (float, False),
    "log_uniform_values": (float, True),
    "int_uniform": (int, False),
}


@dataclass(frozen=True)
class Choice:
    """One of several values; a single one is a constant."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``, both included.

    Attributes:
        low: Smallest value.
        high: Largest value.
        integer: Whether only whole numbers are drawn.
        logarithmic: Whether it is drawn on a logarithmic scale.
        step: Distance between neighbouring values; None for any value.
    """

    low: float
    high: float
    integer: bool
    logarithmic: bool
    step: float | None


Parameter = Choice | Range


@dataclass(frozen=True)
class Sweep:
    """A sweep.

    Attributes:
        method: How values are chosen: from earlier trials (Bayesian), at random, or all combinations.
        metric: The scalar to optimise, computed on validation people.
        maximize: Whether more is better.
        arguments: Arguments of ``lightning fit``, without the values.
        parameters: Values or range of each option.
        trials: Number of trials; None for no limit.
    """

    method: Literal["bayes", "random", "grid"]
    metric: str
    maximize: bool
    arguments: tuple[str, ...]
    parameters: dict[str, Parameter]
    trials: int | None

    @property
    def varied(self) -> dict[str, Parameter]:
        """Return the parameters that have more than one value."""
        return {name: p for name, p in self.parameters.items() if isinstance(p, Range) or len(p.values) > 1}

    def grid(self) -> list[dict[str, Value]]:
        """Return all combinations of the values of a grid."""
        choices = {name: p.values for name, p in self.varied.items() if isinstance(p, Choice)}
        return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]

    def command(self, values: Mapping[str, Value]) -> list[str]:
        """Return the arguments of ``lightning`` with these values, including the constants among the parameters."""
        constant = {name: p.values[0] for name, p in self.parameters.items() if isinstance(p, Choice)}
        return ["fit", *self.arguments, *(f"--{name}={value}" for name, value in {**constant, **values}.items())]


def read_sweep(path: Path) -> Sweep:
    """Read a sweep's YAML file.

    Raises:
        ConfigurationError: A missing file, not YAML, or not a sweep of ``lightning fit`` on a validation scalar.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such sweep. The sweeps are in configs/sweeps/.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read as YAML: {error}") from error
    _require(isinstance(content, dict), path, "it must be a mapping")
    unknown = sorted(set(content) - _KEYS)
    _require(not unknown, path, f"unknown keys {unknown}; known are {sorted(_KEYS)}")
    method, metric, parameters = content.get("method"), content.get("metric"), content.get("parameters")
    _require(method in ("bayes", "random", "grid"), path, f"its method must be bayes, random or grid, not {method}")
    _require(
        isinstance(metric, dict) and str(metric.get("name", "")).startswith("val/"),
        path,
        "its metric must be a scalar of validation people, such as val/uf1: nothing is chosen on test people",
    )
    goal = metric.get("goal", "minimize")
    _require(goal in ("minimize", "maximize"), path, f"the goal of its metric must be minimize or maximize, not {goal}")
    _require(isinstance(parameters, dict) and bool(parameters), path, "it needs parameters")
    trials = content.get("run_cap")
    _require(trials is None or (isinstance(trials, int) and trials > 0), path, f"its run_cap must be > 0, not {trials}")
    read = {str(name): _parameter(path, str(name), options) for name, options in parameters.items()}
    ranges = [name for name, parameter in read.items() if isinstance(parameter, Range)]
    _require(method != "grid" or not ranges, path, f"a grid needs values, not ranges: {', '.join(ranges)}")
    return Sweep(method, metric["name"], goal == "maximize", _arguments(path, content.get("command")), read, trials)


def _arguments(path: Path, command: Any) -> tuple[str, ...]:
    start, end = ["${env}", "lightning", "fit"], ["${args}"]
    _require(
        isinstance(command, list) and command[:3] == start and command[-1:] == end,
        path,
        f"its command must begin with {start} and end with {end}",
    )
    return tuple(str(argument) for argument in command[3:-1])


def _parameter(path: Path, name: str, options: Any) -> Parameter:
    _require(isinstance(options, dict), path, f"{name} must have value, values, or a range")
    if set(options) == {"value"}:
        return Choice((options["value"],))
    if set(options) == {"values"}:
        values = options["values"]
        plain = isinstance(values, list) and all(v is None or isinstance(v, bool | int | float | str) for v in values)
        _require(plain and bool(values), path, f"{name}: values must be a list of numbers and strings")
        return Choice(tuple(values))
    low, high = options.get("min"), options.get("max")
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    usual = "int_uniform" if isinstance(low, int) and isinstance(high, int) else "uniform"
    distribution = options.get("distribution", usual)
    _require(
        distribution in _RANGES and set(options) <= {"distribution", "min", "max", "q"} and numbers,
        path,
        f"{name}: {options} is not supported; use value, values, or min and max with one of the distributions "
        f"{', '.join(_RANGES)}",
    )
    kind, logarithmic = _RANGES[distribution]
    _require(
        low < high and (not logarithmic or low > 0),
        path,
        f"{name}: min must be less than max, and > 0 on a logarithmic scale",
    )
    step = options.get("q", 1.0) if distribution == "q_uniform" else None
    return Range(low, high, kind is int, logarithmic, step)


def _require(right: bool, path: Path, message: str) -> None:
    if not right:
        raise ConfigurationError(f"{path} is not a valid sweep: {message}.")
