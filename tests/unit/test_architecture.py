"""Who may import whom."""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "src" / "lightmannet").rglob("*.py"), *(ROOT / "data_modules").rglob("*.py")])

LOW = {"lightmannet.episode", "lightmannet.errors"}
MAY_IMPORT = {
    "lightmannet/networks": LOW | {"lightmannet.networks"},
    "lightmannet/losses": LOW | {"lightmannet.losses"},
    "lightmannet/metrics": LOW | {"lightmannet.metrics"},
    "lightmannet/adaptation": LOW | {"lightmannet.adaptation"},
    "lightmannet/learners": LOW
    | {f"lightmannet.{room}" for room in ("learners", "adaptation", "networks", "losses", "metrics")},
    "data_modules": LOW | {"lightmannet.files", "data_modules"},
    # Beside the commands, where methods and data meet.
    "lightmannet/inference": LOW
    | {"data_modules"}
    | {
        f"lightmannet.{room}"
        for room in (
            "inference",
            "learners",
            "networks",
            "metrics",
            "files",
            "checkpoint",
            "cli",
            "config_file",
            "pictures",
        )
    }
    | {"lightmannet.benchmark.quiet", "lightmannet.benchmark.resampling"},
    "lightmannet/pictures": LOW | {f"lightmannet.{room}" for room in ("pictures", "inference", "files")},
}
WRAPPED_BY = {
    "learn2learn": {"lightmannet/adaptation/maml.py"},
    "safetensors": {"lightmannet/inference/bundle.py", "lightmannet/networks/released_ststnet.py"},
    "albumentations": {"data_modules/frame_augmentation.py"},
    "decord": {"data_modules/video/video_file.py"},
    "av": {"data_modules/rendered/pictures.py", "data_modules/video/video_file.py", "lightmannet/pictures/mp4.py"},
    "skimage": {"data_modules/representations/optical_flow.py"},
    "openpyxl": {"data_modules/databases/sheets.py", "data_modules/rendered/workbook.py"},
    "optuna": {"lightmannet/sweep/run.py"},
    "wandb": {"lightmannet/wandb_run.py"},
    "altair": {"lightmannet/benchmark/plots.py", "lightmannet/sweep/plot.py"},
    "jinja2": {"lightmannet/benchmark/page.py"},
    "vl_convert": {"lightmannet/benchmark/page.py", "lightmannet/pictures/svg.py", "lightmannet/sweep/plot.py"},
    "xlrd": {"data_modules/databases/sheets.py"},
    "ray": {"lightmannet/benchmark/cluster.py"},
    "gradio": {"lightmannet/pictures/demo.py"},
    "onnx": {"lightmannet/inference/onnx_file.py"},
    "onnxruntime": {"lightmannet/inference/onnx_file.py"},
    "onnxscript": {"lightmannet/inference/onnx_file.py"},
    "captum": {"lightmannet/pictures/saliency.py"},
    # Images as arrays: decoding, converting, cropping and comparing them.
    "cv2": {
        "data_modules/apex.py",
        "data_modules/png.py",
        "data_modules/rendered/camera.py",
        "data_modules/rendered/canvas.py",
        "data_modules/rendered/contact_sheet.py",
        "data_modules/rendered/painting.py",
        "data_modules/rendered/pictures.py",
        "data_modules/rendered/scene.py",
        "data_modules/representations/optical_flow.py",
        "data_modules/video/crop.py",
        "data_modules/video/image_file.py",
        "data_modules/video/image_folder.py",
        "data_modules/video/reader.py",
        "data_modules/video/video_file.py",
        "lightmannet/benchmark/answer.py",
        "lightmannet/benchmark/data.py",
        "lightmannet/pictures/film.py",
        "lightmannet/pictures/image_bytes.py",
        "lightmannet/pictures/panels.py",
        "lightmannet/pictures/saliency.py",
    },
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix().removeprefix("src/")


@cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_room_imports_from_its_neighbours_only(room: str) -> None:
    files = [path for path in FILES if name(path).startswith(f"{room}/")]
    assert files
    for path in files:
        for module in imports(path):
            if module.split(".")[0] in ("lightmannet", "data_modules"):
                assert any(f"{module}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[room]), (name(path), module)


@pytest.mark.parametrize("package", WRAPPED_BY)
def test_a_wrapped_package_is_imported_by_what_wraps_it_alone(package: str) -> None:
    users = {name(path) for path in FILES if any(module.split(".")[0] == package for module in imports(path))}
    assert users == WRAPPED_BY[package]


SCRIPT = """
import json, sys
sys.path[:0] = ["src", "."]
opened = []
sys.addaudithook(lambda event, arguments: opened.append(event) if event.startswith("socket.") else None)
import data_modules, lightmannet.cli
commands = list(sys.modules)
import lightmannet.benchmark.cell
cell = list(sys.modules)
import lightmannet.wandb_run, data_modules.frame_augmentation, lightmannet.callbacks.predictions
lightmannet.wandb_run._wandb()
data_modules.frame_augmentation._albumentations()
from lightmannet.benchmark.plan import AFTER_THE_SCORE
print(json.dumps({"commands": commands, "cell": cell, "opened": opened, "after": AFTER_THE_SCORE}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Return the modules that the commands and then a cell of a table load, and the sockets that importing opens."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_importing_reads_no_data_and_imports_no_heavy_package(imported: dict[str, list[str]]) -> None:
    absent = {"torchvision", "gym", "learn2learn", "albumentations", "wandb"}
    absent |= {"decord", "av", "skimage", "openpyxl", "xlrd", "ray", "altair", "vl_convert"}
    assert not absent & set(imported["commands"])


def test_importing_opens_no_socket(imported: dict[str, list[str]]) -> None:
    assert imported["opened"] == []


def test_no_run_passes_through_code_that_its_key_leaves_out(imported: dict[str, list[str]]) -> None:
    loaded = [name.removeprefix("lightmannet.").replace(".", "/") + ".py" for name in imported["cell"]]
    assert "benchmark/cell.py" in loaded
    assert not [name for name in loaded if name.startswith(tuple(imported["after"]))]
