"""Making a bundle from a trained learner and its data."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from data_modules.base import BatchPlan, SubjectDisjointDataModule
from data_modules.episodic import EpisodicDataModule
from data_modules.evaluation import TrainingSupport
from data_modules.frame_corpus import FrameCorpus
from lightmannet.episode import Clips, Trial
from lightmannet.inference.adapt import adapted_network
from lightmannet.inference.bundle import Bundle, Draw, is_weight
from lightmannet.inference.calibration import apply_temperature, calibrate, calibration_error
from lightmannet.inference.card import Tested, model_card
from lightmannet.inference.onnx_file import onnx_file
from lightmannet.inference.parts import Spec, crop_spec, representation_spec
from lightmannet.inference.provenance import Score
from lightmannet.learners.base import Learner
from lightmannet.metrics.resampling import interval, resample
from lightmannet.metrics.scores import counts_by_group, score

_COMPARED = 8  # clips for comparing onnxruntime and torch


def pack(
    learner: Learner,
    learner_spec: Spec,
    data: SubjectDisjointDataModule,
    source: FrameCorpus,
    draws: int,
    onnx: bool = False,
) -> Bundle:
    """Return a bundle of a trained learner; temperature and threshold are fitted on validation people.

    Args:
        learner: The trained method, in evaluation mode.
        learner_spec: Its specification.
        data: Its data, which are read here.
        source: The data's corpus.
        draws: Number of support sets in the bundle, for methods that adapt.
        onnx: Whether to include the adapted network as ONNX.

    Raises:
        ConfigurationError: A crop that cannot serve a user's own clip, or a network that cannot be written as ONNX.
        DataError: The data cannot be read.
        BundleError: onnxruntime's answers differ from torch's.
    """
    crop = crop_spec(source.crop)
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
        "learner": learner_spec,
        "representation": representation_spec(source.representation),
        "crop": crop,
        "missing_apex": source.missing_apex,
        "corpus": corpus.name,
        "synthetic": corpus.synthetic,
        "score": tested.score.as_settings(),
        "calibration": calibration.as_settings(),
    }
    bank = _bank(learner, data, draws)
    compared = data.training.inputs[:_COMPARED]
    shape = tuple(compared.shape[1:]) if onnx else None
    counts, protocol = _counts(data), data.protocol.name
    card = model_card(settings, calibration, tested, counts, protocol, data.fold_number, len(bank), shape)
    weights = {name: value for name, value in learner.state_dict().items() if is_weight(name)}
    bundle = Bundle(settings, weights, bank, card)
    return replace(bundle, onnx=onnx_file(adapted_network(learner, bank, None), settings, compared)) if onnx else bundle


def _recognised(learner: Learner, data: SubjectDisjointDataModule, clips: Clips) -> tuple[Tensor, Tensor]:
    """Return probabilities and labels of clips, recognised as in testing."""
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
    """Score the test people, who influence nothing; the interval is a bootstrap over people."""
    probabilities, labels = _recognised(learner, data, data.testing)
    probabilities = apply_temperature(probabilities, temperature)
    classes, answers = probabilities.shape[1], probabilities.argmax(1)
    people = sorted(set(data.testing.subjects))
    person = [people.index(subject) for subject in data.testing.subjects]
    cells = counts_by_group(labels.tolist(), answers.tolist(), person, len(people), classes)
    pooled = cells.sum(0)
    low, high = interval(score(resample(cells[None]), "uf1")) if len(people) > 1 else (None, None)
    return Tested(
        score=Score(float(score(pooled, "uf1")), low, high, len(people), len(labels)),
        uar=float(score(pooled, "uar")),
        accuracy=float(score(pooled, "accuracy")),
        calibration_error=calibration_error(probabilities.max(1).values, answers == labels),
    )


def _bank(learner: Learner, data: SubjectDisjointDataModule, draws: int) -> tuple[Draw, ...]:
    if not learner.adapts or not isinstance(data, EpisodicDataModule):
        return ()
    nobody = data.training.select([])
    shots = data.evaluation.most_shots if isinstance(data.evaluation, TrainingSupport) else None
    episodes = [data.sampler.draw(nobody, index, shots) for index in range(draws)]
    return tuple(Draw(episode.support, episode.auxiliary) for episode in episodes)


def _counts(data: SubjectDisjointDataModule) -> Mapping[str, tuple[int, int]]:
    """Return people and clips of each part."""
    parts = {"training": data.training, "validation": data.validation, "test": data.testing}
    return {name: (len(set(clips.subjects)), len(clips)) for name, clips in parts.items()}
