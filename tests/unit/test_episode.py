"""Clips, episodes and trials."""

from collections.abc import Iterator
from dataclasses import replace

import jaxtyping
import pytest
import torch
from lightning.fabric.utilities.apply_func import move_data_to_device
from lightning.pytorch.plugins import DoublePrecision
from torch.utils.data._utils.pin_memory import pin_memory

from lightmannet.episode import Clips, Trial, concatenate
from tests.clips import annotated, make_clips, make_episode, same


@pytest.fixture
def _as_installed() -> Iterator[None]:
    """Nothing but the code itself checks shapes."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("_as_installed")
@pytest.mark.parametrize(
    ("inputs", "labels", "subjects", "ids"), [(2, 3, 3, 3), (3, 2, 3, 3), (3, 3, 2, 3), (3, 3, 3, 4), (0, 1, 2, 3)]
)
def test_a_stack_whose_parts_differ_in_number_is_refused(inputs: int, labels: int, subjects: int, ids: int) -> None:
    counts = f"{inputs} inputs, {labels} labels, {subjects} subjects, {ids} ids"
    clips = make_clips(4)
    with pytest.raises(ValueError, match=f"every field must have one entry per clip, but there are {counts}"):
        Clips(clips.inputs[:inputs], clips.labels[:labels], clips.subjects[:subjects], clips.ids[:ids])


def test_the_length_is_the_number_of_clips() -> None:
    assert len(make_clips(7)) == 7
    assert len(make_clips(7).select([])) == 0


def test_lightning_converts_a_copy_to_double() -> None:
    trial = Trial((make_episode(), make_episode(auxiliary=False)))
    converted = DoublePrecision().convert_input(trial)
    for one, other in zip(trial.episodes, converted.episodes, strict=True):
        assert one.support.inputs.dtype == torch.float32
        assert other.support.inputs.dtype == other.query.inputs.dtype == torch.float64
        assert torch.equal(other.support.inputs, one.support.inputs.double())
        assert torch.equal(other.support.labels, one.support.labels)
        assert (other.support.ids, other.index) == (one.support.ids, one.index)
    assert converted.episodes[1].auxiliary is None


def test_the_database_of_a_clip_is_the_first_part_of_its_id() -> None:
    both = concatenate(make_clips(2, database="smic"), make_clips(1, database="casme2"))
    assert both.databases == ("smic", "smic", "casme2")


def test_selected_clips_come_in_the_order_asked_for_with_all_that_belongs_to_them() -> None:
    clips = make_clips(9)
    chosen = clips.select([7, 0, 7])
    assert torch.equal(chosen.inputs, torch.stack([clips.inputs[7], clips.inputs[0], clips.inputs[7]]))
    assert chosen.labels.tolist() == [1, 0, 1]
    assert chosen.subjects == ("made/p02", "made/p00", "made/p02")
    assert chosen.ids == ("made/p02/c007", "made/p00/c000", "made/p02/c007")


def test_selected_clips_are_a_copy() -> None:
    clips = make_clips(3)
    before = clips.inputs.clone()
    chosen = clips.select(range(3))
    chosen.inputs.zero_()
    chosen.labels.fill_(2)
    assert torch.equal(clips.inputs, before)
    assert clips.labels.tolist() == [0, 1, 2]


def test_clips_are_concatenated_first_to_last() -> None:
    first, second = make_clips(4), make_clips(2, seed=1, database="other")
    both = concatenate(first, second)
    assert same(both.select(range(4)), first)
    assert same(both.select([4, 5]), second)
    assert len(both) == 6


def test_annotations_go_with_their_clips() -> None:
    clips = annotated(make_clips(9))
    chosen = clips.select([7, 0, 7])
    assert clips.objective_classes is not None
    assert clips.action_units is not None
    assert chosen.objective_classes is not None
    assert chosen.action_units is not None
    assert chosen.objective_classes.tolist() == [7, 0, 7]
    assert torch.equal(chosen.action_units, clips.action_units[[7, 0, 7]])
    assert same(concatenate(clips.select(range(4)), clips.select(range(4, 9))), clips)
    moved = clips.to("meta")
    assert moved.objective_classes is not None
    assert moved.action_units is not None
    assert moved.objective_classes.is_meta
    assert moved.action_units.is_meta


def test_what_is_not_annotated_in_both_is_in_neither() -> None:
    plain = make_clips(2)
    for both in (concatenate(annotated(plain), plain), concatenate(plain, annotated(plain))):
        assert both.objective_classes is None
        assert both.action_units is None
    chosen = plain.select([1])
    assert chosen.objective_classes is None
    assert chosen.action_units is None


@pytest.mark.usefixtures("_as_installed")
def test_annotations_of_another_number_of_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="3 ids, 2 objective_classes"):
        replace(make_clips(3), objective_classes=torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="3 ids, 4 action_units"):
        replace(make_clips(3), action_units=torch.zeros(4, 46, dtype=torch.bool))


@pytest.mark.parametrize("auxiliary", [True, False])
def test_a_trial_moves_to_a_device_as_a_whole_and_stays_where_it_was(auxiliary: bool) -> None:
    trial = Trial((make_episode(auxiliary=auxiliary), make_episode(seed=3, auxiliary=auxiliary)))
    moved = move_data_to_device(trial, torch.device("meta"))  # as Lightning does it with a batch
    assert isinstance(moved, Trial)
    for old, new in zip(trial.episodes, moved.episodes, strict=True):
        for name in ("support", "query", "auxiliary"):
            before, after = getattr(old, name), getattr(new, name)
            if before is None:
                assert after is None
                continue
            assert (after.inputs.device.type, after.labels.device.type) == ("meta", "meta")
            assert (before.inputs.device.type, before.labels.device.type) == ("cpu", "cpu")
            assert (after.ids, after.subjects) == (before.ids, before.subjects)
        assert (new.n_way, new.n_shot, new.index) == (old.n_way, old.n_shot, old.index)


def test_the_query_of_a_trial_is_that_of_its_draws() -> None:
    query = make_clips(5, seed=4)
    episodes = tuple(replace(make_episode(seed=seed), query=query) for seed in range(3))
    assert Trial(episodes).query is query


@pytest.mark.parametrize("auxiliary", [True, False])
def test_a_loader_pins_every_tensor_of_a_trial(auxiliary: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only a machine with a GPU can pin memory; another device shows as well what was done.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor.to("meta"))
    trial = pin_memory(Trial((make_episode(auxiliary=auxiliary),)))
    assert isinstance(trial, Trial)
    episode = trial.episodes[0]
    parts = [part for part in (episode.support, episode.query, episode.auxiliary) if part is not None]
    assert len(parts) == 2 + auxiliary
    assert all(part.inputs.is_meta and part.labels.is_meta for part in parts)


def test_a_loader_pins_annotations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor.to("meta"))
    clips = pin_memory(annotated(make_clips(3)))
    assert isinstance(clips, Clips)
    assert clips.objective_classes is not None
    assert clips.action_units is not None
    assert clips.objective_classes.is_meta
    assert clips.action_units.is_meta
