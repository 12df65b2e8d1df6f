"""Who may import whom."""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "src" / "lightmannet").rglob("*.py"), *(ROOT / "data_modules").rglob("*.py")])

# Rooms (and files that are rooms of their own) below src/, and what each may import beside itself.
_WORDS = {"episode", "errors", "files"}
_RUN = {
    "callbacks",
    "checkpoint",
    "config_file",
    "preflight",
    "run_folder",
    "scheduler",
    "threads",
    "trained_run",
    "wandb_run",
}
MAY_IMPORT: dict[str, set[str]] = {
    "episode": set(),
    "errors": set(),
    "files": {"errors"},
    "silence": set(),
    "networks": _WORDS,
    "losses": _WORDS,
    "metrics": _WORDS,
    "adaptation": {*_WORDS, "networks"},
    "learners": {*_WORDS, "adaptation", "losses", "metrics", "networks"},
    "config_file": {"errors", "packaged"},
    "packaged": set(),
    "checkpoint": {"errors", "files"},
    "run_folder": set(),
    "scheduler": {"errors"},
    "trained_run": {"errors"},
    "own_data": {"errors", "packaged", "data_modules"},
    "threads": set(),
    "loading": {
        "checkpoint",
        "config_file",
        "learners",
        "lightning_cli",
        "own_data",
        "packaged",
        "trained_run",
        "data_modules",
        "errors",
    },
    "wandb_run": {"errors", "run_folder"},
    "preflight": {"errors", "wandb_run"},
    "callbacks": {*_WORDS, "checkpoint", "learners", "scheduler", "wandb_run"},
    "lightning_cli": {"commands", "errors", "learners", "own_data", "data_modules", *_RUN},
    "batched": {*_WORDS, "adaptation", "learners", "losses", "networks", "data_modules"},
    "table": {
        *("", "batched", "callbacks", "config_file", "learners", "lightning_cli", "metrics", "silence"),
        *(*_WORDS, "data_modules"),
    },
    "runners": {*_WORDS, "table", "metrics", "scheduler", "wandb_run"},
    "report": {*_WORDS, "table", "metrics", "data_modules"},
    "inference": {*_WORDS, "learners", "losses", "metrics", "networks", "data_modules"},
    "pictures": {*_WORDS, "inference"},
    "sweep": {"errors", "files"},
    "timing": {*_WORDS, "adaptation", "inference", "learners", "networks", "silence", "data_modules"},
    # Above all of them.
    "commands": {
        *(_WORDS | _RUN),
        *(
            "lightning_cli",
            "loading",
            "table",
            "runners",
            "report",
            "inference",
            "pictures",
            "sweep",
            "silence",
            "data_modules",
        ),
        *("learners", "metrics", "networks", "packaged"),
    },
    "cli": {"", "commands", "errors", "lightning_cli", "packaged", "threads"},
    "": {"inference", "loading", "packaged", "table"},
    "data_modules": {"episode", "errors", "files"},
}
GUESTS = ("data_modules.rendered", "data_modules.synthetic")
"""The generators: a user names them by class path; nothing that works on real faces may depend on them."""
IMPORT_GUESTS = {
    "data_modules/__init__.py",  # so that their short names work in YAML
    "lightmannet/commands/synthesize.py",  # its own verb
    "lightmannet/timing/answer.py",  # times answers for a rendered clip, as no real one may be given out
}
WRAPPED_BY = {
    "learn2learn": {"lightmannet/adaptation/reference.py"},
    "safetensors": {
        "data_modules/motion_files.py",
        "lightmannet/inference/bundle.py",
        "lightmannet/inference/moment/weights.py",
        "lightmannet/networks/released_ststnet.py",
    },
    "albumentations": {"data_modules/frame_augmentation.py"},
    "scipy": {"data_modules/representations/landmark_flow.py"},
    "decord": {"data_modules/video/decord_decoder.py"},
    "av": {"data_modules/rendered/pictures.py", "data_modules/video/pyav_decoder.py", "lightmannet/pictures/mp4.py"},
    "skimage": {"data_modules/representations/optical_flow.py", "data_modules/video/face_cascade.py"},
    "openpyxl": {"data_modules/databases/sheets.py", "data_modules/rendered/workbook.py"},
    "pandas": {"lightmannet/table/frame.py"},
    "optuna": {"lightmannet/commands/sweep.py"},
    "wandb": {"lightmannet/wandb_run.py"},
    "altair": {
        "lightmannet/report/embedding_plots.py",
        "lightmannet/report/people_plot.py",
        "lightmannet/report/plot.py",
        "lightmannet/report/score_plots.py",
        "lightmannet/report/training_plots.py",
        "lightmannet/sweep/plot.py",
    },
    "jinja2": {"lightmannet/pictures/html.py", "lightmannet/report/templates.py"},
    "vl_convert": {"lightmannet/report/page.py", "lightmannet/pictures/svg.py", "lightmannet/sweep/plot.py"},
    "xlrd": {"data_modules/databases/sheets.py"},
    "ray": {"lightmannet/runners/cluster.py"},
    "gradio": {"lightmannet/commands/demo.py"},
    "onnx": {"lightmannet/inference/onnx_file.py"},
    "onnxruntime": {"lightmannet/inference/onnx_file.py"},
    "onnxscript": {"lightmannet/inference/onnx_file.py"},
    "captum": {"lightmannet/pictures/saliency.py"},
    "platformdirs": {"data_modules/cache.py"},
    # Images as arrays: decoding, converting, cropping and comparing them.
    "cv2": {
        "data_modules/apex.py",
        "data_modules/png.py",
        "data_modules/rendered/brushes.py",
        "data_modules/rendered/camera.py",
        "data_modules/rendered/canvas.py",
        "data_modules/rendered/contact_sheet.py",
        "data_modules/rendered/painting.py",
        "data_modules/rendered/pictures.py",
        "data_modules/rendered/scene.py",
        "data_modules/representations/optical_flow.py",
        "data_modules/representations/pair_flow.py",
        "data_modules/video/crop.py",
        "data_modules/video/face_cascade.py",
        "data_modules/video/image_file.py",
        "data_modules/video/image_folder.py",
        "data_modules/video/reader.py",
        "data_modules/video/video_file.py",
        "lightmannet/timing/answer.py",
        "lightmannet/timing/data.py",
        "lightmannet/inference/array_clip.py",
        "lightmannet/inference/moment/region_motion.py",
        "lightmannet/pictures/channels.py",
        "lightmannet/pictures/class_panels.py",
        "lightmannet/pictures/film.py",
        "lightmannet/pictures/image_bytes.py",
        "lightmannet/pictures/panels.py",
        "lightmannet/pictures/saliency.py",
    },
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix().removeprefix("src/")


def module_of(path: Path) -> str:
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


OURS = {module_of(path): path for path in FILES}


@cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & set(OURS)
    return found


def room(module: str) -> str:
    """Return the room of a module, e.g. ``table`` of ``lightmannet.table.plan``; all of ``data_modules`` is one."""
    package, _, rest = module.partition(".")
    return package if package == "data_modules" else rest.split(".")[0]


@cache
def own_imports(path: Path) -> set[str]:
    """Return the modules of this project that a file imports."""
    return {module for module in imports(path) if module.split(".")[0] in ("lightmannet", "data_modules")}


def test_every_room_has_a_rule() -> None:
    assert {room(module) for module in OURS} == set(MAY_IMPORT)


@pytest.mark.parametrize("here", MAY_IMPORT)
def test_each_room_imports_from_its_neighbours_only(here: str) -> None:
    for module, path in OURS.items():
        if room(module) == here:
            beyond = {other for other in own_imports(path) if room(other) not in MAY_IMPORT[here] | {here}}
            assert not beyond, (module, beyond)


def test_nothing_real_imports_a_generator() -> None:
    users = {name(path) for path in FILES if any(module.startswith(GUESTS) for module in own_imports(path))}
    assert {user for user in users if not user.startswith(("data_modules/rendered/", "data_modules/synthetic/"))} == (
        IMPORT_GUESTS
    )


def test_no_import_runs_in_a_circle() -> None:
    graph = {module: {other for other in own_imports(path) if other in OURS} for module, path in OURS.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


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
import lightmannet.table.run_cell
cell = list(sys.modules)
import lightmannet.wandb_run, data_modules.frame_augmentation, lightmannet.callbacks.predictions
lightmannet.wandb_run._wandb()
data_modules.frame_augmentation._albumentations()
from lightmannet.table.cell import AFTER_THE_SCORE
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
    assert "table/run_cell.py" in loaded
    assert not [name for name in loaded if name.startswith(tuple(imported["after"]))]
