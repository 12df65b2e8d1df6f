"""A table on a Ray cluster of two nodes, both on this machine."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lightmannet.cli import main
from lightmannet.errors import ConfigurationError
from tests.integration.test_table import ROOT, SUPERVISED, cells, write_table

SLOW = "--trainer.callbacks+=tests.slow.Slow"

pytestmark = pytest.mark.slow


def test_a_cluster_of_two_nodes_gives_what_this_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    path = write_table(tmp_path, supervised=SUPERVISED)
    main(["table", str(path), f"--results={tmp_path / 'here'}", "--workers=1"])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        main(["table", str(path), f"--results={tmp_path / 'there'}", "--wandb=offline"])
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]
    assert "1 running" in capsys.readouterr().out
    here, there = cells(tmp_path / "here"), cells(tmp_path / "there")
    assert set(here) == set(there)
    assert len(here) == 6
    for name in here:
        answers = [
            json.loads(next((tmp_path / place).rglob(name)).read_text())["answers"] for place in ("here", "there")
        ]
        assert answers[0] == answers[1]
    # The nodes need no W&B: what they logged comes back with the result.
    assert len(list((tmp_path / "there").glob("small-kfold/wandb/offline-run-*/*.wandb"))) == 6


def test_a_node_that_is_lost_fails_its_runs_alone_and_they_are_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    # Each run takes some seconds, so that both nodes are at work when one is lost.
    path = write_table(tmp_path, supervised=[*SUPERVISED, "--trainer.max_epochs=20", SLOW])
    # One seed and five folds: five runs.
    path.write_text(path.read_text().replace("- 1\n", "").replace("k: 3", "k: 5"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        loss = threading.Thread(target=_lose, args=(cluster, node, tmp_path))
        loss.start()
        with pytest.raises(SystemExit) as stop:
            main(["table", str(path), f"--results={tmp_path}"])
        loss.join()
        kept = cells(tmp_path)
        logs = list((tmp_path / "small-kfold" / "failed").rglob("*.log"))
        message = capsys.readouterr().err
        # What ran on the other node and what had not begun is finished: one run was lost, or the next one as well.
        assert stop.value.code == 2
        assert 1 <= len(logs) <= 2
        assert len(kept) == 5 - len(logs)
        assert f"{len(logs)} of 5 runs failed and are missing from the table" in message
        for log in logs:
            assert str(log) in message
            assert "node" in log.read_text().lower()
        assert "| supervised | no seed is complete |" in (tmp_path / "small-kfold" / "table.md").read_text()
        main(["table", str(path), f"--results={tmp_path}"])
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]
    after = cells(tmp_path)
    assert len(after) == 5
    assert {name: after[name] for name in kept} == kept


def _lose(cluster: Any, node: Any, folder: Path) -> None:
    """Kill the node when a run is finished and the next ones are at work."""
    deadline = time.monotonic() + 240
    while not cells(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    cluster.remove_node(node, allow_graceful=False)


def test_an_address_where_no_cluster_answers_is_refused() -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from lightmannet.runners.cluster import RayCluster

    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        RayCluster("127.0.0.1:1", None)
