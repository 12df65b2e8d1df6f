"""The command ``lightmannet export``: make a bundle from a run's folder."""

import shlex
from pathlib import Path
from typing import Any

import yaml

from data_modules.exportable import export_obstacle
from data_modules.frame_corpus import FrameCorpus
from lightmannet.config_file import check_config_file
from lightmannet.errors import CheckpointError, ConfigurationError
from lightmannet.inference.bundle import check_room, write_bundle
from lightmannet.inference.onnx_file import check_onnx_is_there
from lightmannet.inference.pack import pack
from lightmannet.inference.parts import learner_spec, own_names
from lightmannet.inference.provenance import score_of
from lightmannet.silence import silence_lightning


def export(run: str, bundle: str, draws: int = 4, onnx: bool = False) -> None:
    """Pack a trained run into a bundle for recognising your own clips; the run's data must be available.

    Temperature and threshold are fitted on the run's validation people; its test people are only scored.

    Args:
        run: Folder of a run of ``lightning fit``, with ``config.yaml`` and ``checkpoints/``.
        bundle: Folder to write; an existing bundle is replaced.
        draws: Number of support sets of training people, at least 1, for methods that adapt.
        onnx: Also include the adapted network as model.onnx, for other programs.

    Raises:
        ConfigurationError: Draws below 1, a folder without a run, a run whose inputs or parts cannot be used for a
            user's own clips, or ONNX cannot be written.
        CheckpointError: There is no checkpoint, or it does not fit.
        DataError: The run's data cannot be read.
        BundleError: ``bundle`` contains something else, or onnxruntime's results differ from torch's.
    """
    from lightmannet.loading import load_run

    silence_lightning()
    if draws < 1:
        raise ConfigurationError(f"draws={draws}: at least 1 is needed")
    if onnx:
        check_onnx_is_there()
    check_room(Path(bundle))
    configuration = _configuration(Path(run))
    checkpoint = _checkpoint(Path(run))
    method = learner_spec(configuration["model"])
    learner, data = load_run(checkpoint)
    source = data.source
    if obstacle := export_obstacle(source):
        raise ConfigurationError(f"{run} cannot be exported: {obstacle}")
    assert isinstance(source, FrameCorpus)  # any other is an obstacle
    packed = pack(learner, method, data, source, draws, onnx)
    write_bundle(Path(bundle), packed)
    print(score_of(packed.settings))
    print(f"Wrote {bundle}. {Path(bundle) / 'card.md'} describes its purpose and limits.")
    if names := own_names(packed.settings["learner"]):
        print(f"It needs your own code, which whoever loads it must have and allow: --allow {','.join(names)}")
    print(f"Recognise clips: lightmannet predict CLIP --model {shlex.quote(bundle)}")


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
        raise CheckpointError(f"{run}: has no checkpoint (checkpoints/*.ckpt); finish `lightning fit` first.")
    return found[-1]
