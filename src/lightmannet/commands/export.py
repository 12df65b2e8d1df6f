"""The command ``lightmannet export``: make a bundle of a run's folder."""

import shlex
import tempfile
from pathlib import Path
from typing import Any

import yaml

from data_modules.frame_corpus import FrameCorpus
from lightmannet.checkpoint import check_checkpoint, read_checkpoint
from lightmannet.config_file import check_config_file
from lightmannet.errors import CheckpointError, ConfigurationError
from lightmannet.inference.bundle import check_room, write_bundle
from lightmannet.inference.onnx_file import check_onnx_is_there
from lightmannet.inference.pack import pack
from lightmannet.inference.parts import crop_spec, learner_spec
from lightmannet.inference.provenance import score_of
from lightmannet.silence import silence_lightning


def export(run: str, bundle: str, draws: int = 4, onnx: bool = False) -> None:
    """Pack a trained run into a bundle that answers for your own clips; the run's data must be there.

    Temperature and threshold are fitted on the run's validation people; its test people are only scored.

    Args:
        run: Folder of a run of ``lightning fit``, with ``config.yaml`` and ``checkpoints/``.
        bundle: Folder to write; a bundle there is replaced.
        draws: Support sets of training people that go into it, at least 1, for methods that adapt.
        onnx: Put the adapted network into it as model.onnx as well, for other programs.

    Raises:
        ConfigurationError: Draws below 1, the folder is no run, the run's inputs or parts cannot serve a user's own
            clip, or ONNX is asked for and cannot be written.
        CheckpointError: There is no checkpoint, or it does not fit.
        DataError: The run's data cannot be read.
        BundleError: ``bundle`` holds something else, or onnxruntime's answers differ from torch's.
    """
    from lightmannet.lightning_cli import Lightning

    silence_lightning()
    if draws < 1:
        raise ConfigurationError(f"draws={draws}: at least 1 is needed")
    if onnx:
        check_onnx_is_there()
    check_room(Path(bundle))
    configuration = _configuration(Path(run))
    checkpoint = _checkpoint(Path(run))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        kept: dict[str, Any] = {
            key: configuration[key] for key in ("seed_everything", "model", "data") if key in configuration
        }
        kept["trainer"] = {"logger": False, "accelerator": "cpu", "enable_checkpointing": False}
        path.write_text(yaml.safe_dump(kept), encoding="utf-8")
        made = Lightning([f"--config={path}"], run=False)
    learner, data = made.model, made.datamodule
    source = data.source
    if not isinstance(source, FrameCorpus):
        raise ConfigurationError(
            f"{run}: was trained on {type(source).__name__}, whose inputs were not made of frames by this program, so "
            "they cannot be made of your own clips. Train with configs/data/synthetic.yaml or that of a database."
        )
    method = learner_spec(configuration["model"])
    crop_spec(source.crop)  # refuses a crop before data are read
    check_checkpoint(str(checkpoint), learner)
    learner.load_state_dict(read_checkpoint(checkpoint)["state_dict"])
    packed = pack(learner.eval(), method, data, source, draws, onnx)
    write_bundle(Path(bundle), packed)
    print(score_of(packed.settings))
    print(f"Wrote {bundle}. {Path(bundle) / 'card.md'} says what it can and cannot do.")
    print(f"Answers for clips: lightmannet predict CLIP --model {shlex.quote(bundle)}")


def _configuration(run: Path) -> dict[str, Any]:
    path = run / "config.yaml"
    try:
        check_config_file(str(path))
        configuration = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{run}: not the folder of a run, as {path.name} cannot be read ({error}). Give the folder that `lightning "
            "fit` wrote, e.g. lightning_logs/version_0."
        ) from error
    if not isinstance(configuration, dict) or "model" not in configuration or "data" not in configuration:
        raise ConfigurationError(f"{path}: not the configuration of a run; give a folder that `lightning fit` wrote.")
    return configuration


def _checkpoint(run: Path) -> Path:
    found = sorted((run / "checkpoints").glob("*.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise CheckpointError(f"{run}: has no checkpoint (checkpoints/*.ckpt); let `lightning fit` finish first.")
    return found[-1]
