"""A table on a Ray cluster of two nodes, both on this machine."""

import json
import os
from pathlib import Path

import pytest

from lightmannet.cli import main
from lightmannet.errors import ConfigurationError
from tests.integration.test_table import ROOT, SUPERVISED, cells, write_table

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
    assert len(here) == 10
    for name in here:
        answers = [
            json.loads(next((tmp_path / place).rglob(name)).read_text())["answers"] for place in ("here", "there")
        ]
        assert answers[0] == answers[1]
    # The nodes need no W&B: what they logged comes back with the result.
    assert len(list((tmp_path / "there").glob("small-kfold/wandb/offline-run-*/*.wandb"))) == 10


def test_an_address_where_no_cluster_answers_is_refused() -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from lightmannet.benchmark.cluster import RayCluster

    with pytest.raises(ConfigurationError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        RayCluster("127.0.0.1:1", None)
