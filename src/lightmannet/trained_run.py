"""The checkpoint that a command uses, and its configuration."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightmannet.errors import CheckpointError, ConfigurationError

UNTRAINED = "untrained"
"""Value of ``--ckpt_path`` for the initial weights."""
_ELSEWHERE = {
    "best": "the best checkpoint of the process that trained",
    "hpc": "any checkpoint that a scheduler left in the folder",
    "registry": "a model of Lightning's registry",
}


def with_config_of_checkpoint(arguments: Sequence[str]) -> list[str]:
    """Add the run's ``--config`` to a command line that names a checkpoint but no configuration.

    Args:
        arguments: Arguments after the program's name.

    Raises:
        ConfigurationError: There is no ``config.yaml`` next to the checkpoint.
    """
    named = any(
        argument.startswith(("--config", "-c", "--model", "--print_config", "-h", "--help")) for argument in arguments
    )
    checkpoint = _value("--ckpt_path", arguments)
    if arguments[:1] not in (["test"], ["validate"], ["predict"]) or named or checkpoint is None:
        return list(arguments)
    path = Path(checkpoint)
    if not path.is_file():
        return list(arguments)  # refused later with its name
    return [arguments[0], f"--config={config_of_checkpoint(path)}", *arguments[1:]]


def config_of_checkpoint(checkpoint: Path) -> Path:
    """Return the ``config.yaml`` of a checkpoint's run.

    Raises:
        ConfigurationError: There is none.
    """
    for folder in (checkpoint.parent, checkpoint.parent.parent):
        if (folder / "config.yaml").is_file():
            return folder / "config.yaml"
    raise ConfigurationError(
        f"{checkpoint}: there is no config.yaml in its folder or the one above, so the run's options are unknown. Give "
        "the configuration it was trained with by --config."
    )


def checkpoint_of_run(run: Path) -> Path:
    """Return the only checkpoint in a run's folder.

    Raises:
        CheckpointError: There is none, or there are several.
    """
    found = sorted(run.glob("checkpoints/*.ckpt"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError(f"{run / 'checkpoints'}: there is no checkpoint. Give the folder of a finished fit.")
    names = ", ".join(path.name for path in found)
    raise CheckpointError(f"{found[0].parent} has {len(found)} checkpoints: {names}. Give the path of one.")


def chosen_checkpoint(given: str | None, verb: str, configs: Iterable[str], trainer: Trainer) -> str | None:
    """Return the file that a verb loads, or None where it starts from the initial weights.

    Args:
        given: Value of ``--ckpt_path``.
        verb: fit, validate, test or predict.
        configs: Configuration files of the command line; that of a run implies the run's checkpoint.
        trainer: Its ``ModelCheckpoint`` determines the folder of ``last``.

    Raises:
        ConfigurationError: A verb that needs a trained network got none, or a name that means nothing in a new
            process.
        CheckpointError: There is no ``last`` checkpoint, or a run's folder has several.
    """
    if given == UNTRAINED:
        return None
    if given in _ELSEWHERE:
        raise ConfigurationError(f"--ckpt_path={given} means {_ELSEWHERE[given]}. Give the path of a .ckpt file.")
    if given == "last":
        found = _last(trainer)
        if found is None and verb != "fit":
            raise CheckpointError(
                "--ckpt_path=last: there is no last*.ckpt where this configuration's ModelCheckpoint writes (its "
                "dirpath). Give the path of a .ckpt file."
            )
        return found
    if given is not None or verb == "fit":
        return given
    for config in reversed([*configs]):
        if (Path(config).parent / "checkpoints").is_dir():
            return str(checkpoint_of_run(Path(config).parent))
    raise ConfigurationError(
        f"lightning {verb} needs a trained network: give a .ckpt file by --ckpt_path, or --ckpt_path={UNTRAINED} to "
        "use the initial weights."
    )


def _last(trainer: Trainer) -> str | None:
    found: list[Path] = []
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath:
            found += Path(callback.dirpath).glob(f"{callback.CHECKPOINT_NAME_LAST}*.ckpt")
    return str(max(found, key=lambda path: path.stat().st_mtime_ns)) if found else None


def _value(option: str, arguments: Sequence[str]) -> str | None:
    for number, argument in enumerate(arguments):
        if argument.startswith(f"{option}="):
            return argument.split("=", 1)[1]
        if argument == option and number + 1 < len(arguments):
            return arguments[number + 1]
    return None
