"""Every command line of README and docs/, taken from the text itself and run with small budgets."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

from data_modules.video.faces import whole_frame_face
from lightmannet.cli import main
from tests.archives.casme2 import write_casme2
from tests.archives.casme_sq import write_casme_sq
from tests.archives.ckplus import draw_landmarks, write_ckplus
from tests.archives.faces import landmarks, text
from tests.archives.macro_sets import write_macro_motion, write_macro_sets
from tests.bundles import moving_frames, rise_and_fall, write_film, write_folder, write_small_bundle
from tests.megc2019_files import IMAGES, write_megc2019
from tests.own_clips import write_own_clips, write_own_table

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FRAMES = moving_frames(rise_and_fall(25, 3.0), size=64)

# Commands of other programs: what of them is ours is run, or nothing.
FOREIGN = (". .venv/bin/activate", "wandb ", "pip ", "export ", "git ", "cd ")
# Only read here: the tests themselves, the environment, benchmarks, and what needs files that cannot be made up.
READ_ONLY = ("make test", "make lint", "make install", "make docs", "make bench", "make coverage", "make check-release")
# They make faces or train on them.
SLOW = ("make bundle", "make sweep", "lightmannet synthesize", "configs/data/synthetic.yaml", "TABLE=collection")


def command_lines(page: Path) -> list[str]:
    """Return the command lines in a page's unmarked code blocks, continued lines joined and comments cut off."""
    lines: list[str] = []
    fence = None
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            fence = line if fence is None else None
        elif fence in ("```", "```bash") and line.strip():
            lines.append(re.sub(r"\s+#\s.*", "", line).strip())
    return [line for line in lines if not line.startswith("#")]


CASES = [
    pytest.param(page, line, id=f"{page.stem}: {line}", marks=[pytest.mark.slow] * any(word in line for word in SLOW))
    for line, page in {line: page for page in reversed(PAGES) for line in command_lines(page)}.items()
    if not line.startswith(FOREIGN)
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the commands name: configurations of small budgets, archives, a bundle, clips."""
    folder = tmp_path_factory.mktemp("workplace")
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path in (folder / "configs").glob("*.yaml"):
        _rewrite(path, _small)
    for path in (folder / "configs" / "data").glob("megc2019*.yaml"):
        _rewrite(path, _without_counts)
    for name, write in (("casme2", write_casme2), ("ckplus", write_ckplus), ("casme_sq", write_casme_sq)):
        (folder / name).mkdir()
        write(folder / name)
    draw_landmarks(folder / "ckplus")
    shutil.copytree(folder / "casme2", folder / "corpus" / "casme2")
    shutil.copytree(folder / "casme_sq", folder / "corpus" / "casme_sq")
    write_megc2019(folder / "HTNet")
    write_megc2019(folder / "CausalNet", phases=4)
    write_macro_sets(folder / "sets")
    write_macro_motion(folder / "motion")
    (folder / "docs" / "pictures").mkdir(parents=True)
    write_small_bundle(folder / "results" / "bundle")
    write_film(folder / "clip.mp4", FRAMES)
    for name, smile in (("neutral", 0), ("apex", 20)):
        skin = cv2.resize(FRAMES[12 if smile else 0], (504, 504))
        cv2.imwrite(str(folder / f"{name}.png"), skin)
        (folder / f"{name}.txt").write_text(text(landmarks(smile=smile)))
    neutral, apex, motion = (str(folder / f"{name}.png") for name in ("neutral", "apex", "motion"))
    main(["motion", neutral, apex, f"--output={motion}", "--method=dis"])
    for image in (folder / "HTNet" / IMAGES).iterdir():  # of noise, which --like refuses
        shutil.copyfile(motion, image)
    for label in ("negative", "positive"):
        write_folder(folder / "mine" / label / "a", FRAMES)
    write_own_clips(folder / "clips")
    write_own_table(folder / "clips.csv", folder / "clips")
    return folder


@pytest.fixture(autouse=True)
def _no_page_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo end once its page is served."""
    monkeypatch.setattr("gradio.Blocks.block_thread", lambda page: None)


@pytest.fixture(autouse=True)
def _archives_show_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one be found in each long video: the archives show noise."""
    monkeypatch.setattr("lightmannet.inference.moment.recordings.find_faces", lambda frame: [whole_frame_face(frame)])


@pytest.fixture(scope="module")
def run_on_frames(workplace: Path) -> Path:
    """Return the folder of a run that can be exported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        patch.setenv("CASME2_ROOT", str(workplace / "casme2"))
        patch.setenv("LIGHTMANNET_CACHE", str(workplace / "cache"))
        configs = ["--config=configs/supervised.yaml", "--config=configs/data/casme2.yaml"]
        main(["fit", *configs, "--trainer.logger.init_args.save_dir=frames"])
    return workplace / "frames" / "lightning_logs"


@pytest.fixture(autouse=True)
def _there(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    for variable, name in (("CASME2_ROOT", "casme2"), ("CKPLUS_ROOT", "ckplus"), ("MEGC2019_ROOT", "HTNet")):
        monkeypatch.setenv(variable, str(workplace / name))
    for name in ("kdef_landmarks", "ckplus_pairs", "jaffe", "yale_faces"):
        monkeypatch.setenv(f"{name.upper()}_ROOT", str(workplace / "sets" / name))
    monkeypatch.setenv("MEGC2019_PHASES_ROOT", str(workplace / "CausalNet"))
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(workplace / "cache"))


def _rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config, allow_unicode=True))


def _small(config: dict[str, Any]) -> None:
    trainer = config.setdefault("trainer", {})
    trainer |= {"max_epochs": 1, "limit_train_batches": 1, "limit_val_batches": 1, "limit_test_batches": 1}
    trainer |= {"limit_predict_batches": 1, "accelerator": "cpu", "enable_progress_bar": False}
    # The archives show four people each.
    data = config["data"]["init_args"]
    data["validation_fraction"] = 0.3
    data["protocol"] = {"class_path": "LeaveOneSubjectOut"}
    if config["data"]["class_path"] == "EpisodicDataModule":
        data |= {"n_shot": 1, "n_query": 1, "n_auxiliary": 1}


def _without_counts(config: dict[str, Any]) -> None:
    options = config["data"]["init_args"]["corpus"].setdefault("init_args", {})
    for source in options.get("corpora", [{"init_args": options}]):
        source["init_args"]["check_counts"] = False


def commands_of(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each of this project's commands that a line runs: of ``make``, those of its recipe."""
    if line.startswith("make "):
        recipe = subprocess.run(
            [
                "make",
                "-C",
                str(ROOT),
                "--no-print-directory",
                "--dry-run",
                "--assume-old=.venv/.installed",
                *shlex.split(line)[1:],
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for step in recipe.replace("\\\n", " ").splitlines():
            if step.startswith((".venv/bin/lightning ", ".venv/bin/lightmannet ")):
                yield _expanded(step)
    else:
        # torchrun and sbatch run a command of ours.
        found = re.search(r"(?:^|[ /\"])((?:lightning|lightmannet) .*?)\"?$", line)
        assert found, f"{line}: starts none of this project's commands; add it to FOREIGN if that is meant"
        yield _expanded(found[1])


def _expanded(command: str) -> list[str]:
    """Return a command's arguments as the shell would give them, patterns and substitutions included."""
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[1:-1]


def with_small_budget(arguments: list[str]) -> list[str]:
    """Return the arguments of a run that takes a second."""
    verb = arguments[0]
    if verb == "table":
        return [*arguments, "--status=true"]
    if verb == "sweep":
        return [*arguments, "--trials=1"]
    if verb == "spot":
        return [*arguments, "--any-face"]
    if verb == "synthesize":
        return [*arguments, "--subjects=1"]
    if verb == "fit" and "--data" in arguments:  # its configuration is the package's own
        return [
            *arguments,
            "--trainer.max_epochs=1",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
        ]
    # Several processes, or an account.
    if verb == "fit" and ("--trainer.strategy" in arguments or "--trainer.logger.init_args.offline=false" in arguments):
        return [*arguments, "--print_config"]
    return arguments


def exit_code(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(("page", "line"), CASES)
def test_a_documented_command_does_what_it_is_written_for(
    page: Path, line: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if line.startswith(READ_ONLY):
        subprocess.run(["make", "-C", str(ROOT), "--dry-run", *shlex.split(line)[1:]], check=True, capture_output=True)
        return
    if " export " in line:
        line = line.replace("lightning_logs", str(request.getfixturevalue("run_on_frames")))
    for name, value in re.findall(r"(MEGC2019_ROOT|MACRO_MOTION_ROOT)=(\w+)", line):
        monkeypatch.setenv(name, str(Path(value).absolute()))
    for arguments in commands_of(line):
        assert exit_code(with_small_budget(arguments)) == 0


def test_no_page_is_without_its_commands() -> None:
    assert len(CASES) > 30
