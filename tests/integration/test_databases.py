"""From archives in their official layouts through the commands: each reader, each representation."""

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from data_modules.auxiliary import AuxiliarySource
from data_modules.video import video_file
from data_modules.video.image_folder import ImageFolder
from data_modules.video.reader import Color, Pixels
from lightmannet.cli import main
from tests.archives.casme import write_casme
from tests.archives.casme2 import WORKBOOK, write_casme2
from tests.archives.casme3 import write_casme3
from tests.archives.casme_sq import write_casme_sq
from tests.archives.ckplus import write_ckplus
from tests.archives.dfme import write_dfme
from tests.archives.macro_sets import write_macro_motion, write_macro_sets
from tests.archives.megc2019_list import write_megc2019_list
from tests.archives.mmew import write_mmew
from tests.archives.mmi import write_mmi
from tests.archives.oulu_casia import write_oulu_casia
from tests.archives.samm import write_samm
from tests.archives.samm_lv import write_samm_lv
from tests.archives.smic import write_smic
from tests.archives.writing import set_cell
from tests.megc2019_files import write_megc2019

CONFIGS = Path(__file__).parents[2] / "configs"
CORPUS = "--data.init_args.corpus.init_args"
WRITERS: dict[str, Callable[[Path], None]] = {
    "casme": write_casme,
    "casme2": write_casme2,
    "samm": write_samm,
    "samm_lv": write_samm_lv,
    "smic": write_smic,
    "mmew": write_mmew,
    "dfme": write_dfme,
    "casme_sq": write_casme_sq,
    "casme3": write_casme3,
    "ckplus": write_ckplus,
    "oulu_casia": write_oulu_casia,
    "mmi": write_mmi,
}
MACRO_ONLY = ("ckplus", "oulu_casia", "mmi")
WITH_MACRO = ("casme_sq", "casme3")
REPRESENTATIONS = sorted(
    {path.stem for path in (CONFIGS / "representation").glob("*.yaml")} - {"landmark_flow", "pair_flow"}
)
VARIANTS = {"casme_sq": ["frames: video", "frames: raw"], "casme2": ["frames: selected", "frames: raw"]}


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All archives and one cache for what is computed from them."""
    folder = tmp_path_factory.mktemp("archives")
    for name, write in WRITERS.items():
        (folder / name).mkdir()
        write(folder / name)
    (folder / "megc2019_list").mkdir()
    write_megc2019_list(folder / "megc2019_list")
    return folder


@pytest.fixture(autouse=True)
def _environment(archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WRITERS:
        monkeypatch.setenv(f"{name.upper()}_ROOT", str(archives / name))
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(archives / "cache"))
    monkeypatch.chdir(tmp_path)


def configs(name: str) -> list[str]:
    """Return the overlays that give micro-expressions to recognise and macro-expressions for D^aux."""
    if name in MACRO_ONLY:
        names = ["casme2", name]
    elif name in WITH_MACRO:
        names = [name]
    else:
        names = [name, "ckplus"]
    return [f"--config={CONFIGS / 'data' / n}.yaml" for n in names]


def fit(name: str, representation: str, *more: str) -> None:
    flow = [f"{CORPUS}.representation.init_args.method=dis"] if "flow" in representation else []
    main(
        [
            "fit",
            f"--config={CONFIGS / 'lightmannet.yaml'}",
            *configs(name),
            f"--config={CONFIGS / 'representation' / representation}.yaml",
            *flow,
            f"{CORPUS}.workers=0",
            "--data.init_args.protocol=data_modules.LeaveOneSubjectOut",
            "--data.init_args.validation_fraction=0",
            *(f"--data.init_args.{count}=1" for count in ("n_shot", "n_query", "n_auxiliary")),
            "--data.init_args.episodes_per_epoch=4",
            "--model.init_args.warm_start.epochs=0",
            "--model.init_args.network.init_args.encoder.init_args.width=8",
            "--trainer.max_epochs=1",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
            *more,
        ]
    )


# Each reader in one representation, in turn; in the others by make test-slow.
WALK = [
    pytest.param(name, shown, marks=[pytest.mark.slow] * (turn != number % len(REPRESENTATIONS)))
    for number, name in enumerate(WRITERS)
    for turn, shown in enumerate(REPRESENTATIONS)
]


@pytest.mark.parametrize(("name", "representation"), WALK)
def test_an_epoch_of_every_reader_in_each_representation(name: str, representation: str, tmp_path: Path) -> None:
    fit(name, representation)
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, some in VARIANTS.items() for option in some])
def test_an_epoch_of_raw_frames_and_of_videos(name: str, option: str, tmp_path: Path) -> None:
    reader = {"casme_sq": "CASMESquared", "casme2": "CASME2"}[name]
    databases = f"[{{class_path: data_modules.{reader}, init_args: {{{option}}}}}]"
    macro = [f"{CORPUS}.macro={databases}"] if name in WITH_MACRO else []
    fit(name, "apex_flow", f"{CORPUS}.micro={databases}", *macro)
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))


@pytest.mark.parametrize(
    "representation",
    [pytest.param(shown, marks=[pytest.mark.slow] * (shown != "apex_flow")) for shown in REPRESENTATIONS],
)
def test_the_official_list_of_the_composite(
    representation: str, archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = archives / "megc2019_list"
    for name, folder in (("MEGC2019", root), *((n.upper(), root / n) for n in ("casme2", "smic", "samm"))):
        monkeypatch.setenv(f"{name}_ROOT", str(folder))
    fit("megc2019_list", representation, f"{CORPUS}.check_counts=false")
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))


def test_after_the_first_look_no_epoch_decodes_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    decode = ImageFolder.read

    def noted(self: ImageFolder, numbers: Sequence[int], color: Color) -> Pixels:
        read.append(str(self.path))
        return decode(self, numbers, color)

    monkeypatch.setattr(ImageFolder, "read", noted)
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "cache"))
    fit("casme2", "apex_flow")
    assert read
    assert len(read) == len(set(read))
    read.clear()
    fit("casme2", "apex_flow", "--trainer.max_epochs=2")
    assert not read


def test_the_log_of_a_run_says_which_package_decodes_videos(tmp_path: Path) -> None:
    video_file._log_once.cache_clear()
    videos = "[{class_path: data_modules.CASMESquared, init_args: {frames: video}}]"
    fit("casme_sq", "apex_flow", f"{CORPUS}.micro={videos}", f"{CORPUS}.macro={videos}")
    (log,) = tmp_path.glob("lightning_logs/version_*/run.log")
    assert "video files are decoded by pyav" in log.read_text()


def test_macro_stills_serve_where_frames_are_shown(tmp_path: Path) -> None:
    stills = "[{class_path: data_modules.MMEW}]"
    fit("mmew", "frame_clip", f"{CORPUS}.macro={stills}")
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))


def test_macro_expressions_without_an_emotion_serve_by_their_action_units(tmp_path: Path) -> None:
    long = "[{class_path: data_modules.SAMMLongVideos}]"
    with pytest.raises(SystemExit):
        fit("samm", "apex_flow", f"{CORPUS}.macro={long}")
    scheme = tmp_path / "by_units.yaml"
    rule = "{by: objective_class, classes: {one: [1, 2, 3], two: [7]}, drop: [4, 5, 6]}"
    scheme.write_text(f"title: test\nclasses: [one, two]\ndatabases: {{samm: {rule}, samm_lv: {rule}}}\n")
    more = [f"{CORPUS}.scheme={scheme}", "--data.init_args.n_way=2", "--model.init_args.network.init_args.n_classes=2"]
    fit("samm", "apex_flow", f"{CORPUS}.macro={long}", *more)
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))


def test_the_list_of_databases_says_where_each_is_looked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SMIC_ROOT")
    monkeypatch.setenv("CKPLUS_ROOT", "nowhere")
    main(["databases"])
    printed = capsys.readouterr().out
    for text in ("casme2", "CASME II", "$CASME2_ROOT", "not set", "no such folder", "yes", "agreement"):
        assert text in printed


@pytest.mark.parametrize("name", WRITERS)
def test_a_check_prints_counts_beside_the_expected_ones(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["databases", "check", name, "--workers=0"])
    printed = capsys.readouterr().out
    assert "no faults" in printed
    assert "expected" in printed
    assert "clips per subject" in printed


def test_a_check_reports_every_fault_also_in_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_casme2(tmp_path / "casme2")
    set_cell(tmp_path / "casme2" / WORKBOOK, "Sheet1", "I3", "bored")
    broken = tmp_path / "casme2" / "Cropped" / "sub01" / "EP02_01f" / "reg_img48.jpg"
    broken.write_bytes(b"")
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as stopped:
        main(["databases", "check", "casme2", f"--root={tmp_path / 'casme2'}", "--workers=0"])
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert "2 faults" in captured.err
    assert "emotion 'bored' is unknown" in captured.err
    assert "reg_img48.jpg" in captured.err
    assert "255" in captured.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "one of casme, casme2"),
        (["casme9"], "one of casme, casme2, .* is expected, not 'casme9'"),
        (["casme2", "--frames=blurred"], "frames"),
        (["casme2", "--root=nowhere"], "'nowhere', which does not exist"),
    ],
)
def test_a_check_of_what_is_not_there_says_so(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["databases", "check", *words])
    assert stopped.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_missing_root_says_how_to_get_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CASME2_ROOT")
    with pytest.raises(SystemExit):
        fit("casme2", "apex_flow")
    printed = capsys.readouterr().err
    assert "CASME2_ROOT" in printed
    assert "Institute of Psychology" in printed
    assert "reg_img46.jpg" in printed


def test_the_bench_of_data_compares_every_stage_with_a_plain_loop(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["bench-data", "--clips=2", "--steps=1"])
    printed = capsys.readouterr().out
    stages = ("decode two frames", "and crop", "DIS flow", "TV-L1 flow", "cached read of a motion image")
    for stage in stages:
        (row,) = [line for line in printed.splitlines() if stage in line]
        assert re.search(r"│\s+\d+\s+│\s+\d+\s+│\s+\d+\.\d\d ", row)
    assert "an episode of 45 motion images" in printed


@pytest.mark.parametrize("sets", ["kdef_landmarks", "macro"])
def test_an_epoch_of_flow_images_with_real_kinds_of_macro_expressions(
    sets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for variable, root in write_macro_sets(tmp_path / "sets").items():
        monkeypatch.setenv(variable, str(root))
    monkeypatch.setenv("MEGC2019_ROOT", str(write_megc2019(tmp_path / "megc2019")))
    if sets == "macro":
        monkeypatch.delenv("CKPLUS_ROOT")
    else:
        write_macro_motion(tmp_path / "motion")
        monkeypatch.setenv("MACRO_MOTION_ROOT", str(tmp_path / "motion"))
    with caplog.at_level(logging.WARNING):
        main(
            [
                "fit",
                f"--config={CONFIGS / 'lightmannet.yaml'}",
                f"--config={CONFIGS / 'data' / 'megc2019.yaml'}",
                f"--config={CONFIGS / 'data' / sets}.yaml",
                f"{CORPUS}.check_counts=false",
                *(f"--data.init_args.{count}=1" for count in ("n_shot", "n_query", "n_auxiliary")),
                "--data.init_args.episodes_per_epoch=4",
                "--model.init_args.warm_start.epochs=0",
                "--trainer.max_epochs=1",
                "--trainer.accelerator=cpu",
                "--trainer.enable_progress_bar=false",
            ]
        )
    assert list(tmp_path.glob("lightning_logs/version_*/checkpoints/*.ckpt"))
    # KDEF's pictures, CK+'s landmarks and four files of computed motion.
    absent = [
        message for message in caplog.messages if message.startswith("D^aux is without 6 of the sets named: KDEF")
    ]
    assert bool(absent) == (sets == "macro")


def test_the_sets_found_on_this_machine_are_named_with_their_clips_and_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, root in write_macro_sets(tmp_path / "sets").items():
        monkeypatch.setenv(variable, str(root))
    monkeypatch.delenv("CKPLUS_ROOT")
    overlay = yaml.safe_load((CONFIGS / "data" / "macro.yaml").read_text())["data"]["init_args"]["auxiliary"]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--auxiliary", type=AuxiliarySource)
    source = parser.instantiate_classes(parser.parse_object({"auxiliary": overlay})).auxiliary
    assert source.describe() == (
        "macro-expressions of kdef_landmarks (18 clips of 2 people), ckplus_pairs (6 clips of 2 people), "
        "jaffe (6 clips of 2 people), yale_faces (6 clips of 2 people)"
    )
