"""Weights & Biases: the only file that imports wandb or sends anything there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from lightmannet.errors import ConfigurationError
from lightmannet.run_folder import RunFolder

if TYPE_CHECKING:
    import wandb


class WandbRun(RunFolder):
    """A run's folder with its ``metrics.csv``; its scalars and options, by default nothing else, are also sent to W&B.

    Paths among the options are cut to their last part. W&B adds its own and Python's version, the platform's name and
    times. An offline run stays in the folder ``wandb`` next to ``lightning_logs`` until ``wandb sync``.

    Args:
        save_dir: Folder in which ``lightning_logs/version_0`` and so on, and ``wandb``, are made.
        offline: Send nothing.
        project: W&B's project.
        entity: W&B's team or user; None takes the account's own.
        table: Name of the table that the run belongs to, the first part of its group.
        method: Name of the method; None takes its class name.
        condition: Setting that is varied in addition to the method, another part of the group.
        group: Group of the run; None takes table, corpus, protocol, method, condition and seed, so that all folds of a
            leave-one-subject-out run form a group.
        name: Name of the run; None takes the fold's number.
        tags: Tags to filter runs by.
        checkpoints: Also send the checkpoints.
        predictions: Also send the table of predictions, with numbers in place of the names of people and clips.
        code: Also send the running script.
        git: Also send the commit and the address of the repository.
        machine: Also send the machine's name, hardware, load and installed packages.
        console: Also send the console output.
        silent: Keep W&B from printing anything about the run.
    """

    def __init__(
        self,
        save_dir: str = ".",
        offline: bool = True,
        project: str = "lightmannet",
        entity: str | None = None,
        table: str | None = None,
        method: str | None = None,
        condition: str | None = None,
        group: str | None = None,
        name: str | None = None,
        tags: list[str] | None = None,
        checkpoints: bool = False,
        predictions: bool = False,
        code: bool = False,
        git: bool = False,
        machine: bool = False,
        console: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(save_dir)
        self.offline, self.project, self.entity, self.tags = offline, project, entity, tags
        self.table, self.method, self.condition, self.group, self.run_name = table, method, condition, group, name
        self.checkpoints, self.predictions = checkpoints, predictions
        self.code, self.git, self.machine, self.console, self.silent = code, git, machine, console, silent
        self._place: dict[str, Any] = {}
        self._remote: WandbLogger | None = None

    def check(self) -> None:
        """Check, without contacting W&B, that the run can log there.

        Raises:
            ConfigurationError: The run is online and no key is known.
        """
        if not self.offline and not _wandb().login(prompt=False):
            raise ConfigurationError(
                "The run is online, but W&B has no key on this machine. Run `wandb login`, set WANDB_API_KEY, or "
                "log offline (--trainer.logger.init_args.offline=true; of a table, --wandb=offline) and send it later "
                "with `wandb sync`."
            )

    @property
    def remote(self) -> WandbLogger:
        """Lightning's logger for W&B; its first use starts the run there."""
        if self._remote is None:
            self._remote = WandbLogger(
                name=self.run_name or _label("fold", self._place.get("fold")),
                # Absolute, because W&B's own process writes there and may have been started in another folder.
                save_dir=os.path.abspath(self.save_dir),
                project=self.project,
                log_model=self.checkpoints,
                entity=self.entity,
                group=self.group or self._group(),
                job_type=self._place.get("stage"),
                tags=self.tags,
                settings=self._settings(),
            )
            del self._remote._wandb_init["anonymous"]  # Lightning passes this removed option on, and W&B warns
        return self._remote

    @rank_zero_only
    def log_hyperparams(self, params: Any = None) -> None:
        """Write the options to the folder; send them without paths, together with table, method, fold and seed."""
        super().log_hyperparams(params)
        options = _loggable(dict(params or {}))
        given = {"table": self.table, "method": self.method, "condition": self.condition}
        self._place = _place(options) | {name: value for name, value in given.items() if value}
        self.remote.experiment.config.update({**options, **self._place}, allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write scalars to the folder and send them.

        Raises:
            TypeError: One of them is not a number; nothing is sent.
        """
        scalars = {name: _number(name, value) for name, value in metrics.items()}
        super().log_metrics({**scalars}, step)
        self.remote.log_metrics(scalars, step)

    @rank_zero_only
    def log_predictions(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Send the table of predictions if ``predictions`` is set, with numbers in place of names.

        Args:
            header: Names of the columns, the first two ``clip`` and ``subject``.
            rows: One per clip.
        """
        if not self.predictions:
            return
        clips, people = (_numbered([row[column] for row in rows]) for column in (0, 1))
        data = [[f"c{clips[row[0]]:04d}", f"p{people[row[1]]:03d}", *row[2:]] for row in rows]
        self.remote.log_table("predictions", list(header), data)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Send a checkpoint if ``checkpoints`` is set."""
        if self.checkpoints:
            self.remote.after_save_checkpoint(checkpoint_callback)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Finish the run in the folder and at W&B; a later verb of the same trainer starts another."""
        super().finalize(status)
        if self._remote is not None:
            self._remote.finalize(status)
            self._remote.experiment.finish(exit_code=0 if status in ("success", "finished") else 1)
            self._remote = None

    def _group(self) -> str:
        parts = [self._place.get(name) for name in ("table", "corpus", "protocol", "method", "condition")]
        return ", ".join(part for part in (*parts, _label("seed", self._place.get("seed"))) if part)

    def _settings(self) -> "wandb.Settings":
        """Return W&B's settings, with everything off by default."""
        secret: dict[str, Any] = {} if self.machine else {"host": "", "username": "", "email": "", "program": ""}
        return _wandb().Settings(
            mode="offline" if self.offline else "online",
            console="wrap" if self.console else "off",
            silent=self.silent,
            save_code=self.code,
            disable_code=not self.code,
            disable_git=not self.git,
            disable_job_creation=True,
            x_disable_meta=not (self.code or self.git or self.machine),
            x_disable_machine_info=not self.machine,
            x_disable_stats=not self.machine,
            x_save_requirements=self.machine,
            **secret,
        )


def _wandb() -> Any:
    # W&B would send its own errors, with stack traces, to its developers.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    return wandb


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is not a number but {type(value).__name__}; a logger takes only scalars.") from error


def _loggable(value: Any) -> Any:
    """Return options as plain values, with paths cut to their last part: the rest would reveal the machine."""
    if isinstance(value, Mapping):
        return {str(key): _loggable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_loggable(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value) if isinstance(value, str | PurePath) else type(value).__name__
    if PureWindowsPath(text).is_absolute():
        return PureWindowsPath(text).name
    return PurePosixPath(text).name if text.startswith(("/", "~")) else text


def _place(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values by which a dashboard groups and sorts runs."""
    data = options.get("data") or {}
    arguments = data.get("init_args") or {}
    return {
        "corpus": _short(arguments.get("corpus")),
        "protocol": _short(arguments.get("protocol")),
        "method": _short(options.get("model")),
        "fold": arguments.get("fold"),
        "seed": options.get("seed_everything"),
        "stage": options.get("stage"),
    }


def _label(name: str, value: Any) -> str | None:
    return None if value is None else f"{name} {value}"


def _short(made: Any) -> str | None:
    path = made.get("class_path") if isinstance(made, Mapping) else None
    return None if path is None else str(path).rsplit(".", 1)[-1]


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)), 1)}
