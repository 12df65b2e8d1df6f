"""The base class of methods: Lightning modules that ``adapt`` to labelled clips and ``predict`` others."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from jaxtyping import Float
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from lightmannet.episode import Clips, Episode, MetaBatch, Trial, Views, concatenate
from lightmannet.errors import ConfigurationError
from lightmannet.metrics import UnweightedAverageRecall, UnweightedF1
from lightmannet.networks import TwoBranchNetwork


class Predictor:
    """A trained network.

    Args:
        network: Maps inputs to class scores (logits).
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    @torch.no_grad()
    def predict(self, clips: Clips) -> Float[Tensor, "clip class"]:
        """Return class probabilities, each row independent of the other clips."""
        training = self.network.training
        self.network.eval()
        logits = self.network(clips.inputs)
        # At least float32: bfloat16 would leave three digits of a probability.
        probabilities = torch.softmax(logits, dim=1, dtype=torch.promote_types(logits.dtype, torch.float32))
        self.network.train(training)
        return probabilities


class Learner(LightningModule, ABC):
    """Parent of the methods: optimiser, recognition and scores; a method adds its training step and its ``adapt``.

    Args:
        network: The network that learns.
        learning_rate: Step size of AdamW (the outer one, β, where there are two), >= 0.
        weight_decay: Decoupled weight decay of AdamW, >= 0; what a method learns beside the network does not decay.

    Raises:
        ConfigurationError: A value outside its range.
    """

    takes_gradients = False
    """Whether training computes gradients itself, in addition to Lightning's."""
    aligns = False
    """Whether adapting to a task brings its micro- and macro-expressions together in feature space."""

    def __init__(self, network: TwoBranchNetwork, learning_rate: float, weight_decay: float) -> None:
        super().__init__()
        if not (0 <= learning_rate < math.inf and 0 <= weight_decay < math.inf):
            raise ConfigurationError(
                f"A learner needs learning_rate >= 0 and weight_decay >= 0, but has learning_rate: {learning_rate}, "
                f"weight_decay: {weight_decay}."
            )
        self.network, self.learning_rate, self.weight_decay = network, learning_rate, weight_decay
        # ``val`` only scores people set aside from training; ``test`` scores are never used to choose anything.
        self.scores = nn.ModuleDict({"val": self._metrics("val"), "test": self._metrics("test")})
        self.mean_loss = MeanMetric()
        # In the checkpoint, so that the mean over an epoch is the same when a run goes on in the middle of it.
        self.mean_loss.persistent(True)

    @property
    def adapts(self) -> bool:
        """Whether the method learns anything from a support set."""
        return type(self).adapt is not Learner.adapt

    @classmethod
    def load_from_checkpoint(
        cls,
        checkpoint_path: Any,
        map_location: Any = None,
        hparams_file: Any = None,
        strict: bool | None = None,
        weights_only: bool | None = True,
        **kwargs: Any,
    ) -> Self:
        """Return a learner with a checkpoint's weights; its own arguments, as ``network``, are given by keyword.

        A checkpoint holds weights and text, never objects. ``lightmannet.load_run`` makes them from the run's
        ``config.yaml``.

        Raises:
            ConfigurationError: An argument without a default is not given.
        """
        try:
            return super().load_from_checkpoint(
                checkpoint_path, map_location, hparams_file, strict, weights_only, **kwargs
            )
        except TypeError as error:
            if "missing" not in str(error):
                raise
            raise ConfigurationError(
                f"{error}. A checkpoint holds no objects: pass the arguments, e.g. {cls.__name__}.load_from_checkpoint("
                "path, network=...), or use lightmannet.load_run(RUN), which makes them from the run's config.yaml."
            ) from error

    def adapt(self, support: Clips, auxiliary: Clips | None) -> Predictor:
        """Return a predictor that has adapted to the task; the learner itself does not change.

        This one, for methods that do not adapt, ignores the task.
        """
        return Predictor(self.network)

    def predict(self, clips: Clips) -> Float[Tensor, "clip class"]:
        """Return class probabilities without adapting to anything."""
        return Predictor(self.network).predict(clips)

    def recognise(self, batch: Clips | Trial | Views, adapt: bool = True) -> Float[Tensor, "clip class"]:
        """Return class probabilities, averaged over the support draws of a trial and over the views of a clip.

        Args:
            batch: Clips to recognise.
            adapt: Adapt to the supports of a trial; false asks the network as it was trained.
        """
        if isinstance(batch, Views):
            each = self.recognise(batch.batch, adapt)
            return each.reshape(batch.count, len(each) // batch.count, each.shape[1]).mean(0)
        if isinstance(batch, Clips) or not (adapt and self.adapts and len(batch.query)):
            return self.predict(tested_clips(batch))
        return torch.stack([self.adapt(e.support, e.auxiliary).predict(batch.query) for e in batch.episodes]).mean(0)

    @abstractmethod
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of one batch, which Lightning minimises."""

    def validation_step(self, batch: Clips | Trial | Views, batch_idx: int) -> None:
        """Score people set aside from training."""
        self._score("val", batch)

    def test_step(self, batch: Clips | Trial | Views, batch_idx: int) -> None:
        """Score the fold's test people."""
        self._score("test", batch)

    def predict_step(self, batch: Clips | Trial | Views, batch_idx: int) -> tuple[Clips, Float[Tensor, "clip class"]]:
        """Return the clips with their class probabilities."""
        return tested_clips(batch), self.recognise(batch)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW over all parameters."""
        return torch.optim.AdamW(self.parameter_groups(), self.learning_rate, weight_decay=self.weight_decay)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters as groups of AdamW: the network, then the rest, which does not decay."""
        beside: dict[float | None, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            if not name.startswith("network."):
                beside.setdefault(self.step_size(name), []).append(parameter)
        return [{"params": list(self.network.parameters())}] + [
            {"params": parameters, "weight_decay": 0.0, **({} if size is None else {"lr": size})}
            for size, parameters in beside.items()
        ]

    def step_size(self, parameter: str) -> float | None:
        """Return the step size of a parameter beside the network; None takes the learning rate.

        Args:
            parameter: Its name, as ``named_parameters`` has it.
        """
        return None

    def branch_losses(self, batch: Clips | Episode) -> tuple[Float[Tensor, ""], Float[Tensor, ""]] | None:
        """Return the primary and the auxiliary loss of a batch at the current weights, for monitoring.

        None for a method with a single loss, or a batch without data for the second one.
        """
        return None

    def log_loss(self, loss: Float[Tensor, ""], clips: int) -> None:
        """Log ``train/loss``, the mean over the epoch, in which this batch counts as ``clips`` clips."""
        self.mean_loss.update(loss.detach(), clips)
        self.log("train/loss", self.mean_loss, on_epoch=True, on_step=False, prog_bar=True, batch_size=clips)

    def on_fit_start(self) -> None:
        """Check the precision, and adapt that of the mean loss.

        Raises:
            ConfigurationError: Half precision, for a method that takes gradients of its own.
        """
        if self.takes_gradients and self.trainer.precision in ("16-mixed", "16-true"):
            raise ConfigurationError(
                f"{type(self).__name__} takes gradients within its loss, and float16 rounds small ones to zero: the "
                "scaling that guards Lightning's own gradients does not reach them. Set trainer.precision: bf16-mixed."
            )
        # A metric keeps float32 when its module becomes double.
        self.mean_loss.set_dtype(torch.promote_types(next(self.parameters()).dtype, torch.float32))

    def on_train_epoch_start(self) -> None:
        """Begin a new mean; Lightning does not call this when resuming within an epoch."""
        self.mean_loss.reset()

    def on_train_epoch_end(self) -> None:
        """Stop a training that has diverged.

        Raises:
            ConfigurationError: A weight is infinite or not a number, so that every answer would be meaningless.
        """
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters()):
            raise ConfigurationError(
                f"Training diverged in epoch {self.current_epoch}: weights are infinite or not a number. Lower the "
                "learning rate, or set trainer.gradient_clip_val."
            )

    def on_train_start(self) -> None:
        """Restore step sizes and weight decay from the options, which a checkpoint overrides."""
        fresh = self.configure_optimizers()
        optimizer = fresh["optimizer"] if isinstance(fresh, dict) else fresh
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group, wanted in zip(self.trainer.optimizers[0].param_groups, optimizer.param_groups, strict=True):
            group.update({name: wanted[name] for name in ("lr", "initial_lr", "weight_decay") if name in wanted})
        for config in self.trainer.lr_scheduler_configs:
            schedule = config.scheduler
            assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
            schedule.base_lrs = [group["initial_lr"] for group in schedule.optimizer.param_groups]
            for group, factor in zip(schedule.optimizer.param_groups, schedule.lr_lambdas, strict=True):
                group["lr"] = group["initial_lr"] * factor(schedule.last_epoch)

    def _score(self, part: str, batch: Clips | Trial | Views) -> None:
        clips = tested_clips(batch)
        scores = self.scores[part]
        assert isinstance(scores, MetricCollection)
        # With fewer batches than devices some device gets an empty one: it has nothing to add but must take part.
        if len(clips):
            scores.update(self.recognise(batch), clips.labels)
        size = max(len(clips), 1)
        self.log_dict(dict(scores.items()), on_step=False, on_epoch=True, prog_bar=part == "val", batch_size=size)

    def _metrics(self, part: str) -> MetricCollection:
        classes = self.network.mer_head.out_features
        return MetricCollection(
            {
                "uf1": UnweightedF1(classes),
                "uar": UnweightedAverageRecall(classes),
                "accuracy": MulticlassAccuracy(classes, average="micro"),
            },
            prefix=f"{part}/",
        )


def tested_clips(batch: Clips | Trial | Views) -> Clips:
    """Return the clips of a batch to recognise."""
    return batch if isinstance(batch, Clips) else batch.query


def micro_clips(batch: Clips | Episode | MetaBatch) -> Clips:
    """Return a batch as plain clips: of a task, its support and query, which are a class-balanced batch.

    Raises:
        ConfigurationError: The batch holds several tasks.
    """
    if isinstance(batch, MetaBatch):
        raise ConfigurationError(
            "Methods that do not learn from tasks take the clips of one task a step. Set the data module's "
            "tasks_per_step: 1; trainer.accumulate_grad_batches adds up several."
        )
    return batch if isinstance(batch, Clips) else concatenate(batch.support, batch.query)


def macro_clips(batch: Clips | Episode, method: str) -> Clips:
    """Return the macro-expressions of a task.

    Args:
        batch: The task.
        method: Name of the method, for the message.

    Raises:
        ConfigurationError: It has none.
    """
    macro = batch.auxiliary if isinstance(batch, Episode) else None
    if macro is None:
        raise ConfigurationError(
            f"{method} learns from macro-expressions, but the batch has none. Use EpisodicDataModule and set its "
            "auxiliary to CorpusMacro, MagnifiedMicro or SyntheticMacro."
        )
    return macro


@contextmanager
def differentiable(support: Clips, auxiliary: Clips | None = None) -> Iterator[tuple[Clips, Clips | None]]:
    """Enable gradients in any mode, and yield clips for which they can be computed.

    Lightning tests in inference mode, whose tensors cannot be differentiated: it is left, and the inputs copied out.
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield _usable(support), None if auxiliary is None else _usable(auxiliary)


def _usable(clips: Clips) -> Clips:
    return clips.select(range(len(clips))) if clips.inputs.is_inference() else clips
