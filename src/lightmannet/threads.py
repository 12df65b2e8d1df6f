"""The number of torch's threads on a CPU."""

import os

import torch


def take_one_thread() -> None:
    """Use one torch thread, unless ``OMP_NUM_THREADS`` sets their number.

    For networks as small as these, a second thread saves little time on an idle machine and costs much on a busy one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
