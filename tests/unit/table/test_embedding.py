"""A task's clips before and after its inner loop."""

import numpy as np
import pytest
import torch
from torch import nn

from lightmannet.episode import Trial
from lightmannet.learners import MAML, LightmanNet
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import AllPairs
from lightmannet.networks import Conv4, TwoBranchNetwork
from lightmannet.table.embedding import alignment_embedding
from tests.clips import make_episode


def made_network() -> TwoBranchNetwork:
    torch.manual_seed(0)
    return TwoBranchNetwork(Conv4(width=8), alignment_features=5)


def test_distances_are_those_of_all_pairs_and_points_of_all_clips() -> None:
    task = make_episode()
    assert task.auxiliary is not None
    loss = InnerLoss(auxiliary_weight=1.0, pairs=AllPairs())
    learner = LightmanNet(made_network(), InnerLoop(steps=3, learning_rate=0.5), loss).eval()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    found = alignment_embedding(learner, Trial((task,)))
    assert found is not None
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    adapted = learner.adapt(task.support, task.auxiliary).network
    for state, network in (("before", learner.network), ("after", adapted)):
        assert isinstance(network, nn.Module)
        aligned = [
            network.alignment_head(network.encode(part.inputs)).detach().numpy()  # type: ignore[operator]
            for part in (task.support, task.auxiliary)
        ]
        pairs = [
            1 - float(m @ a / np.sqrt((m @ m) * (a @ a)))
            for m in aligned[0].astype(float)
            for a in aligned[1].astype(float)
        ]
        assert found[state] == pytest.approx(np.mean(pairs), abs=1e-5)
    # The default kernel is the cosine distance, so a strong alignment brings both sets together.
    assert found["after"] < found["before"]
    kinds = [(point["state"], point["kind"]) for point in found["points"]]
    assert [kinds.count((s, k)) for s in ("before", "after") for k in ("micro", "macro")] == [6, 6, 6, 6]
    assert [p["label"] for p in found["points"][:6]] == task.support.labels.tolist()


def test_a_method_that_aligns_nothing_has_none() -> None:
    assert alignment_embedding(MAML(made_network()).eval(), Trial((make_episode(),))) is None
    learner = LightmanNet(made_network(), loss=InnerLoss(auxiliary_weight=0.0)).eval()
    assert alignment_embedding(learner, Trial((make_episode(auxiliary=False),))) is None
    assert alignment_embedding(learner, make_episode().query) is None
