"""Several tasks in one step: equal to one after the other, and refused where they cannot be taken."""

import warnings
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from data_modules import EpisodicDataModule, SubjectKFold
from lightmannet.adaptation.engine import EngineName
from lightmannet.adaptation.memory import refuse_too_many
from lightmannet.episode import Episode, MetaBatch
from lightmannet.errors import ConfigurationError
from lightmannet.learners import MAML, LightmanNet, ProtoNet
from lightmannet.learners.base import Learner
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop import dropout_seed
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.networks import Conv4, Flatten, TwoBranchNetwork
from tests.clips import MadeCorpus, make_clips, make_episode
from tests.learners import make, trainer

pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")


def data(tasks_per_step: int, episodes_per_epoch: int = 4) -> EpisodicDataModule:
    return EpisodicDataModule(
        MadeCorpus(size=16),
        SubjectKFold(4),
        validation_fraction=0,
        n_shot=1,
        n_query=1,
        n_auxiliary=1,
        episodes_per_epoch=episodes_per_epoch,
        tasks_per_step=tasks_per_step,
    )


def network() -> TwoBranchNetwork:
    torch.manual_seed(0)
    return TwoBranchNetwork(Conv4(size=16, width=8))


LEARNERS: dict[str, Callable[[], Learner]] = {
    "lightmannet": lambda: LightmanNet(network(), InnerLoop(2, engine="vectorized"), warm_start=WarmStart(1)),
    "kept": lambda: LightmanNet(network(), InnerLoop(engine="vectorized"), warm_start=WarmStart(kept_weight=0.5)),
    "fused": lambda: MAML(network(), InnerLoop(engine="fused")),
    "proto_net": lambda: ProtoNet(network()),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_fit_is_the_same_with_tasks_taken_together_or_accumulated(name: str) -> None:
    weights = []
    for together in (1, 2, 4):
        learner = LEARNERS[name]().double()
        torch.manual_seed(1)
        fitted = trainer(2, accumulate=4 // together, precision="64-true")
        fitted.fit(learner, data(together))
        assert fitted.global_step == 2
        weights.append(torch.cat([p.detach().flatten() for p in learner.parameters()]))
    for other in weights[1:]:
        torch.testing.assert_close(other, weights[0], rtol=1e-7, atol=1e-8)


def test_methods_that_do_not_learn_from_tasks_refuse_several() -> None:
    with pytest.raises(ConfigurationError, match=r"take the clips of one task a step.*tasks_per_step: 1"):
        make("supervised").training_step(MetaBatch((make_episode(), make_episode())), 0)


def test_an_epoch_is_a_number_of_whole_steps() -> None:
    with pytest.raises(ConfigurationError, match=r"episodes_per_epoch: 5 tasks cannot be divided.*tasks_per_step: 2"):
        data(2, episodes_per_epoch=5)
    with pytest.raises(ConfigurationError, match="tasks_per_step"):
        data(0)


def mean_loss(engine: EngineName, tasks: Sequence[Episode], made: TwoBranchNetwork) -> Tensor:
    torch.manual_seed(1)
    return MAML(made, InnerLoop(engine=engine)).train().mean_meta_loss(tasks)


def test_tasks_of_different_shapes_are_taken_one_by_one() -> None:
    small = Episode(make_clips(3, 5, 16), make_clips(3, 6, 16), None, n_way=3, n_shot=1, index=1)
    tasks = [make_episode(16), small]
    torch.testing.assert_close(mean_loss("vectorized", tasks, network()), mean_loss("fused", tasks, network()))


class Choosy(Flatten):
    """An encoder that looks at values to decide what to do, which no batched computation can."""

    def _encode(self, inputs: Tensor) -> Tensor:
        return super()._encode(inputs if inputs.sum() > 0 else -inputs)


def test_a_network_that_cannot_be_vectorized_is_taken_by_another_engine_which_is_said_once() -> None:
    tasks = [make_episode(16, seed) for seed in range(2)]
    learner = MAML(TwoBranchNetwork(Choosy(size=16)), InnerLoop(engine="vectorized")).train()
    with pytest.warns(UserWarning, match=r"vectorized engine cannot take this network or loss.*fused engine"):
        first = learner.mean_meta_loss(tasks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(learner.mean_meta_loss(tasks), first)
    torch.testing.assert_close(mean_loss("fused", tasks, learner.network), first)


def test_an_error_of_the_network_itself_is_not_taken_for_that() -> None:
    class Broken(Flatten):
        def _encode(self, inputs: Tensor) -> Tensor:
            raise RuntimeError("a fault of my own")

    learner = MAML(TwoBranchNetwork(Broken(size=16)), InnerLoop(engine="vectorized")).train()
    with pytest.raises(RuntimeError, match="a fault of my own"):
        learner.mean_meta_loss([make_episode(16)])


def test_more_tasks_than_memory_holds_are_refused_with_the_number_that_fits() -> None:
    def attempt(tasks: int) -> None:
        if tasks > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")

    device = torch.device("cuda", 0)
    refuse_too_many(attempt, 5, device)
    with pytest.raises(ConfigurationError, match=r"16 tasks a step need more memory than cuda:0 has left; 4 fit"):
        refuse_too_many(attempt, 16, device)


def test_masks_of_dropout_differ_from_task_to_task_epoch_to_epoch_and_seed_to_seed() -> None:
    torch.manual_seed(0)
    seeds = {dropout_seed(epoch, index) for epoch in range(5) for index in range(5)}
    torch.manual_seed(1)
    assert len(seeds | {dropout_seed(0, 0)}) == 26
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="precision is float32 or trainer, not 'half'"):
        InnerLoop(precision="half")  # type: ignore[arg-type]


def test_a_stacked_copy_leaves_buffers_of_the_network_as_they_were() -> None:
    class Counted(Flatten):
        def __init__(self) -> None:
            super().__init__(size=16)
            self.calls: Tensor
            self.register_buffer("calls", torch.zeros(()))

        def _encode(self, inputs: Tensor) -> Tensor:
            self.calls += 1
            return super()._encode(inputs)

    encoder = Counted()
    mean_loss("vectorized", [make_episode(16), make_episode(16, 1)], TwoBranchNetwork(encoder))
    assert encoder.calls == 0
    assert isinstance(encoder, nn.Module)
