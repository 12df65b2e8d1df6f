"""Lightning's command line over this project's methods and data modules."""

import logging
import re
import sys
from typing import Any, NoReturn

from jsonargparse import Namespace
from lightning.fabric.plugins import CheckpointIO
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities import rank_zero_info

import data_modules
import lightmannet.learners  # noqa: F401  makes the methods known by their short names
from data_modules.exportable import export_obstacle
from lightmannet.callbacks.monitor import Monitor
from lightmannet.callbacks.predictions import PredictionsFile
from lightmannet.callbacks.requeue import Requeue, state_file
from lightmannet.callbacks.run_log import RunLog
from lightmannet.callbacks.run_state import RunState
from lightmannet.callbacks.schedule import Schedule
from lightmannet.callbacks.waiting import WaitingForOthers
from lightmannet.checkpoint import Origin, SafeCheckpoints, check_checkpoint
from lightmannet.commands import VERBS
from lightmannet.config_file import check_yaml_arguments, with_packaged_configs
from lightmannet.errors import CheckpointError, ConfigurationError
from lightmannet.learners.base import Learner
from lightmannet.own_data import set_classes, with_own_data
from lightmannet.preflight import check_machine, run_folders
from lightmannet.scheduler import OwnStateOnly, check_tasks, cluster_environment, job_id, requeued_on_signal
from lightmannet.threads import take_one_thread
from lightmannet.trained_run import chosen_checkpoint, with_config_of_checkpoint

_log = logging.getLogger(__name__)


def run_lightning(args: list[str] | None = None) -> None:
    """Run one of Lightning's verbs.

    Args:
        args: Arguments after the program's name; None takes those of the command line.

    Raises:
        ConfigurationError: Wrong options or files, or a misconfiguration reported by Lightning.
    """
    arguments = with_packaged_configs(sys.argv[1:] if args is None else args)
    check_yaml_arguments(arguments)
    arguments = with_own_data(with_config_of_checkpoint(arguments))
    if args is None:
        sys.argv[1:] = arguments  # further devices' processes are started with them, too
    try:
        with requeued_on_signal():
            Lightning(None if args is None else arguments)
    except MisconfigurationException as error:
        raise ConfigurationError(str(error)) from error


# Imported classes can be named without their module, e.g. --data.init_args.corpus=SyntheticMotion.
for _name in data_modules.__all__:
    getattr(data_modules, _name)


class Lightning(LightningCLI):
    """Lightning's command line over this project's methods and data modules.

    Args:
        args: Arguments to parse; None takes those of the command line.
        run: Run the subcommand among them; otherwise there is none, and ``model``, ``datamodule`` and ``trainer`` are
            only created.
    """

    def __init__(self, args: list[str] | None, run: bool = True) -> None:
        self._verb = next(iter(sys.argv[1:] if args is None else args), "")
        super().__init__(
            Learner,
            data_modules.SubjectDisjointDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=_ConfigFile if run else None,
            trainer_defaults={
                # The data modules distribute batches themselves; Lightning's sampler would pad by repeating test clips.
                "use_distributed_sampler": False,
                "num_sanity_val_steps": 0,
                "log_every_n_steps": 2,  # epochs are short
                "logger": {"class_path": "lightmannet.run_folder.RunFolder", "init_args": {"save_dir": "."}},
                "callbacks": [PredictionsFile()] if run else [],
            },
            seed_everything_default=0,
            parser_kwargs={"epilog": f"This project's own commands, each with its --help: {', '.join(VERBS)}."},
            parser_class=_Parser,
            args=args,
            run=run,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # depends on the arguments
        """Return the verbs and their arguments to skip: only the given verb, as collecting options takes time."""
        known = super().subcommands()
        return {self._verb: known[self._verb]} if self._verb in known else known

    def _set_seed(self) -> None:
        """Seed everything; a seed out of range is a configuration error."""
        try:
            super()._set_seed()
        except ValueError as error:
            raise ConfigurationError(f"seed_everything: {error}") from error

    def _parse_ckpt_path(self) -> None:
        """Do nothing: Lightning would let a checkpoint's options override the given ones."""

    def before_instantiate_classes(self) -> None:
        """Give network and tasks as many classes as one's own clips have."""
        set_classes(self.config if self.subcommand is None else self.config[self.subcommand])

    def instantiate_classes(self) -> None:
        """Create model, data module and trainer, passing on their messages about invalid options."""
        try:
            super().instantiate_classes()
        # The Trainer, modules and torch use all of these for invalid values.
        except (ArithmeticError, ImportError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ConfigurationError(f"Invalid options: {_without_types(str(error))}") from error
        except MisconfigurationException as error:
            if "No supported gpu backend" not in str(error):
                raise
            raise ConfigurationError(
                "trainer.accelerator: gpu, but torch finds no GPU here. Set --trainer.accelerator=cpu (or auto), or "
                "install a CUDA build of torch."
            ) from error
        if self.trainer.accumulate_grad_batches < 1:
            raise ConfigurationError(
                f"trainer.accumulate_grad_batches: {self.trainer.accumulate_grad_batches}, but an update needs at "
                "least one batch. Set 1 or more."
            )

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Create the trainer; it reads checkpoints as plain values and resumes only from its own run's."""
        given = self._get(self.config_init, "trainer")["plugins"] or []
        plugins = [*given] if isinstance(given, list) else [given]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            plugins.append(SafeCheckpoints())
        environment = cluster_environment(alone=self.subcommand is None)
        if environment is not None and not any(isinstance(plugin, ClusterEnvironment) for plugin in plugins):
            plugins.append(environment)
        trainer = super().instantiate_trainer(**kwargs, plugins=plugins)
        trainer._checkpoint_connector = OwnStateOnly(trainer)
        return trainer

    def after_instantiate_classes(self) -> None:
        """Check machine and checkpoint before data are read, and let Lightning load weights only."""
        if self.subcommand is None:
            return
        if isinstance(self.trainer.accelerator, CPUAccelerator):
            take_one_thread()
        check_tasks(self.trainer)
        check_machine(self.trainer)
        # Lightning converts the model to double after loading a checkpoint, which would round its weights.
        if self.trainer.precision == "64-true":
            self.model.double()
        options, config = self.config_init[self.subcommand], self.config[self.subcommand]
        options["weights_only"] = True
        if self.subcommand == "fit" and (obstacle := export_obstacle(self.datamodule.source)):
            rank_zero_info(f"This run can be tested, but not exported for clips of your own: {obstacle}")
        requeue = _requeue(self.trainer, config) if self.subcommand == "fit" else None
        own = requeue is not None and requeue.state.is_file()
        if requeue is not None and own:
            options["ckpt_path"] = str(requeue.state)
        else:
            files = [str(path) for path in config.get("config") or []]
            options["ckpt_path"] = chosen_checkpoint(options["ckpt_path"], self.subcommand, files, self.trainer)
        now, origin = _deciding(config), Origin({}, frozenset())
        if options["ckpt_path"] is not None:
            origin = check_checkpoint(options["ckpt_path"], self.model, self.subcommand == "fit")
        changes = _changes(origin.options, now)
        if own and changes:
            raise CheckpointError(
                f"{options['ckpt_path']} was saved with other options; remove it to start again:\n{changes}"
            )
        # The log comes last, so that all files exist when it lists them.
        callbacks = [
            RunState(now, own, origin.people),
            *([requeue] if requeue else []),
            WaitingForOthers(self.trainer),
            RunLog(),
        ]
        self.trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]  # made by a part of the Trainer
        if changes and self.subcommand == "fit":
            rank_zero_info(f"The run resumes with options that differ from the checkpoint's:\n{changes}")
        elif changes:
            _log.warning(
                f"{options['ckpt_path']} is used with options that differ from its run's, so results will differ, "
                f"too:\n{changes}\nWithout --config, the run's own options are used."
            )
        if self.subcommand == "fit":
            config["ckpt_path"] = None  # a resumed run's config.yaml must lead to its own checkpoint

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add one seed for weights, dropout and data, and the options of schedule and monitor."""
        parser.link_arguments("seed_everything", "data.init_args.seed")
        parser.add_lightning_class_args(Schedule, "schedule")
        parser.add_lightning_class_args(Monitor, "monitor")


class _Parser(LightningArgumentParser):
    """Reports an invalid option without printing all options."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        hint = "--help lists all options; --print_config shows their current values."
        raise ConfigurationError(f"{_without_types(message)}\n{hint}") from ex


class _ConfigFile(SaveConfigCallback):
    """Writes the run's config.yaml and tells the logger, so that a dashboard can sort runs by their options."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.logger is not None:
            options = self.config.as_dict()
            chosen = {key: options[key] for key in ("seed_everything", "model", "data")}
            verb = trainer.state.fn.value if trainer.state.fn else stage
            trainer.logger.log_hyperparams({**chosen, "stage": verb})


def _requeue(trainer: Trainer, config: Namespace) -> Requeue | None:
    """Return the listening callback that saves and requeues this run under SLURM; None elsewhere."""
    job = job_id()
    if job is None:
        return None
    requeue = Requeue(state_file(run_folders(trainer)[0], job, config.as_dict()), job)
    requeue.listen()
    return requeue


def _deciding(config: Namespace) -> dict[str, str]:
    """Return the options that affect what is learned, by name, as text.

    Raises:
        ConfigurationError: An option is a Python object without a class path.
    """
    parts = ("seed_everything", "model", "data", "schedule", "trainer.precision", "trainer.accumulate_grad_batches")
    options = {name: str(value) for name, value in vars(config.as_flat()).items() if name.startswith(parts)}
    for name, value in options.items():
        if re.search(r"<.* at 0x[0-9a-f]+>", value):
            raise ConfigurationError(
                f"{name}: its default is a Python object that config.yaml cannot hold, so the run could not be tested "
                "or exported later. Name its class in the configuration by class_path."
            )
    return options


def _changes(before: dict[str, str], now: dict[str, str]) -> str:
    """Return one line per option that differs from the checkpoint's, if those are known."""
    return "\n".join(
        f"  {name}: {before.get(name, 'not there')} → {now.get(name, 'not there')}"
        for name in sorted(before.keys() | now.keys())
        if before and before.get(name) != now.get(name)
    )


def _without_types(message: str) -> str:
    """Return the parser's message without its lines about Python types."""
    noise = ("Does not validate", "Subtypes:", "Errors:", "- Expected a <class 'NoneType'>", "Given value")
    lines = [line for line in message.strip().splitlines() if not line.strip().startswith(noise)]
    return "\n".join(lines)
