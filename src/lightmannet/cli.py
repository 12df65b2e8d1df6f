"""The commands ``lightning`` and ``lightmannet``, one program: Lightning's verbs, and this project's own."""

import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from jsonargparse import ArgumentParser, Namespace, auto_cli
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities import rank_zero_info

import data_modules
import lightmannet.learners  # noqa: F401  makes the methods known by their short names
from lightmannet.callbacks.monitor import Monitor
from lightmannet.callbacks.predictions import PredictionsFile
from lightmannet.callbacks.run_log import RunLog
from lightmannet.callbacks.run_state import RunState
from lightmannet.checkpoint import check_checkpoint
from lightmannet.config_file import check_words
from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.learners.base import Learner
from lightmannet.preflight import check_machine

_OWN = (
    "This project's own commands, each with its --help: table, methods, databases, databases check, check-release, "
    "synthesize, sweep, export, demo, predict CLIP, bench, bench-data, bench-answer."
)


def main(args: list[str] | None = None) -> None:
    """Run one command, e.g. ``main(["fit", "--config", "configs/lightmannet.yaml"])``.

    Args:
        args: The words after the program's name; None takes those of the command line.

    Raises:
        SystemExit: With code 2 after a plain message, if the user's data, options or files are at fault.
    """
    # Said by Lightning about its own code, on every run.
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices.*")
    warnings.filterwarnings("ignore", message="\\s*skip_none parameter was deprecated.*")
    # A run that goes on has a folder of its own, and should.
    warnings.filterwarnings("ignore", message="The dirpath has changed from.*")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_no_tip)
    words = sys.argv[1:] if args is None else args
    try:
        if words[:2] == ["databases", "check"]:
            _check_database(words[2:])
        elif words[:1] == ["predict"] and _is_for_clips(words):
            sys.exit(_predict_clips(words[1:]))
        elif words and words[0] in _COMMANDS:
            auto_cli(_COMMANDS[words[0]](), args=words[1:], prog=f"lightmannet {words[0]}", parser_class=_Switches)
        else:
            check_words(words)
            Lightning(args)
    # OSError: a full disk, no permission; its message names the file.
    except (LightmanNetError, MisconfigurationException, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _no_tip(record: logging.LogRecord) -> bool:
    """Return whether a note is none of Lightning's tips, which tell of other products."""
    return "💡 Tip" not in record.getMessage()


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
                "logger": {"class_path": "lightmannet.run_folder.RunFolder", "init_args": {"save_dir": "."}},
                "callbacks": [PredictionsFile()] if run else [],
                "plugins": [{"class_path": "lightmannet.checkpoint.SafeCheckpoints"}],
            },
            seed_everything_default=0,
            parser_kwargs={"epilog": _OWN},
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

    def instantiate_classes(self) -> None:
        """Make model, data module and trainer; what they say of an impossible option is passed on as it is."""
        try:
            super().instantiate_classes()
        # The Trainer, modules and torch say in as many ways that a value cannot be.
        except (ArithmeticError, ImportError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ConfigurationError(f"These options cannot be: {_plain(str(error))}") from error
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

    def after_instantiate_classes(self) -> None:
        """Look at machine and checkpoint before data are read, and let Lightning load weights only."""
        if self.subcommand is None:
            return
        check_machine(self.trainer)
        # Lightning reads a checkpoint first and makes the model double then, which would round its weights.
        if self.trainer.precision == "64-true":
            self.model.double()
        options = self.config_init[self.subcommand]
        now = _deciding(self.config[self.subcommand])
        if options.get("ckpt_path") not in (None, "best", "last", "hpc"):
            before = check_checkpoint(options["ckpt_path"], self.model, resume=self.subcommand == "fit")
            if self.subcommand == "fit":
                _report_changes(before, now)
        options["weights_only"] = True
        # The log is the last, so that at the end of a run all files are there.
        self.trainer.callbacks.extend([RunState(now), RunLog()])  # type: ignore[attr-defined]  # made by a part of the Trainer

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed for initial weights, dropout and everything that the data module draws; what training logs."""
        parser.link_arguments("seed_everything", "data.init_args.seed")
        parser.add_lightning_class_args(Monitor, "monitor")


class _Parser(LightningArgumentParser):
    """Says what is wrong with an option without printing every option there is."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        hint = "The option --help lists what can be set; --print_config shows what is."
        raise ConfigurationError(f"{_plain(message)}\n{hint}") from ex


class _Switches(ArgumentParser):
    """Takes an option that is true or false, given alone, for true: ``--fresh`` is ``--fresh=true``."""

    def add_argument(self, *names: Any, **options: Any) -> Any:
        if options.get("type") is bool:
            options |= {"nargs": "?", "const": True}
        return super().add_argument(*names, **options)


class _ConfigFile(SaveConfigCallback):
    """Writes the run's config.yaml and tells the logger, so that a dashboard can sort runs by their options."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.logger is not None:
            options = self.config.as_dict()
            chosen = {key: options[key] for key in ("seed_everything", "model", "data")}
            verb = trainer.state.fn.value if trainer.state.fn else stage
            trainer.logger.log_hyperparams({**chosen, "stage": verb})


def _deciding(config: Namespace) -> dict[str, str]:
    """Return the options that decide what is learned, by name, as text."""
    parts = ("seed_everything", "model", "data", "trainer.precision", "trainer.accumulate_grad_batches")
    return {name: str(value) for name, value in vars(config.as_flat()).items() if name.startswith(parts)}


def _report_changes(before: dict[str, str], now: dict[str, str]) -> None:
    """Say which options differ from those that a checkpoint was trained with."""
    changed = [
        f"  {name}: {before.get(name, 'not there')} → {now.get(name, 'not there')}"
        for name in sorted(before.keys() | now.keys())
        if before and before.get(name) != now.get(name)
    ]
    if changed:
        rank_zero_info(
            "The run goes on with other options than the checkpoint was trained with:\n" + "\n".join(changed)
        )


def _plain(message: str) -> str:
    """Return the parser's message without its account of Python types; a line that is not known stays."""
    noise = ("Does not validate", "Subtypes:", "Errors:", "- Expected a <class 'NoneType'>", "Given value")
    lines = [line for line in message.strip().splitlines() if not line.strip().startswith(noise)]
    return "\n".join(lines)


def _table() -> Callable[..., Any]:
    from lightmannet.benchmark.run import table

    return table


def _databases() -> Callable[..., Any]:
    from lightmannet.databases import databases

    return databases


def _check_database(words: list[str]) -> None:
    from lightmannet.databases import check

    check(words)


def _methods() -> Callable[..., Any]:
    from lightmannet.methods import methods

    return methods


def _check_release() -> Callable[..., Any]:
    from lightmannet.benchmark.check_release import check_release

    return check_release


def _synthesize() -> Callable[..., Any]:
    from data_modules.rendered.synthesize import synthesize

    return synthesize


def _is_for_clips(words: list[str]) -> bool:
    from lightmannet.inference.predict import is_ours

    return is_ours(words)


def _predict_clips(words: list[str]) -> int:
    from lightmannet.inference.predict import predict

    return predict(words)


def _export() -> Callable[..., Any]:
    from lightmannet.inference.export import export

    return export


def _sweep() -> Callable[..., Any]:
    from lightmannet.sweep.run import sweep

    return sweep


def _demo() -> Callable[..., Any]:
    from lightmannet.pictures.demo import demo

    return demo


def _bench() -> Callable[..., Any]:
    from lightmannet.benchmark.meta_step import bench

    return bench


def _bench_data() -> Callable[..., Any]:
    from lightmannet.benchmark.data import bench_data

    return bench_data


def _bench_answer() -> Callable[..., Any]:
    from lightmannet.benchmark.answer import bench_answer

    return bench_answer


_COMMANDS: dict[str, Callable[[], Callable[..., Any]]] = {
    "table": _table,
    "databases": _databases,
    "methods": _methods,
    "check-release": _check_release,
    "synthesize": _synthesize,
    "export": _export,
    "sweep": _sweep,
    "demo": _demo,
    "bench": _bench,
    "bench-data": _bench_data,
    "bench-answer": _bench_answer,
}
