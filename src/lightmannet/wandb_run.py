"""Weights & Biases: the one file that imports wandb, and the one door through which anything goes there."""

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
    """A run's folder with its ``metrics.csv``, whose scalars and options also go to W&B, and nothing else unless asked.

    Paths among the options are cut to their last part. W&B adds versions of itself and of Python, the name of the
    platform and times. An offline run waits in the folder ``wandb`` beside ``lightning_logs`` for ``wandb sync``.

    Args:
        save_dir: Folder in which ``lightning_logs/version_0`` and so on, and ``wandb``, are made.
        offline: Send nothing.
        project: W&B's project.
        entity: W&B's team or user; None takes the account's own.
        table: Name of what the run is part of, the first part of its group.
        method: Name of the method; None takes that of its class.
        condition: What is varied beside the method, another part of the group.
        group: Runs of one group can be shown as one; None takes table, corpus, protocol, method, condition and seed, so
            that the folds of a leave-one-subject-out run are one group.
        name: The run's name; None takes the fold's number.
        tags: Words to filter runs by.
        checkpoints: Send the checkpoints, too.
        predictions: Send the table of predictions, too, with numbers in place of the names of people and clips.
        code: Send the script that runs, too.
        git: Send the commit and the address of the repository, too.
        machine: Send the machine's name, hardware, load and installed packages, too.
        console: Send what is printed, too.
        silent: Let W&B print nothing about the run.
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
        """Make sure that W&B can be reached by this run, without asking it.

        Raises:
            ConfigurationError: The run is online and no key is known.
        """
        if not self.offline and not _wandb().login(prompt=False):
            raise ConfigurationError(
                "The run is to be online, but W&B has no key on this machine. Run `wandb login`, set WANDB_API_KEY, or "
                "log offline (--trainer.logger.init_args.offline=true; of a table, --wandb=offline) and send it later "
                "with `wandb sync`."
            )

    @property
    def remote(self) -> WandbLogger:
        """Lightning's logger for W&B; the run there begins at its first use."""
        if self._remote is None:
            self._remote = WandbLogger(
                name=self.run_name or _label("fold", self._place.get("fold")),
                # W&B's own process writes it, and may have been started in another folder.
                save_dir=os.path.abspath(self.save_dir),
                project=self.project,
                log_model=self.checkpoints,
                entity=self.entity,
                group=self.group or self._group(),
                job_type=self._place.get("stage"),
                tags=self.tags,
                settings=self._settings(),
            )
            del self._remote._wandb_init["anonymous"]  # Lightning passes it on, and W&B warns that it is no more
        return self._remote

    @rank_zero_only
    def log_hyperparams(self, params: Any = None) -> None:
        """Keep the options in the folder and send them without paths, with table, method, fold and seed beside them."""
        super().log_hyperparams(params)
        options = _plain(dict(params or {}))
        given = {"table": self.table, "method": self.method, "condition": self.condition}
        self._place = _place(options) | {name: value for name, value in given.items() if value}
        self.remote.experiment.config.update({**options, **self._place}, allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write scalars to the folder and send them.

        Raises:
            TypeError: One of them is no number; nothing else is sent.
        """
        scalars = {name: _number(name, value) for name, value in metrics.items()}
        super().log_metrics({**scalars}, step)
        self.remote.log_metrics(scalars, step)

    @rank_zero_only
    def log_predictions(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Send the table of predictions if that was asked for, with numbers in place of names.

        Args:
            header: Names of the columns, the first two ``clip`` and ``subject``.
            rows: One a clip.
        """
        if not self.predictions:
            return
        clips, people = (_numbered([row[column] for row in rows]) for column in (0, 1))
        data = [[f"c{clips[row[0]]:04d}", f"p{people[row[1]]:03d}", *row[2:]] for row in rows]
        self.remote.log_table("predictions", list(header), data)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Send a checkpoint if that was asked for."""
        if self.checkpoints:
            self.remote.after_save_checkpoint(checkpoint_callback)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run in the folder and at W&B; a later verb of the same trainer begins one of its own."""
        super().finalize(status)
        if self._remote is not None:
            self._remote.finalize(status)
            self._remote.experiment.finish(exit_code=0 if status in ("success", "finished") else 1)
            self._remote = None

    def _group(self) -> str:
        parts = [self._place.get(name) for name in ("table", "corpus", "protocol", "method", "condition")]
        return ", ".join(part for part in (*parts, _label("seed", self._place.get("seed"))) if part)

    def _settings(self) -> "wandb.Settings":
        """Return W&B's settings, with everything off that was not asked for."""
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
    # W&B would report its own errors, with stack traces, to its makers.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    return wandb


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} is no number but {type(value).__name__}; a logger is given scalars and nothing else."
        ) from error


def _plain(value: Any) -> Any:
    """Return options as plain values, paths cut to their last part: the rest of one tells about the machine."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value) if isinstance(value, str | PurePath) else type(value).__name__
    if PureWindowsPath(text).is_absolute():
        return PureWindowsPath(text).name
    return PurePosixPath(text).name if text.startswith(("/", "~")) else text


def _place(options: dict[str, Any]) -> dict[str, Any]:
    """Return where a run belongs: what a dashboard groups and sorts by."""
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
