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
from lightmannet.report.latex import escape, latex
from lightmannet.report.number_format import amount, bounds, difference, duration, probability, share
from lightmannet.report.report import write_report
from lightmannet.report.summary import summarize
from lightmannet.table.plan import Condition, LeftOut, Plan
from lightmannet.table.store import Result
from tests.made_results import made_corpus, made_plan, made_results, without

MEGC2019 = {"casme2": 145, "smic": 164, "samm": 133}


def lines(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "table.csv").open()))


def write(plan: Plan, results: list[Result], folder: Path) -> str:
    return write_report(plan, results, folder)


def test_the_same_results_give_the_same_files_in_any_order(tmp_path: Path) -> None:
    plan = made_plan(seeds=(0,))
    results = made_results(plan)
    write(plan, results, tmp_path / "a")
    write(plan, results[::-1], tmp_path / "b")
    for name in ("table.md", "table.csv", "table.tex", "report.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_markdown_says_interval_comparison_and_what_they_are(tmp_path: Path) -> None:
    plan = made_plan()
    text = write(plan, made_results(plan), tmp_path)
    row = next(r for r in lines(tmp_path) if (r["method"], r["column"], r["score"]) == ("LightmanNet", "Full", "uf1"))
    interval = f"{share(float(row['low']))} – {share(float(row['high']))}"
    line = next(line for line in text.splitlines() if line.startswith("| LightmanNet"))
    assert interval in line
    p_value = next(r for r in lines(tmp_path) if (r["method"], r["score"]) == ("LightmanNet", "p_value_corrected"))
    assert f", p = {probability(float(p_value['mean']))} |" in line.replace("p <", "p = <")
    assert "**Synthetic** clips" in text
    assert "Compared with weak" in text
    assert "corrected for 2 comparisons (Holm)" in text


def test_a_hole_is_a_hole_in_every_file(tmp_path: Path) -> None:
    plan = made_plan()
    results = [r for r in without(made_results(plan), "middling", fold=0, seed=0) if r.method != "weak"]
    text = write(plan, results, tmp_path)
    assert "| weak | not all folds finished |" in text
    assert "| middling (2 of 3 seeds) |" in text
    assert "Holes: 10 runs failed or are still to come (weak: 9; middling: 1)" in text
    assert r"weak & \multicolumn{" in (tmp_path / "table.tex").read_text()
    page = (tmp_path / "report.html").read_text()
    assert 'class="hole" data-method="weak"' in page
    assert "2 of 3 seeds" in page
    assert not [r for r in lines(tmp_path) if r["method"] == "weak"]


def test_who_is_left_out_of_own_person_tasks_is_counted(tmp_path: Path) -> None:
    conditions = {"K = 1": Condition([], 0.1), "K = 3": Condition([], 0.3)}
    plan = made_plan(axis="K", conditions=conditions, seeds=(0,))
    plan = replace(plan, left_out={"K = 3": LeftOut(people=7, clips=20, needed="2 classes with 4 clips each")})
    said = (
        "K = 3 needs 2 classes with 4 clips each: 84 clips of 12 people take part; 20 clips do not, those of 7 other "
        "people and those of classes that somebody shows too rarely."
    )
    assert said in write(plan, made_results(plan, tasks=2), tmp_path)
    for name in ("report.html", "table.tex"):
        assert said in (tmp_path / name).read_text(), name


def test_published_scores_stand_beside_real_clips_with_source_and_caveat(tmp_path: Path) -> None:
    plan = made_plan(corpus=made_corpus(MEGC2019, 20, "megc2019", synthetic=False), seeds=(0,))
    text = write(plan, made_results(plan), tmp_path)
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
    plan = made_plan(corpus=made_corpus(two, 20, "megc2019", synthetic=False), seeds=(0,))
    text = write(plan, made_results(plan), tmp_path)
    assert "309 of the composite's 442 clips" in text
    published = {(r["method"], r["column"]) for r in lines(tmp_path) if r["source"]}
    assert ("STSTNet", "smic") in published
    assert not [pair for pair in published if pair[1] in ("Full", "samm")]


def test_synthetic_clips_have_no_published_neighbours(tmp_path: Path) -> None:
    plan = made_plan(corpus=made_corpus(MEGC2019, 20, "megc2019"), seeds=(0,))
    assert "Published" not in write(plan, made_results(plan), tmp_path)
    assert not [r for r in lines(tmp_path) if r["source"]]
    assert "Published" not in (tmp_path / "report.html").read_text()


def columns_of(row: str) -> int:
    """Return the number of columns that a row of a tabular fills."""
    spans = [int(span) for span in re.findall(r"\\multicolumn\{(\d+)\}", row)]
    return len(re.findall(r"(?<!\\)&", row)) + 1 + sum(spans) - len(spans)


def latex_tables() -> dict[str, tuple[Plan, list[Result]]]:
    """Return one of each kind: conditions with a hole, tasks, published rows beside an oracle epoch, odd names."""
    two = {"0 %": Condition([], 0.0), "50 %": Condition([], 0.5)}
    varied = made_plan(axis="noise_%", conditions=two, seeds=(0, 1))
    holes = [r for r in made_results(varied) if (r.method, r.condition) != ("middling", "0 %")]
    tasks = made_plan(axis="K", conditions=two, seeds=(0,))
    real = made_plan(corpus=made_corpus(MEGC2019, 20, "megc2019", synthetic=False), oracle_epoch=True, seeds=(0,))
    odd = made_plan(methods=("λ2 & α", r"D^aux_{x} \~ #1 $y$ <z>", "weak"), seeds=(0,))
    return {
        "varied": (varied, holes),
        "tasks": (tasks, made_results(tasks, tasks=2)),
        "real": (replace(real, auxiliary={"LightmanNet": MagnifiedMicro()}), made_results(real)),
        "odd": (odd, made_results(odd)),
    }


def test_latex_is_booktabs_with_a_cell_for_each_column() -> None:
    for name, (plan, results) in latex_tables().items():
        text = latex(plan, summarize(plan, results))
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
    document += [latex(plan, summarize(plan, results)) for plan, results in latex_tables().values()]
    (tmp_path / "document.tex").write_text("\n".join([*document, r"\end{document}"]))
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.findall(r"Overfull \\hbox \(\d{2,}|Float too large|Missing character", done.stdout)


def test_the_oracle_epoch_is_named_and_explained_where_it_stands(tmp_path: Path) -> None:
    plan = made_plan(oracle_epoch=True, seeds=(0,))
    text = write(plan, made_results(plan), tmp_path)
    assert "| oracle epoch UF1 / UAR |" in text
    assert "Not a score that anybody could reach on new people" in text
    assert "Not a score that anybody could reach on new people" in (tmp_path / "report.html").read_text()
    honest, oracle = (
        float(next(r for r in lines(tmp_path) if (r["method"], r["column"], r["score"]) == ("weak", c, "uf1"))["mean"])
        for c in ("Full", "oracle epoch")
    )
    assert oracle > honest


def test_a_method_cannot_write_into_the_page(tmp_path: Path) -> None:
    plan = made_plan(methods=("</script><b>x", "weak"), seeds=(0,))
    write(plan, made_results(plan), tmp_path)
    assert "</script><b>" not in (tmp_path / "report.html").read_text()


def test_the_page_is_small_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    plan = made_plan()
    write(plan, made_results(plan), tmp_path)
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
        (escape("a_b & 5 % ± λ"), r"a\_b \& 5 \% $\pm$ $\lambda$"),
    ],
)
def test_numbers_are_written_shortly(written: str, text: str) -> None:
    assert written == text
