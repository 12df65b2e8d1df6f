from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lightmannet.run_folder import RunFolder


def test_runs_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    assert [RunFolder(str(tmp_path)).version for _ in range(3)] == [0, 1, 2]


def test_a_run_keeps_its_folder(tmp_path: Path) -> None:
    run = RunFolder(str(tmp_path))
    assert Path(run.log_dir) == tmp_path / "lightning_logs" / "version_0"
    assert run.version == run.version
    assert sorted(path.name for path in (tmp_path / "lightning_logs").iterdir()) == ["version_0"]


def test_runs_that_start_together_have_folders_of_their_own(tmp_path: Path) -> None:
    runs = [RunFolder(str(tmp_path)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(lambda run: run.version, runs))
    assert sorted(int(version) for version in versions) == list(range(16))
