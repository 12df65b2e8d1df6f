"""The command ``lightmannet sweep``: run a W&B sweep with Optuna, without an account."""

import csv
import io
import shutil
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lightmannet.config_file import with_packaged_configs
from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.files import write_atomically
from lightmannet.packaged import config_path
from lightmannet.scheduler import requeued_on_signal
from lightmannet.silence import silence_lightning
from lightmannet.sweep.plot import write_plots
from lightmannet.sweep.search import Choice, Parameter, Range, Sweep, Value, read_sweep

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

_LOCAL = (
    # Nothing is sent; a trial keeps its scalars but no checkpoint.
    "--trainer.logger=lightmannet.run_folder.RunFolder",
    "--trainer.enable_checkpointing=false",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
)
_UNLIMITED = 20
"""Default number of trials, except for a grid."""


@requeued_on_signal()
def sweep(
    sweep: Path,
    trials: int | None = None,
    seed: int = 0,
    fresh: bool = False,
    results: Path = Path("results/sweeps"),
    options: list[str] | None = None,
) -> None:
    """Run a W&B sweep on this machine; the same command resumes an interrupted sweep.

    Values are drawn by Optuna: TPE for bayes, at random, or the whole grid. Options are chosen on the validation people
    of one fold, who are test people of other folds.

    Args:
        sweep: The sweep's YAML file, or the name of one of the package's, e.g. lightmannet.
        trials: Total number of trials, including earlier ones; by default the file's run_cap, the whole grid, or 20.
        seed: Seed of the values drawn.
        fresh: Delete earlier trials first.
        results: Folder of all sweeps.
        options: Further arguments of ``lightning fit``, e.g. [--trainer.max_epochs=3].

    Raises:
        LightmanNetError: The file is not a sweep, the folder belongs to another sweep, or all trials failed.
    """
    silence_lightning()
    sweep = Path(config_path(str(sweep), "sweeps"))
    plan, folder = read_sweep(sweep), results / sweep.stem
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    study = _study(plan, folder, options or [])
    wanted = trials or plan.trials or (len(plan.grid()) if plan.method == "grid" else _UNLIMITED)
    if plan.method == "grid":
        wanted = min(wanted, len(plan.grid()))
    before = len(_finished(study))
    print(f"{sweep.stem}: {plan.method} over {len(plan.varied)} options, {before} trials done, {wanted - before} to go")
    start, done = time.monotonic(), 0
    try:
        while len(_finished(study)) < wanted:
            said = _try(plan, study, folder, seed, options or [])
            done += 1
            left = (time.monotonic() - start) / done * (wanted - before - done)
            print(f"[{before + done}/{wanted}] {said}; about {left / 60:.1f} min left", flush=True)
            _write_table(plan, study, folder)
    finally:
        _write_plots(plan, study, folder)
    _print_best(plan, study, folder)


def _study(plan: Sweep, folder: Path, options: list[str]) -> "Study":
    """Open or create the folder's store of trials.

    Raises:
        LightmanNetError: Optuna is not installed.
        ConfigurationError: The store contains trials of another search.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise LightmanNetError("A sweep needs Optuna: pip install -e '.[sweep]', or run `make install`.") from error
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(str(folder / "trials.jsonl")))
    direction: Literal["maximize", "minimize"] = "maximize" if plan.maximize else "minimize"
    study = optuna.create_study(storage=storage, study_name=folder.name, direction=direction, load_if_exists=True)
    search = repr((plan.method, plan.metric, plan.arguments, sorted(plan.parameters.items()), options))
    if study.user_attrs.get("search", search) != search:
        raise ConfigurationError(
            f"{folder} contains the trials of another search: the file or its options have changed. Start over with "
            "--fresh=true, or choose another folder with --results."
        )
    study.set_user_attr("search", search)
    return study


def _try(plan: Sweep, study: "Study", folder: Path, seed: int, options: list[str]) -> str:
    """Run one trial, store its result, and return a line about it."""
    study.sampler = _sampler(plan, seed, len(study.trials))
    if plan.method == "grid":
        # Optuna's own grid sampler has to control the loop.
        tried = [trial.params for trial in _finished(study)]
        study.enqueue_trial(next(point for point in plan.grid() if point not in tried))
    trial = study.ask()
    values = {name: _suggest(trial, name, parameter) for name, parameter in plan.varied.items()}
    home, start = folder / f"trial-{trial.number:03d}", time.monotonic()
    arguments = [*plan.command(values), *_LOCAL, f"--trainer.logger.init_args.save_dir={home}", *options]
    score, said = None, ""
    try:
        score = _score(plan, arguments[1:])
    except Exception as error:
        # One failing combination does not stop the others.
        write_atomically(home / "failed.log", "".join(traceback.format_exception(error)))
        said = " ".join(str(error).split())
        trial.set_user_attr("error", said)
    trial.set_user_attr("seconds", round(time.monotonic() - start, 1))
    if score is None:
        study.tell(trial, state=_failed())
        return f"trial {trial.number} FAILED: {said} (log: {home / 'failed.log'})"
    study.tell(trial, score)
    return f"trial {trial.number}: {plan.metric} {score:.3f}, best {study.best_value:.3f}"


def _score(plan: Sweep, arguments: list[str]) -> float:
    """Train with these options and return the score of the validation people.

    Raises:
        ConfigurationError: There are no validation people, or the method does not log the metric.
    """
    from lightmannet.lightning_cli import Lightning

    cli = Lightning(with_packaged_configs(arguments), run=False)
    if not cli.datamodule.validation_fraction > 0:
        raise ConfigurationError(
            f"{plan.metric} needs validation people: set data.init_args.validation_fraction, e.g. to 0.15."
        )
    cli.trainer.fit(cli.model, datamodule=cli.datamodule)
    if plan.metric not in cli.trainer.callback_metrics:
        raise ConfigurationError(
            f"{plan.metric} was not logged; logged were {', '.join(sorted(cli.trainer.callback_metrics))}."
        )
    return float(cli.trainer.callback_metrics[plan.metric])


def _sampler(plan: Sweep, seed: int, number: int) -> Any:
    """Return the sampler of trial ``number``, with its own seed: a resumed sweep draws the same values."""
    from optuna.samplers import RandomSampler, TPESampler

    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    # A killed trial stays "running" forever, and constant_liar would steer others away from it.
    return TPESampler(seed=own, constant_liar=False) if plan.method == "bayes" else RandomSampler(own)


def _suggest(trial: "Trial", name: str, parameter: Parameter) -> Value:
    if isinstance(parameter, Choice):
        return trial.suggest_categorical(name, list(parameter.values))
    if parameter.integer:
        return trial.suggest_int(name, int(parameter.low), int(parameter.high))
    return trial.suggest_float(name, parameter.low, parameter.high, log=parameter.logarithmic, step=parameter.step)


def _failed() -> Any:
    from optuna.trial import TrialState

    return TrialState.FAIL


def _finished(study: "Study") -> list["FrozenTrial"]:
    return [trial for trial in study.trials if trial.state.is_finished()]


def _write_table(plan: Sweep, study: "Study", folder: Path) -> None:
    """Write all finished trials to one file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", plan.metric, "seconds", *plan.varied, "error"])
    for trial in _finished(study):
        drawn = [trial.params.get(name, "") for name in plan.varied]
        about = trial.user_attrs
        value = "" if trial.value is None else trial.value
        state = trial.state.name.lower()
        writer.writerow([trial.number, state, value, about.get("seconds", ""), *drawn, about.get("error", "")])
    write_atomically(folder / "trials.csv", text.getvalue())


def _write_plots(plan: Sweep, study: "Study", folder: Path) -> None:
    """Write the plots, if at least two trials can be compared."""
    good = [trial for trial in _finished(study) if trial.value is not None]
    if len(good) > 1:
        history = [(trial.number, float(trial.value or 0.0)) for trial in good]
        values = [(float(trial.value or 0.0), dict(trial.params)) for trial in good]
        logarithmic = {name for name, p in plan.varied.items() if isinstance(p, Range) and p.logarithmic}
        write_plots(folder, plan.metric, plan.maximize, history, values, _importances(study), logarithmic)


def _importances(study: "Study") -> dict[str, float]:
    """Return each option's importance for being among the best trials, summing to 1; empty for few trials."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    try:
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    except (RuntimeError, ValueError):
        return {}


def _print_best(plan: Sweep, study: "Study", folder: Path) -> None:
    """Print the best trial and the paths of all files.

    Raises:
        LightmanNetError: All trials failed.
    """
    finished = _finished(study)
    good = [trial for trial in finished if trial.value is not None]
    if not good:
        raise LightmanNetError(f"All {len(finished)} trials failed; the errors are in {folder / 'trials.csv'}.")
    best = study.best_trial
    print(f"\nBest of {len(good)} trials ({len(finished) - len(good)} failed): {plan.metric} {best.value:.3f} with")
    print("\n".join(f"  --{name}={value}" for name, value in best.params.items()))
    print("The best score of many trials is optimistic: with few validation people, scores are noisy.")
    print(f"All trials: {folder / 'trials.csv'}; plots: {folder / 'sweep.html'}, sweep.png")
