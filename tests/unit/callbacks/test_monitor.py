import csv
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from lightmannet.callbacks.monitor import Monitor, inspect_batch
from lightmannet.cli import main
from lightmannet.episode import Episode
from lightmannet.errors import ConfigurationError
from lightmannet.learners import LightmanNet
from lightmannet.learners.episodic import WarmStart
from tests.clips import make_clips
from tests.learners import METHODS, make

CONFIGS = Path(__file__).parents[3] / "configs"


def task() -> Episode:
    clips = make_clips(24, seed=1)
    return Episode(clips.select(range(12)), clips.select(range(12, 24)), make_clips(12, seed=2), 3, 4, 0)


@pytest.mark.parametrize("name", METHODS)
def test_looking_changes_nothing(name: str) -> None:
    learner = make(name)
    learner.train()
    learner.network.encoder.eval()  # a mode of its own, to be left as it is
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    modes = [module.training for module in learner.modules()]
    state = torch.get_rng_state()
    first, second = inspect_batch(learner, task()), inspect_batch(learner, task())
    assert first == second
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in learner.modules()] == modes
    after = learner.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_losses_and_cosine_are_those_of_the_two_branches() -> None:
    learner = make("lightmannet")
    assert isinstance(learner, LightmanNet)
    values = inspect_batch(learner, task())
    learner.eval()
    episode = task()
    assert episode.auxiliary is not None
    primary = F.cross_entropy(learner.network(episode.support.inputs), episode.support.labels)
    whole = learner.inner_loss(learner.network, episode.support, episode.auxiliary)
    auxiliary = (whole - primary) / 0.1
    assert values["branch/primary"] == values["task/support_before"] == pytest.approx(primary.item(), rel=1e-6)
    assert values["branch/auxiliary"] == pytest.approx(auxiliary.item(), rel=1e-4)
    parts = list(learner.network.encoder.parameters())
    one, other = (
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, parts, retain_graph=True)])
        for loss in (primary, auxiliary)
    )
    cosine = (one @ other / (one.norm() * other.norm())).item()
    assert values["branch/gradient_cosine"] == pytest.approx(cosine, abs=1e-4)


def test_losses_after_the_inner_loop_are_those_of_the_adapted_network() -> None:
    learner, episode = make("lightmannet"), task()
    values = inspect_batch(learner, episode)
    learner.eval()
    adapted = learner.adapt(episode.support, episode.auxiliary).network
    support = F.cross_entropy(adapted(episode.support.inputs), episode.support.labels)
    query = F.cross_entropy(adapted(episode.query.inputs), episode.query.labels)
    assert values["task/support_after"] == pytest.approx(support.item(), rel=1e-6)
    assert values["task/query_after"] == pytest.approx(query.item(), rel=1e-6)
    assert values["task/support_after"] < values["task/support_before"]
    assert {"task/auxiliary_before", "task/auxiliary_after", "task/query_before"} <= set(values)


@pytest.mark.parametrize("name", ["maxl", "uncertainty_weighting", "gradient_similarity"])
def test_auxiliary_methods_tell_both_losses_and_their_cosine(name: str) -> None:
    values = inspect_batch(make(name), task())
    assert set(values) == {"branch/primary", "branch/auxiliary", "branch/gradient_cosine"}
    assert -1 <= values["branch/gradient_cosine"] <= 1
    assert min(values["branch/primary"], values["branch/auxiliary"]) > 0


def test_nothing_is_looked_at_during_the_warm_start() -> None:
    learner = make("lightmannet")
    assert isinstance(learner, LightmanNet)
    learner.warm_start = WarmStart(epochs=1)
    assert inspect_batch(learner, task()) == {}


def fit(folder: Path, method: str, every: int, *more: str) -> tuple[dict[str, torch.Tensor], list[dict[str, str]]]:
    """Return the weights after a fit, and the lines of its metrics.csv."""
    shots = ["n_shot", "n_query", "evaluation.init_args.draws"] if method in ("lightmannet", "maml_plus_plus") else []
    main(
        [
            "fit",
            f"--config={CONFIGS / method}.yaml",
            "--data.init_args.corpus=tests.clips.MadeCorpus",
            *(f"--data.init_args.{shot}=2" for shot in shots),
            f"--monitor.every_n_steps={every}",
            "--trainer.max_epochs=2",
            "--model.init_args.network.init_args.encoder.init_args.width=8",
            "--trainer.limit_train_batches=8",
            "--trainer.accelerator=cpu",
            "--trainer.log_every_n_steps=1",
            f"--trainer.logger.init_args.save_dir={folder}",
            "--trainer.enable_progress_bar=false",
            "--trainer.enable_model_summary=false",
            *more,
        ]
    )
    (run,) = folder.glob("lightning_logs/*")
    (checkpoint,) = run.glob("checkpoints/*.ckpt")
    with (run / "metrics.csv").open() as file:
        return torch.load(checkpoint, weights_only=True)["state_dict"], list(csv.DictReader(file))


WARM_0 = "--model.init_args.warm_start.epochs=0"


@pytest.mark.parametrize(("method", "more"), [("lightmannet", [WARM_0]), ("maxl", [])])
def test_weights_are_the_same_with_and_without_it(method: str, more: list[str], tmp_path: Path) -> None:
    watched, _ = fit(tmp_path / "watched", method, 1, *more)
    alone, _ = fit(tmp_path / "alone", method, 0, *more)
    assert all(torch.equal(watched[name], alone[name]) for name in watched)


def test_a_run_logs_branches_tasks_rates_speed_and_memory(tmp_path: Path) -> None:
    learned = [
        "--model.init_args.inner.learn_learning_rate=true",
        "--model.init_args.loss.learn_auxiliary_weight=true",
        "--trainer.accumulate_grad_batches=4",
    ]
    _, rows = fit(tmp_path, "lightmannet", 2, WARM_0, *learned)
    logged = {name: [row for row in rows if row[name]] for name in rows[0]}
    for name in (
        "branch/primary",
        "branch/auxiliary",
        "branch/gradient_cosine",
        *(f"task/{part}_{when}" for part in ("support", "query", "auxiliary") for when in ("before", "after")),
    ):
        # Four tasks an update, two updates an epoch: the first batch of steps 0 and 2.
        assert [(row["epoch"], row["step"]) for row in logged[name]] == [("0", "0"), ("1", "2")]
    for name in ("optimizer/learning_rate_0", "speed/episodes_per_second", "memory/peak_mib"):
        assert [row["epoch"] for row in logged[name]] == ["0", "1"]
        assert all(float(row[name]) > 0 for row in logged[name])
    assert {"train/inner_learning_rate", "train/auxiliary_weight", "val/uf1", "val/uar"} <= set(logged)


def test_several_inner_rates_are_logged_by_mean_and_range(tmp_path: Path) -> None:
    _, rows = fit(tmp_path, "maml_plus_plus", 0, WARM_0)
    (last,) = [row for row in rows if row["task/inner_rate_mean"] and row["epoch"] == "1"]
    low, mean, high = (float(last[f"task/inner_rate_{name}"]) for name in ("min", "mean", "max"))
    assert low < mean < high
    assert mean == pytest.approx(0.02, rel=0.2)


def test_a_negative_number_of_steps_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"monitor.every_n_steps must be 0 or more, but is -1"):
        Monitor(every_n_steps=-1)
