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
        ConfigurationError: Wrong options or files, or what Lightning says of a misconfiguration.
    """
    words = with_packaged_configs(sys.argv[1:] if args is None else args)
    check_yaml_arguments(words)
    words = with_own_data(with_config_of_checkpoint(words))
    if args is None:
        sys.argv[1:] = words  # which the processes of further devices are started with, too
    try:
        with requeued_on_signal():
            Lightning(None if args is None else words)
    except MisconfigurationException as error:
        raise ConfigurationError(str(error)) from error


# Parts can be named by their class alone, e.g. --data.init_args.corpus=SyntheticMotion, where they are imported.
for _name in data_modules.__all__:
    getattr(data_modules, _name)


class Lightning(LightningCLI):
    """Lightning's command line over this project's methods and data modules.

    Args:
        args: The words to parse; None takes those of the command line.
        run: Run the subcommand that they name; otherwise they name none, and ``model``, ``datamodule`` and ``trainer``
            are only made.
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
                # The data modules share batches out themselves; Lightning's sampler would repeat test clips to fill up.
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

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # which are needed depends on the words
        """Return the verbs and what their methods are not asked for: the one that is named, or all to choose from.

        A verb's options take half a second to collect.
        """
        known = super().subcommands()
        return {self._verb: known[self._verb]} if self._verb in known else known

    def _set_seed(self) -> None:
        """Seed everything; a seed out of range is the user's mistake."""
        try:
            super()._set_seed()
        except ValueError as error:
            raise ConfigurationError(f"seed_everything: {error}") from error

    def _parse_ckpt_path(self) -> None:
        """Leave the options as they were given: Lightning would let those in a checkpoint override them."""

    def before_instantiate_classes(self) -> None:
        """Give network and tasks as many classes as one's own clips have."""
        set_classes(self.config if self.subcommand is None else self.config[self.subcommand])

    def instantiate_classes(self) -> None:
        """Make model, data module and trainer; what they say of an impossible option is passed on as it is."""
        try:
            super().instantiate_classes()
        # The Trainer, modules and torch say in as many ways that a value cannot be.
        except (ArithmeticError, ImportError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ConfigurationError(f"These options cannot be: {_without_types(str(error))}") from error
        except MisconfigurationException as error:
            if "No supported gpu backend" not in str(error):
                raise
            raise ConfigurationError(
                "trainer.accelerator: gpu, but torch finds no GPU here. Set --trainer.accelerator=cpu (or auto), or "
                "install a CUDA build of torch."
            ) from error
        if self.trainer.accumulate_grad_batches < 1:
            raise ConfigurationError(
                f"trainer.accumulate_grad_batches: {self.trainer.accumulate_grad_batches}, but an update needs a batch "
                "at least. Set 1 or more."
            )

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the trainer; it reads checkpoints as plain values and goes on from no other run's."""
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
        """Look at machine and checkpoint before data are read, and let Lightning load weights only."""
        if self.subcommand is None:
            return
        if isinstance(self.trainer.accelerator, CPUAccelerator):
            take_one_thread()
        check_tasks(self.trainer)
        check_machine(self.trainer)
        # Lightning reads a checkpoint first and makes the model double then, which would round its weights.
        if self.trainer.precision == "64-true":
            self.model.double()
        options, config = self.config_init[self.subcommand], self.config[self.subcommand]
        options["weights_only"] = True
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
                f"{options['ckpt_path']} was saved with other options; remove it to start anew:\n{changes}"
            )
        # The log is the last, so that at the end of a run all files are there.
        callbacks = [
            RunState(now, own, origin.people),
            *([requeue] if requeue else []),
            WaitingForOthers(self.trainer),
            RunLog(),
        ]
        self.trainer.callbacks.extend(callbacks)  # type: ignore[attr-defined]  # made by a part of the Trainer
        if changes and self.subcommand == "fit":
            rank_zero_info(f"The run goes on with other options than the checkpoint was trained with:\n{changes}")
        elif changes:
            _log.warning(
                f"{options['ckpt_path']} is used with other options than it was trained with, so the answers are not "
                f"those of its run:\n{changes}\nWithout --config, the run's own options are taken."
            )
        if self.subcommand == "fit":
            config["ckpt_path"] = None  # config.yaml of a run that went on from another's checkpoint names its own

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed for initial weights, dropout and everything that the data module draws; what training logs."""
        parser.link_arguments("seed_everything", "data.init_args.seed")
        parser.add_lightning_class_args(Schedule, "schedule")
        parser.add_lightning_class_args(Monitor, "monitor")


class _Parser(LightningArgumentParser):
    """Says what is wrong with an option without printing every option there is."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        hint = "The option --help lists what can be set; --print_config shows what is."
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
    """Return what saves and requeues this run under SLURM, and begin to listen to its signals; None elsewhere."""
    job = job_id()
    if job is None:
        return None
    requeue = Requeue(state_file(run_folders(trainer)[0], job, config.as_dict()), job)
    requeue.listen()
    return requeue


def _deciding(config: Namespace) -> dict[str, str]:
    """Return the options that decide what is learned, by name, as text.

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
    """Return a line for each option that differs from those that a checkpoint was trained with, if they are known."""
    return "\n".join(
        f"  {name}: {before.get(name, 'not there')} → {now.get(name, 'not there')}"
        for name in sorted(before.keys() | now.keys())
        if before and before.get(name) != now.get(name)
    )


def _without_types(message: str) -> str:
    """Return the parser's message without its account of Python types; a line that is not known stays."""
    noise = ("Does not validate", "Subtypes:", "Errors:", "- Expected a <class 'NoneType'>", "Given value")
    lines = [line for line in message.strip().splitlines() if not line.strip().startswith(noise)]
    return "\n".join(lines)
