"""Who may import whom."""

import ast
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
        for room in ("inference", "learners", "networks", "metrics", "files", "checkpoint", "cli", "pictures")
    }
    | {"lightmannet.benchmark.quiet"},
    "lightmannet/pictures": LOW | {f"lightmannet.{room}" for room in ("pictures", "inference", "files")},
}
WRAPPED_BY = {
    "learn2learn": {"lightmannet/adaptation/maml.py"},
    "safetensors": {"lightmannet/inference/bundle.py", "lightmannet/networks/released_ststnet.py"},
    "albumentations": {"data_modules/frame_augmentation.py"},
    "decord": {"data_modules/video/video_file.py"},
    "av": {"data_modules/rendered/pictures.py", "data_modules/video/video_file.py"},
    "skimage": {"data_modules/representations/optical_flow.py"},
    "openpyxl": {"data_modules/databases/sheets.py", "data_modules/rendered/workbook.py"},
    "optuna": {"lightmannet/sweep/run.py"},
    "wandb": {"lightmannet/wandb_run.py"},
    "altair": {"lightmannet/benchmark/plots.py", "lightmannet/sweep/plot.py"},
    "jinja2": {"lightmannet/benchmark/page.py"},
    "vl_convert": {"lightmannet/benchmark/page.py", "lightmannet/pictures/picture.py", "lightmannet/sweep/plot.py"},
    "xlrd": {"data_modules/databases/sheets.py"},
    "ray": {"lightmannet/benchmark/cluster.py"},
    "gradio": {"lightmannet/pictures/demo.py"},
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


def test_importing_reads_no_data_and_imports_no_heavy_package() -> None:
    script = (
        "import sys, data_modules, lightmannet.cli\n"
        "absent = {'torchvision', 'gym', 'learn2learn', 'albumentations', 'wandb'}\n"
        "absent |= {'decord', 'av', 'skimage', 'openpyxl', 'xlrd', 'ray', 'altair', 'vl_convert'}\n"
        "assert not absent & set(sys.modules), absent & set(sys.modules)"
    )
    command = [sys.executable, "-c", f"sys = __import__('sys'); sys.path[:0] = ['src', '.']\n{script}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_opens_no_socket() -> None:
    script = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    assert not event.startswith('socket.'), (event, arguments)\n"
        "sys.addaudithook(refuse)\n"
        "import lightmannet.cli, data_modules, lightmannet.wandb_run, data_modules.frame_augmentation\n"
        "import lightmannet.callbacks.predictions\n"
        "lightmannet.wandb_run._wandb()\n"
        "data_modules.frame_augmentation._albumentations()\n"
    )
    command = [sys.executable, "-c", f"sys = __import__('sys'); sys.path[:0] = ['src', '.']\n{script}"]
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_no_run_passes_through_code_that_its_key_leaves_out() -> None:
    script = (
        "import sys\n"
        "sys.path[:0] = ['src', '.']\n"
        "import lightmannet.benchmark.cell\n"
        "from lightmannet.benchmark.plan import AFTER_THE_SCORE\n"
        "loaded = [name.removeprefix('lightmannet.').replace('.', '/') + '.py' for name in sys.modules]\n"
        "assert 'benchmark/cell.py' in loaded\n"
        "met = [name for name in loaded if name.startswith(AFTER_THE_SCORE)]\n"
        "assert not met, met\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
