"""Which checkpoint a command works on, and with which configuration."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightmannet.errors import CheckpointError, ConfigurationError

UNTRAINED = "untrained"
"""Value of ``--ckpt_path`` that scores the initial weights on purpose."""
_ELSEWHERE = {
    "best": "the best checkpoint of the process that trained",
    "hpc": "whichever checkpoint a scheduler left in the folder",
    "registry": "a model of Lightning's registry",
}


def with_config_of_checkpoint(words: Sequence[str]) -> list[str]:
    """Add ``--config`` to a command line that scores a checkpoint and names no configuration: that of its run.

    Args:
        words: The words after the program's name.

    Raises:
        ConfigurationError: There is no ``config.yaml`` beside the checkpoint.
    """
    named = any(word.startswith(("--config", "-c", "--model", "--print_config", "-h", "--help")) for word in words)
    checkpoint = _value("--ckpt_path", words)
    if words[:1] not in (["test"], ["validate"], ["predict"]) or named or checkpoint is None:
        return list(words)
    path = Path(checkpoint)
    if not path.is_file():
        return list(words)  # which is refused later, by name
    return [words[0], f"--config={config_of_checkpoint(path)}", *words[1:]]


def config_of_checkpoint(checkpoint: Path) -> Path:
    """Return the ``config.yaml`` of the run that a checkpoint lies in.

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
    """Return the one checkpoint in a run's folder.

    Raises:
        CheckpointError: There is none, or there are several.
    """
    found = sorted(run.glob("checkpoints/*.ckpt"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError(f"{run / 'checkpoints'}: there is no checkpoint. Give the folder of a finished fit.")
    names = ", ".join(path.name for path in found)
    raise CheckpointError(f"{found[0].parent} holds {len(found)} checkpoints: {names}. Give one by its path.")


def chosen_checkpoint(given: str | None, verb: str, configs: Iterable[str], trainer: Trainer) -> str | None:
    """Return the file that a verb loads, or None where it starts from the initial weights.

    Args:
        given: Value of ``--ckpt_path``.
        verb: fit, validate, test or predict.
        configs: Configuration files of the command line; a run's own names the run's own checkpoint.
        trainer: Its ``ModelCheckpoint`` says where ``last`` is looked for.

    Raises:
        ConfigurationError: Nothing trained is named where something is to be scored, or it is named in a way that means
            nothing in a new process.
        CheckpointError: There is no ``last`` checkpoint to score, or a run's folder holds several.
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


def _value(option: str, words: Sequence[str]) -> str | None:
    for number, word in enumerate(words):
        if word.startswith(f"{option}="):
            return word.split("=", 1)[1]
        if word == option and number + 1 < len(words):
            return words[number + 1]
    return None
