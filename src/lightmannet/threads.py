"""How many threads torch takes on a CPU."""

import os

import torch


def take_one_thread() -> None:
    """Compute with one thread of torch, unless ``OMP_NUM_THREADS`` says how many.

    On networks as small as these, a second thread saves little time on an idle machine and costs much on a busy one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
