"""One process and two give the same scores."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = "import sys; from lightmannet.cli import main; main(sys.argv[1:])\n"


def fitted(folder: Path, devices: int) -> dict[str, str]:
    """Fit one meta-step of four tasks on ``devices`` processes and return the validation scores."""
    folder.mkdir()
    (folder / "run.py").write_text(SCRIPT)
    words = [
        "fit",
        f"--config={ROOT / 'configs' / 'lightmannet.yaml'}",
        "--data.init_args.corpus=tests.clips.MadeCorpus",
        "--data.init_args.episodes_per_epoch=4",
        "--data.init_args.n_shot=2",
        "--data.init_args.n_query=2",
        "--model.init_args.warm_start.epochs=0",
        "--model.init_args.network.init_args.encoder.init_args.dropout=0",
        "--trainer.max_epochs=1",
        "--trainer.accelerator=cpu",
        f"--trainer.devices={devices}",
        f"--trainer.accumulate_grad_batches={4 // devices}",
        *(["--trainer.strategy=ddp"] if devices > 1 else []),
    ]
    search = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": search}
    done = subprocess.run(
        [sys.executable, "run.py", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((folder / "lightning_logs" / "version_0" / "metrics.csv").open()))
    return {name: value for row in rows for name, value in row.items() if value}


@pytest.mark.slow
def test_two_processes_of_two_tasks_equal_one_of_four(tmp_path: Path) -> None:
    one, two = fitted(tmp_path / "one", 1), fitted(tmp_path / "two", 2)
    assert one.keys() == two.keys() >= {"train/loss", "val/uf1", "val/uar"}
    for name in one:
        assert float(two[name]) == pytest.approx(float(one[name]), abs=1e-5), name
