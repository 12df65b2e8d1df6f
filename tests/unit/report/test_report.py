"""The table's files: the same numbers in each, holes as holes, caveats beside what they are about."""

import csv
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from data_modules.auxiliary import MagnifiedMicro
from lightmannet.report.footnotes import footnotes
from lightmannet.report.latex import latex
from lightmannet.report.number_format import amount, bounds, difference, duration, probability, share
from lightmannet.report.report import write_report
from lightmannet.report.summary import summarize
from lightmannet.report.table_lines import table_model
from lightmannet.report.templates import escape_latex
from lightmannet.table.description import Condition
from lightmannet.table.plan import ExcludedPeople, Plan
from lightmannet.table.store import Result
from tests.fake_results import fake_corpus, fake_plan, fake_results, without

MEGC2019 = {"casme2": 145, "smic": 164, "samm": 133}


def lines(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "table.csv").open()))


def write(plan: Plan, results: list[Result], folder: Path) -> str:
    return write_report(plan, results, folder)


def test_the_same_results_give_the_same_files_in_any_order(tmp_path: Path) -> None:
    plan = fake_plan(seeds=(0,))
    results = fake_results(plan)
    write(plan, results, tmp_path / "a")
    write(plan, results[::-1], tmp_path / "b")
    for name in ("table.md", "table.csv", "table.tex", "report.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_markdown_says_interval_comparison_and_what_they_are(tmp_path: Path) -> None:
    plan = fake_plan()
    text = write(plan, fake_results(plan), tmp_path)
    row = next(r for r in lines(tmp_path) if (r["method"], r["column"], r["score"]) == ("LightmanNet", "Full", "uf1"))
    interval = f"{share(float(row['low']))} – {share(float(row['high']))}"
    line = next(line for line in text.splitlines() if line.startswith("| LightmanNet |"))
    assert f"| {interval} |" in line
    p_value = next(r for r in lines(tmp_path) if (r["method"], r["score"]) == ("LightmanNet", "p_value_corrected"))
    assert f"| {probability(float(p_value['mean']))} \\* |" in line
    assert "**Synthetic** clips" in text
    assert "Compared with weak" in text
    assert "corrected for 2 comparisons (Holm)" in text


def test_a_hole_is_a_hole_in_every_file(tmp_path: Path) -> None:
    plan = fake_plan()
    results = [r for r in without(fake_results(plan), "middling", fold=0, seed=0) if r.cell.method != "weak"]
    text = write(plan, results, tmp_path)
    assert "| weak | no run has finished |" in text
    assert "| middling (2 of 3 seeds) † |" in text
    assert "Missing: 10 runs failed or have not finished (weak: 9; middling: 1)" in text
    assert r"weak & \multicolumn{" in (tmp_path / "table.tex").read_text()
    page = (tmp_path / "report.html").read_text()
    assert 'class="hole" data-method="weak"' in page
    assert "2 of 3 seeds" in page
    assert not [r for r in lines(tmp_path) if r["method"] == "weak"]


def test_bold_is_the_best_of_a_column_with_ties_whoever_that_is(tmp_path: Path) -> None:
    plan = fake_plan(methods=("weak", "LightmanNet", "twin"), seeds=(0,))

    def table_where(*right: str) -> str:
        """Write the table of methods that are always right or always wrong."""
        results = []
        for result in fake_results(plan):
            shift = 0 if result.cell.method in right else 1
            answers = [
                replace(a, probabilities=[float(c == (a.label + shift) % 3) for c in range(3)]) for a in result.answers
            ]
            results.append(replace(result, answers=answers, unadapted=None))
        return write(plan, results, tmp_path)

    def bold(text: str) -> list[str]:
        return [line.split(" |")[0].removeprefix("| ") for line in text.splitlines() if "| **" in line]

    assert bold(table_where("LightmanNet", "twin")) == ["LightmanNet", "twin"]
    assert bold(table_where("weak")) == ["weak"]
    assert {r["method"] for r in lines(tmp_path) if r["best"]} == {"weak"}
    assert r"\textbf{1.000}" in (tmp_path / "table.tex").read_text()
    assert '<span class="value best">1.000</span>' in (tmp_path / "report.html").read_text()


def test_bold_is_the_best_under_each_condition(tmp_path: Path) -> None:
    plan = fake_plan(axis="noise", conditions={"clean": Condition([], 0.0), "noisy": Condition([], 0.8)}, seeds=(0,))
    write(plan, fake_results(plan), tmp_path)
    best = [r for r in lines(tmp_path) if r["best"] and (r["column"], r["score"]) == ("Full", "uf1")]
    assert sorted(r["condition"] for r in best) == ["clean", "noisy"]
    for row in best:
        same = [
            r for r in lines(tmp_path) if (r["condition"], r["column"], r["score"]) == (row["condition"], "Full", "uf1")
        ]
        assert float(row["mean"]) == max(float(r["mean"]) for r in same)


def test_a_method_below_its_own_row_without_adaptation_is_marked_everywhere(tmp_path: Path) -> None:
    plan = fake_plan()
    text = write(plan, fake_results(plan), tmp_path)
    tex, page = ((tmp_path / name).read_text() for name in ("table.tex", "report.html"))
    assert "| middling † |" in text
    assert "| middling, no adaptation |" in text
    assert "| LightmanNet |" in text
    assert "against no adaptation" in text
    assert "against no adaptation" in page
    assert "† Its UF1 is below that of its own row without adaptation: adapting made it worse. (middling)" in text
    assert r"middling $\dagger$ &" in tex
    assert r"middling, no adaptation &" in tex
    assert page.count(">below no adaptation</button>") == 1
    assert 'class="unadapted" data-method="middling, no adaptation"' in page
    marked = {r["method"] for r in lines(tmp_path) if "adapting made it worse" in r["caveats"]}
    assert marked == {"middling"}
    by_method = {r["method"]: float(r["mean"]) for r in lines(tmp_path) if (r["column"], r["score"]) == ("Full", "uf1")}
    assert by_method["middling"] < by_method["middling, no adaptation"]
    assert by_method["LightmanNet"] > by_method["LightmanNet, no adaptation"]


def test_budgets_that_differ_are_said(tmp_path: Path) -> None:
    plan = fake_plan(seeds=(0,))
    results = fake_results(plan)
    text = write(plan, results, tmp_path)
    assert "Budgets are not equal: they range from 10,000 clips (weak) to 45,000 (LightmanNet)." in text
    drawn = {(r["method"], r["score"]): float(r["mean"]) for r in lines(tmp_path) if r["score"].endswith("_clips")}
    assert drawn["LightmanNet", "micro_clips"] == 30_000
    assert drawn["LightmanNet", "macro_clips"] == 15_000
    assert ("weak", "macro_clips") not in drawn
    # A quarter more is about the same; what was never trained has no budget.
    budget = {"weak": 0, "middling": 8_000, "LightmanNet": 10_000}
    equal = [replace(r, drawn_clips={"micro": budget[r.cell.method], "macro": 0}) for r in results]
    text = write(plan, equal, tmp_path)
    assert "Training: clips drawn per run" in text
    assert "Budgets are not equal" not in text
    assert "macro clips" not in text.split("Training: clips")[0]


def test_who_is_left_out_of_own_person_tasks_is_counted(tmp_path: Path) -> None:
    conditions = {"K = 1": Condition([], 0.1), "K = 3": Condition([], 0.3)}
    plan = fake_plan(axis="K", conditions=conditions, seeds=(0,))
    plan = replace(plan, excluded={"K = 3": ExcludedPeople(people=7, clips=20, needed="2 classes with 4 clips each")})
    said = (
        "K = 3 needs 2 classes with 4 clips each: 84 clips of 12 people are tested; 20 clips are not: those of 7 other "
        "people, and those of classes with too few clips of a person."
    )
    assert said in write(plan, fake_results(plan, tasks=2), tmp_path)
    for name in ("report.html", "table.tex"):
        assert said in (tmp_path / name).read_text(), name


def test_published_scores_stand_beside_real_clips_with_source_and_caveat(tmp_path: Path) -> None:
    plan = fake_plan(corpus=fake_corpus(MEGC2019, 20, "megc2019", synthetic=False), seeds=(0,))
    text = write(plan, fake_results(plan), tmp_path)
    assert "This corpus holds all 442 clips of the composite." in text
    assert "not the same protocol" in text
    row = next(r for r in lines(tmp_path) if (r["method"], r["column"], r["score"]) == ("HTNet", "Full", "uf1"))
    assert row["mean"] == "0.860300"
    assert "Table 2 of HTNet" in row["source"]
    assert "best epoch was chosen on the test person" in row["caveats"]
    assert re.search(r"^HTNet\$\^\{1,[a-z]\}\$ & ", (tmp_path / "table.tex").read_text(), re.MULTILINE)
    assert ">oracle epoch</button>" in (tmp_path / "report.html").read_text()


def test_what_part_of_the_composite_is_here_is_said(tmp_path: Path) -> None:
    two = {name: MEGC2019[name] for name in ("casme2", "smic")}
    plan = fake_plan(corpus=fake_corpus(two, 20, "megc2019", synthetic=False), seeds=(0,))
    text = write(plan, fake_results(plan), tmp_path)
    assert "309 of the composite's 442 clips" in text
    published = {(r["method"], r["column"]) for r in lines(tmp_path) if r["source"]}
    assert ("STSTNet", "smic") in published
    assert not [pair for pair in published if pair[1] in ("Full", "samm")]


def test_synthetic_clips_have_no_published_neighbours(tmp_path: Path) -> None:
    plan = fake_plan(corpus=fake_corpus(MEGC2019, 20, "megc2019"), seeds=(0,))
    assert "Published" not in write(plan, fake_results(plan), tmp_path)
    assert not [r for r in lines(tmp_path) if r["source"]]
    assert "Published" not in (tmp_path / "report.html").read_text()


def columns_of(row: str) -> int:
    """Return the number of columns that a row of a tabular fills."""
    spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", row)]
    return len(re.findall(r"(?<!\\)&", row)) + 1 + sum(spans) - len(spans)


def latex_tables() -> dict[str, tuple[Plan, list[Result]]]:
    """Return one of each kind: conditions with a hole, tasks, published rows beside an oracle epoch, odd names."""
    two = {"0 %": Condition([], 0.0), "50 %": Condition([], 0.5)}
    varied = fake_plan(axis="noise_%", conditions=two, seeds=(0, 1))
    holes = [r for r in fake_results(varied) if (r.cell.method, r.cell.condition) != ("middling", "0 %")]
    tasks = fake_plan(axis="K", conditions=two, seeds=(0,))
    real = fake_plan(corpus=fake_corpus(MEGC2019, 20, "megc2019", synthetic=False), oracle_epoch=True, seeds=(0,))
    odd = fake_plan(methods=("λ2 & α", r"D^aux_{x} \~ #1 $y$ <z>", "weak"), seeds=(0,))
    return {
        "varied": (varied, holes),
        "tasks": (tasks, fake_results(tasks, tasks=2)),
        "real": (replace(real, auxiliary={"LightmanNet": MagnifiedMicro()}), fake_results(real)),
        "odd": (odd, fake_results(odd)),
    }


def as_latex(plan: Plan, results: list[Result]) -> str:
    summary = summarize(plan, results)
    return latex(plan.table.title, table_model(plan, summary), footnotes(plan, summary))


def test_latex_is_booktabs_with_a_cell_for_each_column() -> None:
    for name, (plan, results) in latex_tables().items():
        text = as_latex(plan, results)
        assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
        specification = text.split(r"\begin{tabular}{")[1].split("}")[0]
        assert re.fullmatch("l{1,2}r+", specification)
        body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
        rows = [line for line in body.splitlines() if line.endswith(r" \\")]
        assert len(rows) >= 2 + len(plan.table.methods) * len(plan.table.conditions), name
        assert {columns_of(row) for row in rows} == {len(specification)}, name
        rules = [tuple(map(int, ends)) for ends in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", body)]
        assert rules[-1][1] == len(specification), name
        assert all(left[1] + 1 == right[0] for left, right in pairwise(rules)), name
        unescaped = re.sub(r"\\[{}]", "", text)
        assert unescaped.count("{") == unescaped.count("}"), name
        assert re.findall(r"\\(?:begin|end)\{\w+\*?\}", text) == [
            rf"\{word}{{{environment}}}"
            for word, environment in (
                ("begin", "table*"),
                *(("begin", "tabular"), ("end", "tabular")),
                *(("begin", "minipage"), ("end", "minipage")),
                ("end", "table*"),
            )
        ], name
        assert text.isascii(), name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_latex_compiles_and_fits_the_page(tmp_path: Path) -> None:
    document = [r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx}\begin{document}"]
    document += [as_latex(plan, results) for plan, results in latex_tables().values()]
    (tmp_path / "document.tex").write_text("\n".join([*document, r"\end{document}"]))
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.findall(r"Overfull \\hbox \(\d{2,}|Float too large|Missing character", done.stdout)


def test_the_oracle_epoch_is_named_and_explained_where_it_stands(tmp_path: Path) -> None:
    plan = fake_plan(oracle_epoch=True, seeds=(0,))
    text = write(plan, fake_results(plan), tmp_path)
    assert "| oracle epoch: UF1 | oracle epoch: UAR |" in text
    assert "No method can reach such scores on new people" in text
    assert "No method can reach such scores on new people" in (tmp_path / "report.html").read_text()
    honest, oracle = (
        float(next(r for r in lines(tmp_path) if (r["method"], r["column"], r["score"]) == ("weak", c, "uf1"))["mean"])
        for c in ("Full", "oracle epoch")
    )
    assert oracle > honest


def test_a_method_cannot_write_into_the_page(tmp_path: Path) -> None:
    plan = fake_plan(methods=("</script><b>x", "weak"), seeds=(0,))
    write(plan, fake_results(plan), tmp_path)
    assert "</script><b>" not in (tmp_path / "report.html").read_text()


def test_the_page_is_small_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    plan = fake_plan()
    write(plan, fake_results(plan), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert len(page.encode()) < 5_000_000
    markup = page.split("<script>")[0]
    assert "http" not in markup
    assert "@import" not in markup


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (share(0.6843), ".684"),
        (share(1.0), "1.000"),
        (share(0.99996), "1.000"),
        (share(0.0), ".000"),
        (share(-0.02), "−.020"),
        (share(-0.0001), ".000"),
        (difference(0.04), "+.040"),
        (difference(-0.04), "−.040"),
        (probability(0.0004), "< .001"),
        (probability(0.0421), ".042"),
        (bounds(0.5, 0.75), ".500 – .750"),
        (bounds(float("nan"), 1.0), ""),
        (amount(950), "950"),
        (amount(12_345), "12.3 k"),
        (amount(999_900), "1000 k"),
        (amount(3_720_000), "3.72 M"),
        (duration(16.4), "16 s"),
        (duration(1.25), "1.2 s"),
        (duration(0.0123), "12.3 ms"),
        (escape_latex("a_b & 5 % ± λ"), r"a\_b \& 5 \% $\pm$ $\lambda$"),
    ],
)
def test_numbers_are_written_shortly(written: str, text: str) -> None:
    assert written == text
