"""Loading a trained run in Python."""

import tempfile
from pathlib import Path

import yaml

from data_modules.base import SubjectDisjointDataModule
from lightmannet.checkpoint import check_checkpoint, read_checkpoint
from lightmannet.config_file import check_config_file
from lightmannet.learners.base import Learner
from lightmannet.lightning_cli import Lightning
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
