"""Configured and trained runs in Python."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from data_modules.base import SubjectDisjointDataModule
from lightmannet.checkpoint import check_checkpoint, read_checkpoint
from lightmannet.config_file import check_config_file, check_yaml_arguments, with_packaged_configs
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner
from lightmannet.lightning_cli import Lightning
from lightmannet.own_data import with_own_data
from lightmannet.packaged import described
from lightmannet.trained_run import checkpoint_of_run, config_of_checkpoint


def load_run(run: str | Path) -> tuple[Learner, SubjectDisjointDataModule]:
    """Return a run's learner with its trained weights, in evaluation mode, and the data module it was trained with.

    Args:
        run: Folder of a run of ``lightning fit``, or a checkpoint in its ``checkpoints/``.

    Raises:
        CheckpointError: No or several checkpoints in the folder, or one that does not fit its configuration.
        ConfigurationError: There is no ``config.yaml``, or it cannot be used.

    Example::

        learner, data = lightmannet.load_run("lightning_logs/version_0")
        Trainer(accelerator="cpu", logger=False).test(learner, datamodule=data)
    """
    path = Path(run)
    checkpoint = path if path.suffix == ".ckpt" else checkpoint_of_run(path)
    content = read_checkpoint(checkpoint)
    config = config_of_checkpoint(checkpoint)
    check_config_file(str(config))
    options = yaml.safe_load(config.read_text(encoding="utf-8"))
    kept = {key: options[key] for key in ("seed_everything", "model", "data") if key in options}
    kept["trainer"] = {"logger": False, "accelerator": "cpu", "enable_checkpointing": False}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
        made = Lightning([f"--config={Path(folder) / 'config.yaml'}"], run=False)
    check_checkpoint(str(checkpoint), made.model)
    made.model.load_state_dict(content["state_dict"])
    return made.model.eval(), made.datamodule


def from_config(
    method: str | Path, data: str | Path | None = None, options: Mapping[str, Any] | None = None
) -> tuple[Learner, SubjectDisjointDataModule]:
    """Return the learner and the data module that ``lightning fit`` would make, with the same defaults and seed.

    The configuration's budget (``max_epochs``, ``accumulate_grad_batches``) is the trainer's, which stays yours.

    Args:
        method: Name of a configuration that comes with the package, e.g. ``lightmannet``, or the path of one.
        data: Name of a corpus (``lightmannet.datasets()``), or a folder or table of your own clips; None takes the
            configuration's own.
        options: Values by the names of the command line, e.g. ``{"data.init_args.fold": 1, "seed_everything": 2}``.

    Raises:
        ConfigurationError: No such configuration or corpus, or options that cannot be.
        DataError: Your own clips cannot be listed.

    Example::

        learner, data = lightmannet.from_config("lightmannet", options={"data.init_args.fold": 1})
    """
    words = [f"--config={method}", *([f"--data={data}"] if data is not None else [])]
    words += [f"--{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in _given(options)]
    words = with_packaged_configs(words)
    config = words[0].split("=", 1)[1]
    if not Path(config).is_file():
        raise ConfigurationError(f"There is no configuration {config!r}. These are: {', '.join(described())}.")
    check_yaml_arguments(words)
    trainer = ("logger=false", "enable_checkpointing=false", "accelerator=cpu")
    made = Lightning([*with_own_data(words), *(f"--trainer.{option}" for option in trainer)], run=False)
    return made.model, made.datamodule


def _given(options: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    trainer = [name for name in options or {} if name.startswith("trainer")]
    if trainer:
        raise ConfigurationError(f"{trainer[0]} is an option of the Trainer; give it to yours.")
    return [*(options or {}).items()]
