"""Every table in configs/tables can be planned, and small ones of each kind run to the end."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from data_modules import MEGC2019
from data_modules.macro_sets import MacroSets
from data_modules.rendered.source import RenderedFaces
from lightmannet.cli import main
from lightmannet.episode import concatenate
from lightmannet.table.description import read_table
from lightmannet.table.plan import Plan, make_plan
from tests.archives.casme2 import ROWS, write_casme2
from tests.clips import MadeCorpus, make_clips

TABLES = Path(__file__).parents[2] / "configs" / "tables"
EMBEDDED = sorted(path.stem for path in TABLES.glob("*.yaml") if "../data/embedded" in path.read_text())
RENDERED = ["rendered", "robustness_apex"]
REAL = ["megc2019", "megc2019_few_labels", "megc2019_macro", "megc2019_two_flows"]
GENERATED = ("embedded", "embedded_development", "synthetic")
# These take a second or two to plan; the others, with more rows and columns, are planned by make test-slow.
QUICK = {"synthetic", "cde"}
HELD_OUT = {"class_path": "HoldOutDatabase", "init_args": {"test": ["synthetic_b"]}}
TINY = [
    "--trainer.max_epochs=1",
    "--data.init_args.episodes_per_epoch=2",
    "--data.init_args.evaluation.init_args.draws=1",
]


def test_every_table_describes_itself() -> None:
    tables = {path.stem: read_table(path) for path in TABLES.glob("*.yaml")}
    assert len({table.title for table in tables.values()}) == len(tables)
    for name, table in tables.items():
        generated = isinstance(table.data, str) and Path(table.data).stem in GENERATED
        assert ("synthetic" in table.title) == generated, name
        assert bool(table.axis) <= (len(table.conditions) > 1), name


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in EMBEDDED]
)
def test_every_table_of_the_embedded_corpus_can_be_planned(name: str) -> None:
    plan = planned(name)
    assert plan.corpus.synthetic
    assert bool(plan.excluded) == (name == "own_person")


@pytest.mark.parametrize("name", RENDERED)
def test_every_table_of_rendered_faces_can_be_planned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Rendering takes minutes; what is looked at here is every option, and that tasks can be made of such clips.
    made = MadeCorpus(clips=288, subjects=16, size=3).load()
    monkeypatch.setattr(RenderedFaces, "load", lambda source: made)
    assert planned(name).corpus is made


@pytest.mark.parametrize("name", REAL)
def test_every_table_of_real_images_can_be_planned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = replace(MadeCorpus(clips=288, subjects=16, size=3).load(), synthetic=False)
    monkeypatch.setattr(MEGC2019, "load", lambda source: made)
    sets = [make_clips(60, seed, size=3, database=name) for seed, name in enumerate(("macro_a", "macro_b"))]
    macro = replace(made, micro=made.micro.select([]), macro=concatenate(*sets))
    monkeypatch.setattr(MacroSets, "read", (macro,))
    assert planned(name).corpus is made


def test_no_table_is_left_unplanned() -> None:
    known = {*EMBEDDED, *RENDERED, *REAL, "sde_casme2_five"}
    assert {path.stem for path in TABLES.glob("*.yaml")} == known


def planned(name: str) -> Plan:
    """Return a table's plan, having checked that it has a cell for everything."""
    plan = make_plan(TABLES / f"{name}.yaml", None)
    table = plan.table
    runs = {(c.method, c.condition, c.seed) for c in plan.cells}
    assert len(runs) == len(table.methods) * len(table.conditions) * len(table.seeds)
    assert len({cell.file_name for cell in plan.cells}) == len({cell.key for cell in plan.cells}) == len(plan.cells)
    assert set(plan.tested) == set(table.conditions)
    return plan


@pytest.mark.slow
def test_five_classes_of_one_database_can_be_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of three people shows each of the five classes.
    emotions = ("happiness", "disgust", "surprise", "repression", "others")
    shown = [(*ROWS[0][:1], f"EP{n:02d}_01f", *ROWS[0][2:8], emotion) for n, emotion in enumerate(emotions * 2, 1)]
    rows = [(person, *row[1:]) for person in ("01", "02", "03") for row in shown]
    write_casme2(tmp_path / "CASME2", rows)
    monkeypatch.setenv("CASME2_ROOT", str(tmp_path / "CASME2"))
    monkeypatch.setenv("LIGHTMANNET_CACHE", str(tmp_path / "cache"))
    plan = make_plan(TABLES / "sde_casme2_five.yaml", None)
    assert len(plan.corpus.classes) == 5
    assert len(plan.cells) == 3 * 3 * 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["few_shot_database", "own_person", "robustness_subjects"])
def test_tables_run_to_the_end_on_small_budgets(name: str, tmp_path: Path) -> None:
    content = yaml.safe_load((TABLES / f"{name}.yaml").read_text())
    chosen = ("ProtoNet", "LightmanNet")
    content["methods"] = {
        method: {
            "config": str((TABLES / entry["config"]).resolve()),
            "options": [*entry.get("options", []), *TINY, "--model.init_args.warm_start.epochs=0"],
        }
        for method, entry in content["methods"].items()
        if method in chosen
    }
    content["data"] = str((TABLES / content["data"]).resolve())
    content["protocol"], content["baseline"] = HELD_OUT, ""
    for condition in content["conditions"].values():
        condition["options"].append("--data.init_args.n_query=1")
        if "evaluation" in str(condition):
            condition["options"].append("--data.init_args.evaluation.init_args.tasks=20")
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    main(["table", str(path), f"--results={tmp_path}", "--workers=1"])
    rows = list(csv.DictReader((tmp_path / f"{name}-hde" / "table.csv").open()))
    assert {row["method"] for row in rows} >= set(chosen)
