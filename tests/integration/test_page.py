"""The report in a real browser, from made-up results."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from lightmannet.report.number_format import amount, duration, share
from lightmannet.report.report import write_report
from lightmannet.table.description import Condition
from lightmannet.table.plan import Plan
from tests.fake_results import fake_corpus, fake_plan, fake_results, without

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        # A container's root may not use the sandbox, and its shared memory is small.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


class Opened:
    """A report opened from disk, with what the browser complained about and asked for."""

    def __init__(self, browser: Browser, plan: Plan, folder: Path, width: int = 1280):
        results = without(fake_results(plan), "middling", fold=0, seed=0)
        write_report(plan, results, folder)
        self.numbers = list(csv.DictReader((folder / "table.csv").open()))
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto((folder / "report.html").as_uri())
        self.page.wait_for_selector("html[data-ready]", timeout=60_000)

    def methods(self) -> list[str]:
        return self.page.eval_on_selector_all(".scores tbody tr", "rows => rows.map(row => row.dataset.method)")


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    corpus = fake_corpus({"casme2": 145, "smic": 164, "samm": 133}, 20, "megc2019", synthetic=False)
    return Opened(browser, fake_plan(corpus=corpus, oracle_epoch=True), tmp_path_factory.mktemp("page"))


def test_it_opens_from_disk_without_complaint_and_without_network(opened: Opened) -> None:
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_its_numbers_are_those_of_the_csv(opened: Opened) -> None:
    shown = {
        (row, key): text
        for row, key, text in opened.page.eval_on_selector_all(
            ".sortable [data-key]",
            "cells => cells.map(c => [c.closest('tr').dataset.method, c.dataset.key,"
            " (c.querySelector('.value') ?? c).textContent])",
        )
    }
    hidden = (
        "Full/p_value",
        "adapting/p_value",
        "casme2/accuracy",
        "smic/accuracy",
        "samm/accuracy",
        "oracle epoch/accuracy",
    )
    for line in opened.numbers:
        key, value = f"{line['column']}/{line['score']}".removeprefix("/"), float(line["mean"])
        if key in hidden:
            assert (line["method"], key) not in shown
            continue
        written = {
            "Full/uf1_difference": ("+" if value >= 0 else "") + share(value),
            "adapting/uf1_difference": ("+" if value >= 0 else "") + share(value),
            # The CSV rounds to six digits, and .0009999 is less than .001.
            "Full/p_value_corrected": "< .001" if value - 5e-7 < 0.001 else share(value),
            "adapting/p_value_corrected": "< .001" if value - 5e-7 < 0.001 else share(value),
            "parameters": amount(value),
            "multiply_adds": amount(value),
            "micro_clips": amount(value),
            "macro_clips": amount(value),
            "training": duration(value),
            "adapting": duration(value),
            "predicting": duration(value),
            "peak_memory_mb": f"{value:.0f} MB",
        }.get(key, share(value))
        assert shown[line["method"], key] == written, (line["method"], key)
    assert len(opened.numbers) > 200
    scores = {place for place, text in shown.items() if text and place[1].endswith(("/uf1", "/uar"))}
    in_csv = {(r["method"], f"{r['column']}/{r['score']}") for r in opened.numbers}
    assert scores <= in_csv


def test_every_plot_has_marks(opened: Opened) -> None:
    plots = opened.page.eval_on_selector_all(
        ".chart",
        "charts => charts.map(c => [c.id, c.querySelectorAll('svg .role-mark path, svg .role-mark line').length])",
    )
    assert {name.split("-")[1] for name, _ in plots} == {"intervals", "people", "cost", "curve", "embedding"}
    assert all(count > 0 for _, count in plots), plots
    people = opened.page.locator("#plot-people svg .mark-rect.role-mark path").count()
    assert people == 2 * 60  # a bar, and the baseline's mark on it


def test_a_heading_sorts_both_ways_and_leaves_empty_cells_last(opened: Opened) -> None:
    full = opened.page.locator(".scores thead button", has_text="UF1").first
    value = {r["method"]: float(r["mean"]) for r in opened.numbers if (r["column"], r["score"]) == ("Full", "uf1")}
    for order in ("descending", "ascending"):
        full.click()
        assert full.locator("xpath=..").get_attribute("aria-sort") == order
        methods = opened.methods()
        scored = [method for method in methods if method in value]
        assert methods[: len(scored)] == scored
        assert [value[method] for method in scored] == sorted(value.values(), reverse=order == "descending")
    opened.page.locator(".scores thead button", has_text="method").click()
    assert opened.methods()[0] == "AlexNet"


def test_a_caveat_is_read_by_pointer_and_keyboard(opened: Opened) -> None:
    mark = opened.page.locator("tr[data-method=HTNet] .caveat", has_text="oracle epoch")
    tip = opened.page.locator("#tip")
    mark.hover()
    assert "chosen on the test person" in tip.inner_text()
    opened.page.keyboard.press("Escape")
    assert tip.is_hidden()
    mark.focus()
    assert tip.is_visible()
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280


def test_another_method_can_be_chosen_for_the_people(opened: Opened) -> None:
    before = opened.page.locator("#plot-people svg").inner_html()
    opened.page.locator("#plot-people select").select_option("middling")
    opened.page.wait_for_function("old => document.querySelector('#plot-people svg').innerHTML !== old", arg=before)


@pytest.fixture(scope="module")
def varied(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """The report of a table with conditions, on a phone."""
    conditions = {"clean": Condition([], 0.0), "noisy": Condition([], 0.5)}
    plan = fake_plan(axis="noise", conditions=conditions, seeds=(0,))
    return Opened(browser, plan, tmp_path_factory.mktemp("varied"), width=375)


def test_another_condition_can_be_chosen_for_all_parts(varied: Opened) -> None:
    page = varied.page

    def shown() -> dict[str, str]:
        """The UF1 above each matrix that is seen."""
        captions = page.locator(".matrix caption:visible").all_inner_texts()
        return dict(text.split(" UF1 ") for text in captions)

    def in_csv(condition: str) -> dict[str, str]:
        return {
            r["method"]: share(float(r["mean"]))
            for r in varied.numbers
            if (r["condition"], r["column"], r["score"]) == (condition, "Full", "uf1") and r["method"] in ours
        }

    ours = {"weak", "LightmanNet"}  # middling has a hole
    assert shown() == in_csv("clean")
    page.locator("#people .vega-bindings select").select_option("weak")
    page.locator("#curves select.condition").select_option("noisy")
    page.wait_for_selector("html[data-ready]")
    assert shown() == in_csv("noisy") != in_csv("clean")
    chosen = page.locator("select.condition").evaluate_all("all => all.map(one => one.value)")
    assert chosen == ["noisy"] * 5  # confusion, people, cost, training, alignment
    # The plots of this condition are drawn, and the people are still those of the chosen method.
    for part in ("people", "cost", "curves", "embedding"):
        seen = page.locator(f"#{part} .view:visible")
        assert seen.get_attribute("data-condition") == "noisy"
        assert seen.locator("svg .role-mark path").count() > 0, part
    assert page.locator("#people .vega-bindings select:visible").input_value() == "weak"
    assert varied.complaints == []


def test_a_phone_and_the_dark_are_served(varied: Opened, tmp_path: Path) -> None:
    page = varied.page
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert page.locator("#plot-axis-uf1 svg .mark-symbol.role-mark path").count() == 4
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        paper, ink = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('#plot-axis-uf1 .role-axis-label text')).fill]"
            ".map(c => c.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b))"
        )
        # The labels of the plots turn with the page: dark on light, light on dark.
        assert (paper > ink) == (scheme == "light")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_print_is_light_and_shows_everything(opened: Opened, tmp_path: Path) -> None:
    opened.page.emulate_media(media="print", color_scheme="dark")
    background = opened.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')")
    assert background.strip() == "#ffffff"
    assert opened.page.locator("nav").is_hidden()
    opened.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").stat().st_size > 20_000
    opened.page.emulate_media(media="screen", color_scheme="light")
