"""How many tasks at once a GPU's memory holds."""

from collections.abc import Callable

import torch

from lightmannet.errors import ConfigurationError


def refuse_too_many(attempt: Callable[[int], object], tasks: int, device: torch.device) -> None:
    """Do nothing where so many tasks fit in memory.

    Args:
        attempt: Computes with a number of tasks and keeps nothing.
        tasks: How many are wanted.
        device: Where.

    Raises:
        ConfigurationError: They do not; the message says how many do.
    """
    if (fits := how_many_fit(attempt, tasks)) < tasks:
        raise ConfigurationError(
            f"{tasks} tasks a step need more memory than {device} has left; {fits} fit. Set the data module's "
            f"tasks_per_step: {max(fits, 1)} and raise trainer.accumulate_grad_batches, which adds up tasks without "
            "memory; or take smaller images, fewer inner steps or a smaller network."
        )


def how_many_fit(attempt: Callable[[int], object], tasks: int) -> int:
    """Return the most tasks that fit among ``tasks``, half of them, a quarter and so on; 0 if not even one does.

    Args:
        attempt: Computes with a number of tasks and keeps nothing.
        tasks: How many are wanted.
    """
    while tasks and not _fits(attempt, tasks):
        tasks //= 2
    return tasks


def _fits(attempt: Callable[[int], object], tasks: int) -> bool:
    try:
        attempt(tasks)
    except torch.OutOfMemoryError:
        fits = False
    else:
        fits = True
    # The error is gone here, and with it the tensors that its traceback held.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return fits
