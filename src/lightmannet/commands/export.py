"""The command ``lightmannet export``: make a bundle of a run's folder."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from data_modules.base import BatchPlan, SubjectDisjointDataModule
from data_modules.episodic import EpisodicDataModule
from data_modules.evaluation import TrainingSupport
from data_modules.frame_corpus import FrameCorpus
from lightmannet.checkpoint import check_checkpoint, read_checkpoint
from lightmannet.config_file import check_config_file
from lightmannet.episode import Clips, Trial
from lightmannet.errors import CheckpointError, ConfigurationError
from lightmannet.inference.bundle import Bundle, Draw, check_room, is_weight, write_bundle
from lightmannet.inference.calibration import apply_temperature, calibrate, calibration_error
from lightmannet.inference.card import Tested, model_card
from lightmannet.inference.onnx_file import check_onnx_is_there, onnx_file
from lightmannet.inference.parts import crop_words, learner_words, representation_words
from lightmannet.inference.provenance import Score
from lightmannet.inference.recogniser import Recogniser
from lightmannet.learners.base import Learner
from lightmannet.metrics.resampling import interval, resample
from lightmannet.metrics.scores import counts_by_group
from lightmannet.metrics.uf1_uar import unweighted_average_recall, unweighted_f1
from lightmannet.silence import silence_lightning

_COMPARED = 8  # clips that onnxruntime and torch are compared on


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
    learner_as_words, crop = learner_words(configuration["model"]), crop_words(source.crop)
    check_checkpoint(str(checkpoint), learner)
    weights = read_checkpoint(checkpoint)["state_dict"]
    learner.load_state_dict(weights)
    learner.eval()
    if isinstance(data, EpisodicDataModule):
        data.evaluation = TrainingSupport(draws=draws)
    data.prepare_data()
    data.setup("fit")
    calibration = calibrate(*_recognised(learner, data, data.validation), data.validation.subjects)
    tested = _tested(learner, data, calibration.temperature)
    corpus = data.corpus
    settings: dict[str, Any] = {
        "program": version("lightmannet"),
        "classes": list(corpus.classes),
        "learner": learner_as_words,
        "representation": representation_words(source.representation),
        "crop": crop,
        "missing_apex": source.missing_apex,
        "corpus": corpus.name,
        "synthetic": corpus.synthetic,
        "score": tested.score.as_settings(),
        "calibration": calibration.as_words(),
    }
    bank = _bank(learner, data, draws)
    seen = data.training.inputs[:_COMPARED]
    shape = tuple(seen.shape[1:]) if onnx else None
    counts, protocol = _counts(data), data.protocol.name
    card = model_card(settings, calibration, tested, counts, protocol, data.fold_number, len(bank), shape)
    own = {name: value for name, value in weights.items() if is_weight(name)}
    packed = Bundle(settings, own, bank, card)
    if onnx:
        adapted = Recogniser(learner, source.representation, source.crop, packed).network
        packed = replace(packed, onnx=onnx_file(adapted, settings, seen))
    write_bundle(Path(bundle), packed)
    print(f"Wrote {bundle}. {Path(bundle) / 'card.md'} says what it can and cannot do.")


def _configuration(run: Path) -> dict[str, Any]:
    path = run / "config.yaml"
    try:
        check_config_file(str(path))
        configuration = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{run}: is no folder of a run, as {path.name} cannot be read ({error}). Give the folder that `lightning "
            "fit` wrote, e.g. lightning_logs/version_0."
        ) from error
    if not isinstance(configuration, dict) or "model" not in configuration or "data" not in configuration:
        raise ConfigurationError(f"{path}: is no configuration of a run; give a folder that `lightning fit` wrote.")
    return configuration


def _checkpoint(run: Path) -> Path:
    found = sorted((run / "checkpoints").glob("*.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise CheckpointError(f"{run}: has no checkpoint (checkpoints/*.ckpt); let `lightning fit` finish first.")
    return found[-1]


def _recognised(learner: Learner, data: SubjectDisjointDataModule, clips: Clips) -> tuple[Tensor, Tensor]:
    """Return probabilities and labels of clips, each answered as in testing."""
    if not len(clips):
        return torch.zeros(0, 1), clips.labels
    plan: BatchPlan = data.recognition_plan(clips)
    rows, labels = [], []
    for number in range(len(plan)):
        batch = plan[0, number]
        assert isinstance(batch, Clips | Trial)
        rows.append(learner.recognise(batch).detach().cpu())
        labels.append((batch if isinstance(batch, Clips) else batch.query).labels)
    return torch.cat(rows).float(), torch.cat(labels)


def _tested(learner: Learner, data: SubjectDisjointDataModule, temperature: float) -> Tested:
    """Score the test people, who decide nothing; the interval is a bootstrap over people."""
    probabilities, labels = _recognised(learner, data, data.testing)
    probabilities = apply_temperature(probabilities, temperature)
    classes, answers = probabilities.shape[1], probabilities.argmax(1)
    people = sorted(set(data.testing.subjects))
    person = [people.index(subject) for subject in data.testing.subjects]
    cells = counts_by_group(labels.tolist(), answers.tolist(), person, len(people), classes)
    pooled = cells.sum(0)
    low, high = interval(unweighted_f1(resample(cells[None]))) if len(people) > 1 else (None, None)
    return Tested(
        score=Score(float(unweighted_f1(pooled)), low, high, len(people), len(labels)),
        uar=float(unweighted_average_recall(pooled)),
        accuracy=float(pooled.trace() / pooled.sum()),
        calibration_error=calibration_error(probabilities.max(1).values, answers == labels),
    )


def _bank(learner: Learner, data: SubjectDisjointDataModule, draws: int) -> tuple[Draw, ...]:
    if not learner.adapts or not isinstance(data, EpisodicDataModule):
        return ()
    nobody = data.training.select([])
    episodes = [data.sampler.draw(nobody, index) for index in range(draws)]
    return tuple(Draw(episode.support, episode.auxiliary) for episode in episodes)


def _counts(data: SubjectDisjointDataModule) -> Mapping[str, tuple[int, int]]:
    """Return people and clips of each part."""
    parts = {"training": data.training, "validation": data.validation, "test": data.testing}
    return {name: (len(set(clips.subjects)), len(clips)) for name, clips in parts.items()}
