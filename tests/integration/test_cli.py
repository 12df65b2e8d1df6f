"""The commands, run in this process as a user would."""

import csv
from pathlib import Path

import pytest
import torch
import yaml

from lightmannet.cli import main
from lightmannet.lightning_cli import Lightning

CONFIGS = Path(__file__).parents[2] / "configs"
METHODS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
SHORT = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.accelerator=cpu"]
MADE = ["--data.init_args.corpus=tests.clips.MadeCorpus", "--trainer.enable_progress_bar=false"]

WARM_0 = ["--model.init_args.warm_start.epochs=0"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def words(method: str, *more: str) -> list[str]:
    return [f"--config={CONFIGS / method}.yaml", *SHORT, *MADE, *more]


def few_shots(method: str) -> list[str]:
    episodic = "Episodic" in (CONFIGS / f"{method}.yaml").read_text()
    return (
        [f"--data.init_args.{count}=2" for count in ("n_shot", "n_query", "evaluation.init_args.draws")]
        if episodic
        else []
    )


def inputs(phases: int, kind: str) -> list[str]:
    corpus = [
        f"--data.init_args.corpus.init_args.{name}={value}" for name, value in (("phases", phases), ("kind", kind))
    ]
    return [*corpus, f"--model.init_args.network.init_args.encoder.init_args.phases={phases}"]


SHOWN = {"flow image": inputs(1, "motion"), "phases": inputs(4, "motion"), "clip": inputs(8, "frames")}
VERBS = ("validate", "test", "predict")
# Each configuration with one of the inputs and one of the verbs, in turn; with the others by make test-slow.
WALK = [
    pytest.param(method, SHOWN[name], verbs, id=f"{method}-{name}", marks=[pytest.mark.slow] * (len(verbs) > 1))
    for number, method in enumerate(METHODS)
    for turn, name in enumerate(SHOWN)
    for verbs in [VERBS if turn != number % len(SHOWN) else (VERBS[number // len(SHOWN) % len(VERBS)],)]
]


@pytest.mark.parametrize(("method", "shown", "verbs"), WALK)
def test_every_configuration_fits_validates_tests_and_predicts(
    method: str, shown: list[str], verbs: tuple[str, ...], tmp_path: Path
) -> None:
    options = words(method, *few_shots(method), *shown)
    warm = "warm_start" in (CONFIGS / f"{method}.yaml").read_text()
    main(["fit", *options, *(WARM_0 if warm else [])])
    run = tmp_path / "lightning_logs" / "version_0"
    (checkpoint,) = run.glob("checkpoints/*.ckpt")
    columns = (run / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train/loss", "val/uf1", "val/uar", "val/accuracy"} <= set(columns)

    before = torch.load(checkpoint, weights_only=True)["state_dict"]
    for verb in verbs:
        main([verb, *options, f"--ckpt_path={checkpoint}"])
    after = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert all(torch.equal(before[name], after[name]) for name in before)

    if "predict" not in verbs:
        return
    (predictions,) = tmp_path.glob("lightning_logs/*/predictions.csv")
    rows = list(csv.DictReader(predictions.open()))
    assert rows
    assert len({row["clip"] for row in rows}) == len(rows)
    for row in rows:
        probabilities = [float(row[f"probability_{label}"]) for label in range(3)]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert int(row["prediction"]) == max(range(3), key=probabilities.__getitem__)


def test_a_runs_own_config_makes_the_run_again(tmp_path: Path) -> None:
    main(["fit", *words("supervised")])
    first = tmp_path / "lightning_logs" / "version_0"
    main(["fit", f"--config={first / 'config.yaml'}"])
    lines = []
    for number in (0, 1):
        with (tmp_path / "lightning_logs" / f"version_{number}" / "metrics.csv").open() as file:
            # Speed and memory are the machine's.
            own = ("speed/", "memory/")
            lines.append([{k: v for k, v in row.items() if not k.startswith(own)} for row in csv.DictReader(file)])
    assert lines[0] == lines[1]
    assert any(row["train/loss"] for row in lines[0])


def test_second_order_trains_in_bfloat16(tmp_path: Path) -> None:
    main(["fit", *words("lightmannet", *few_shots("lightmannet")), *WARM_0, "--trainer.precision=bf16-mixed"])
    rows = list(csv.DictReader((tmp_path / "lightning_logs" / "version_0" / "metrics.csv").open()))
    (loss,) = [float(row["train/loss"]) for row in rows if row["train/loss"]]
    assert 0 < loss < 5


def test_the_configuration_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", f"--config={CONFIGS / 'lightmannet.yaml'}", "--print_config"])
    assert stop.value.code == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["model"]["init_args"]["inner"]["first_order"] is False
    assert printed["data"]["init_args"]["separate_subjects"] is True


def test_one_seed_moves_weights_and_tasks() -> None:
    made = [Lightning([f"--config={CONFIGS / 'maml.yaml'}", f"--seed_everything={n}"], run=False) for n in (7, 7, 8)]
    assert [cli.datamodule.seed for cli in made] == [7, 7, 8]
    first, same, other = (next(cli.model.parameters()) for cli in made)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


OVERLAYS = sorted(path.name for path in (CONFIGS / "data").glob("*.yaml"))


# One data module in turn; the other by make test-slow.
@pytest.mark.parametrize(
    ("method", "overlay"),
    [
        pytest.param(method, overlay, marks=[pytest.mark.slow] * (turn != number % 2))
        for number, overlay in enumerate(OVERLAYS)
        for turn, method in enumerate(("lightmannet", "supervised"))
    ],
)
def test_every_corpus_goes_with_either_data_module(
    method: str, overlay: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fit", f"--config={CONFIGS / method}.yaml", f"--config={CONFIGS / 'data' / overlay}", "--print_config"])
    assert stop.value.code == 0
    given = yaml.safe_load((CONFIGS / "data" / overlay).read_text())["data"]["init_args"]
    out = capsys.readouterr().out
    assert holds(yaml.safe_load(out)["data"]["init_args"], given)
    assert "Unable to serialize" not in out  # a run's config.yaml could not be read again


def holds(whole: object, part: object) -> bool:
    """Return whether ``whole``, which also has defaults and full class paths, says everything that ``part`` says."""
    if isinstance(whole, dict) and isinstance(part, str):
        part = {"class_path": part}
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(holds, whole, part))
    return whole == part or (isinstance(whole, str) and isinstance(part, str) and whole.endswith(f".{part}"))


def test_the_methods_are_listed_with_line_network_parameters_and_reference(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    main(["methods", "--parameters"])
    printed = capsys.readouterr().out
    rows = {cells[0].strip(): cells for line in printed.splitlines() if len(cells := line.split("│")[1:]) > 4}
    assert set(METHODS) <= set(rows)
    for name in METHODS:
        _, line, network, parameters, reference = (cell.strip() for cell in rows[name][:5])
        assert line
        assert network
        assert int(parameters.replace(",", "")) > 0
        assert reference


def test_methods_are_looked_for_in_a_folder_of_configurations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no configuration of a method" in failure(capsys, "methods", f"--configs={tmp_path}")


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the words, which must fail with code 2, and return what they print to stderr."""
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return captured.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--model.init_args.inner.stepz=3", "inner.stepz"),
        ("--model.init_args.inner.steps=-3", "steps >= 0 and learning_rate > 0, but has steps: -3"),
        ("--model.init_args.loss.kernel=cosinus", "cosinus"),
        ("--data.init_args.fold=9", "fold: 9 does not exist"),
        ("--data.init_args.n_shot=500", "need 505"),
        ("--data.init_args.protocol=LeaveOneOut", "LeaveOneOut"),
        ("--seed_everything=-3", "seed_everything: -3"),
        ("--ckpt_path=nowhere.ckpt", "nowhere.ckpt: there is no such checkpoint"),
    ],
)
def test_a_wrong_option_is_named_without_a_traceback(
    wrong: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in failure(capsys, "fit", *words("lightmannet", wrong))


def test_a_misspelt_key_in_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (CONFIGS / "maml.yaml").read_text().replace("accumulate_grad_batches", "accumulate_grad_batch")
    (tmp_path / "mine.yaml").write_text(text)
    assert "accumulate_grad_batch" in failure(capsys, "fit", "--config=mine.yaml")


def test_a_missing_root_says_where_to_get_the_images(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEGC2019_ROOT", raising=False)
    message = failure(
        capsys, "fit", f"--config={CONFIGS / 'supervised.yaml'}", f"--config={CONFIGS / 'data' / 'megc2019.yaml'}"
    )
    assert "MEGC2019_ROOT" in message
    assert "wangzhifengharrison/HTNet" in message


def test_validating_nobody_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--ckpt_path=untrained", "--data.init_args.validation_fraction=0"]
    message = failure(capsys, "validate", *words("supervised", *options))
    assert "validation_fraction" in message


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("exploded"),))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a checkpoint that can be read safely"),
        (b"no checkpoint\n", "not a checkpoint that can be read safely"),
        ({"weights": 1}, "it has no state_dict"),
        ({"state_dict": {}, "pytorch-lightning_version": "2.6.6"}, "the weights of another network"),
        ({"state_dict": Bomb()}, "not a checkpoint that can be read safely"),
    ],
)
def test_what_is_no_checkpoint_is_refused_and_not_executed(
    content: object, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert message in failure(capsys, "test", *words("supervised"), f"--ckpt_path={path}")
    assert not (tmp_path / "exploded").exists()


def test_a_truncated_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", *words("supervised")])
    (checkpoint,) = tmp_path.glob("lightning_logs/*/checkpoints/*.ckpt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    capsys.readouterr()
    assert "it is damaged" in failure(capsys, "test", *words("supervised"), f"--ckpt_path={checkpoint}")
