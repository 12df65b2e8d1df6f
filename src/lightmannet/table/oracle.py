"""The field's habit, for comparison only: the epoch that does best on the test people themselves."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from data_modules.base import SubjectDisjointDataModule
from lightmannet.episode import Clips, Episode, MetaBatch
from lightmannet.learners.base import Learner


class OracleEpoch(Callback):
    """Recognises the test clips after each epoch and keeps the answers of the most accurate epoch (the first if equal).

    It only observes: weights, modes and random state are restored, so that the answers of the last epoch are the same
    with and without it.

    Args:
        data: The data module whose test clips are recognised.
    """

    def __init__(self, data: SubjectDisjointDataModule) -> None:
        self.data = data
        self.best: list[tuple[Clips, Tensor]] = []
        self.accuracy = -1.0

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Recognise the test clips, and keep the answers if they are the best so far."""
        assert isinstance(pl_module, Learner)
        training = pl_module.training
        pl_module.eval()
        with torch.random.fork_rng(), torch.no_grad():
            answers = []
            for number, batch in enumerate(self.data.predict_dataloader()):
                assert not isinstance(
                    batch, Episode | MetaBatch
                )  # tasks are for training; test clips come as clips or trials
                answers.append(pl_module.predict_step(batch.to(pl_module.device), number))
        pl_module.train(training)
        right = sum(int((row.argmax(1) == clips.labels).sum()) for clips, row in answers)
        accuracy = right / sum(len(clips) for clips, _ in answers)
        if accuracy > self.accuracy:
            self.best, self.accuracy = answers, accuracy
