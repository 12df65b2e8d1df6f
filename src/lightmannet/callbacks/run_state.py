"""State beyond weights and optimiser that a checkpoint needs for an exact resumption."""

import hashlib
import logging
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info

from lightmannet.checkpoint import OPTIONS, PEOPLE
from lightmannet.errors import CheckpointError

CLIPS = "training_clips"
"""Key of the digest of the training clips in a checkpoint."""
_GRADIENTS = "gradients"
_log = logging.getLogger(__name__)


class RunState(Callback):
    """Stores and restores the random state and accumulated gradients; stores options and people.

    Batches need no state: each is a function of seed, epoch and number. Dropout does: it draws from torch's generators.

    Args:
        options: Name and value of each option of the run, as text.
        own: Whether the run resumes from its own checkpoint, so that other training clips are an error.
        people: Names of the people that the loaded checkpoint has learned from.
    """

    def __init__(self, options: dict[str, str], own: bool = False, people: frozenset[str] = frozenset()) -> None:
        self.options, self.own, self.people = options, own, people
        self._restored: dict[str, Any] | None = None
        self._gradients: dict[str, torch.Tensor] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Warn if the checkpoint is scored on people it has learned from."""
        if stage == "fit" or not self.people or not trainer.is_global_zero:
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]  # the command line makes such data modules
        tested = sorted(set((data.validation if stage == "validate" else data.testing).subjects))
        if seen := [person for person in tested if person in self.people]:
            more = f" and {len(seen) - 3} more" if len(seen) > 3 else ""
            _log.warning(
                f"The checkpoint has learned from {len(seen)} of the {len(tested)} people on whom it is scored "
                f"({', '.join(seen[:3])}{more}), so the score says nothing about unseen people. Without --config, the "
                "run's own fold is used."
            )

    def state_dict(self) -> dict[str, Any]:
        """Return the states of torch's generators."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the states until training starts, as setting up may draw numbers."""
        self._restored = state_dict

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add options, people, a digest of the clips and partly accumulated gradients to the checkpoint."""
        checkpoint[OPTIONS] = self.options
        training = trainer.datamodule.training  # type: ignore[attr-defined]  # as above
        checkpoint[PEOPLE] = sorted(self.people.union(training.subjects))
        checkpoint[CLIPS] = _digest(trainer)
        done = trainer.fit_loop.batch_idx + 1
        # With several processes, states are saved where an update is complete.
        if done % trainer.accumulate_grad_batches and done < trainer.num_training_batches and trainer.world_size == 1:
            parameters = pl_module.named_parameters()
            checkpoint[_GRADIENTS] = {name: p.grad.detach().cpu() for name, p in parameters if p.grad is not None}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Compare a resumed fit's clips with those of the checkpoint, and keep its gradients.

        Raises:
            CheckpointError: The run's own training clips have changed.
        """
        if trainer.state.fn != "fit":
            return
        self._gradients = checkpoint.get(_GRADIENTS, {})
        if checkpoint.get(CLIPS, _digest(trainer)) != _digest(trainer):
            said = "The run resumes with other training clips than the checkpoint's"
            if self.own:
                raise CheckpointError(f"{said}: the data have changed. Restore them, or start again.")
            rank_zero_info(f"{said}.")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore torch's generators and the gradients from the checkpoint."""
        for name, parameter in pl_module.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter)
        self._gradients = {}
        if self._restored is None:
            return
        torch.set_rng_state(self._restored["cpu"].cpu())
        # With another number of devices there is no state to go on from.
        if len(self._restored["cuda"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all([state.cpu() for state in self._restored["cuda"]])
        self._restored = None


def _digest(trainer: Trainer) -> str:
    """Return a digest of who and what is trained on: the clips' ids and labels."""
    training = trainer.datamodule.training  # type: ignore[attr-defined]  # the command line makes such data modules
    return hashlib.sha256(repr((training.ids, training.labels.tolist())).encode()).hexdigest()
