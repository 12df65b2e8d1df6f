"""Monitor training: losses of both branches, gain by adapting, learning rates, speed and memory."""

import resource
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode, MetaBatch
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import EpisodicLearner, tasks_of
from lightmannet.learners.inner_loop import InnerLoopLearner


class Monitor(Callback):
    """Logs more about training than its loss; it changes neither weights nor the random state.

    At every n-th update, the first batch is inspected before the update, without dropout: the losses of both branches
    and the cosine of their gradients on the encoder (``branch/…``); for methods with an inner loop also the losses
    before and after it, on the support and on the query (``task/…``). At the end of each epoch, learning rates, learned
    inner rates, speed and memory are logged. Without a logger nothing is computed.

    Args:
        every_n_steps: n, >= 0; 0 inspects no batch. An inspection costs about as much as a first-order task.

    Raises:
        ConfigurationError: A negative n.
    """

    def __init__(self, every_n_steps: int = 8) -> None:
        if every_n_steps < 0:
            raise ConfigurationError(f"monitor.every_n_steps must be 0 or more, but is {every_n_steps}.")
        self.every_n_steps = every_n_steps
        self._seen, self._kind, self._begun, self._last = 0, "clips", 0.0, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start measuring; Lightning announces no epoch start where a run resumes within an epoch."""
        self._begin()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start measuring this epoch."""
        self._begin()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Inspect the batch if it is its turn."""
        first = batch_idx % trainer.accumulate_grad_batches == 0
        if not trainer.loggers or not self.every_n_steps or not first or trainer.global_step % self.every_n_steps:
            return
        assert isinstance(pl_module, Learner)
        with trainer.precision_plugin.forward_context():
            values = inspect_batch(pl_module, batch)
        self._log(trainer, values)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Clips | Episode | MetaBatch,
        batch_idx: int,
    ) -> None:
        """Count what was trained on."""
        tasks = tasks_of(batch) if isinstance(batch, Episode | MetaBatch) else ()
        self._kind = "episodes" if tasks else "clips"
        self._seen += len(tasks) if isinstance(batch, Episode | MetaBatch) else len(batch)
        self._last = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log rates, speed and memory of the epoch."""
        if not trainer.loggers:
            return
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        rates = {f"optimizer/learning_rate_{number}": group["lr"] for number, group in enumerate(groups)}
        speed = self._seen * trainer.world_size / max(self._last - self._begun, 1e-9)
        measured = {f"speed/{self._kind}_per_second": speed, "memory/peak_mib": _peak_memory(pl_module.device)}
        self._log(trainer, {**rates, **_inner_rates(pl_module), **measured})

    def _begin(self) -> None:
        self._seen, self._begun = 0, time.perf_counter()
        self._last = self._begun

    def _log(self, trainer: Trainer, values: dict[str, float]) -> None:
        for logger in trainer.loggers if values else []:
            logger.log_metrics({**values, "epoch": trainer.current_epoch}, step=trainer.global_step)


def inspect_batch(learner: Learner, batch: Clips | Episode | MetaBatch) -> dict[str, float]:
    """Return the losses of both branches, the cosine of their gradients, and the losses around the inner loop.

    Args:
        learner: The learner, which is left unchanged.
        batch: Clips, a task, or several of which the first is inspected; on the learner's device.
    """
    if isinstance(batch, MetaBatch):
        batch = batch.episodes[0]
    if isinstance(learner, EpisodicLearner) and learner.current_epoch < learner.warm_start.epochs:
        return {}
    modes = [(module, module.training) for module in learner.modules()]
    learner.eval()
    try:
        values = _branches(learner, batch)
        if isinstance(learner, InnerLoopLearner) and isinstance(batch, Episode):
            values |= _around_the_inner_loop(learner, batch)
    finally:
        for module, training in modes:
            module.training = training
    return values


def _branches(learner: Learner, batch: Clips | Episode) -> dict[str, float]:
    losses = learner.branch_losses(batch)
    if losses is None:
        return {}
    shared = [parameter for parameter in learner.network.encoder.parameters() if parameter.requires_grad]
    first, second = (_gradient(loss, shared) for loss in losses)
    values = {"branch/primary": losses[0], "branch/auxiliary": losses[1]}
    values["branch/gradient_cosine"] = F.cosine_similarity(first, second, dim=0)
    return {name: float(value.detach()) for name, value in values.items()}


def _gradient(loss: Tensor, parameters: list[nn.Parameter]) -> Tensor:
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in gradients])


def _around_the_inner_loop(learner: InnerLoopLearner, task: Episode) -> dict[str, float]:
    values: dict[str, float] = {}
    path = learner.inner_path(lambda network: learner.inner_loss(network, task.support, task.auxiliary))
    for step, network in enumerate(path):
        # Each step changes the same copy, so its losses are computed immediately.
        if step in (0, learner.inner.steps):
            with torch.no_grad():
                inner = learner.inner_losses(network, task.support, task.auxiliary)
                query = F.cross_entropy(network(task.query.inputs), task.query.labels)
            losses = {"support": inner.primary, "auxiliary": inner.auxiliary, "query": query}
            # Without inner steps, before and after are the same.
            for when in ("before",) * (step == 0) + ("after",) * (step == learner.inner.steps):
                values |= {f"task/{name}_{when}": float(v) for name, v in losses.items() if v is not None}
    return values


def _inner_rates(learner: LightningModule) -> dict[str, float]:
    """Return mean, minimum and maximum of several inner rates; a single one is logged by its method."""
    if not isinstance(learner, InnerLoopLearner) or learner.inner_rates is None:
        return {}
    rates = torch.cat([rate.detach().flatten() for rate in learner.inner_rates])
    names = {"mean": rates.mean(), "min": rates.min(), "max": rates.max()}
    return {f"task/inner_rate_{name}": float(value) for name, value in names.items()}


def _peak_memory(device: torch.device) -> float:
    """Return the peak memory in MiB, of the GPU or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
