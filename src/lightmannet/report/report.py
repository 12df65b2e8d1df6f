"""Write the report of a table into its folder: Markdown, CSV, LaTeX and the page."""

from pathlib import Path

from lightmannet.files import write_atomically
from lightmannet.report.csv_file import csv_text
from lightmannet.report.footnotes import comparability, footnotes
from lightmannet.report.latex import latex
from lightmannet.report.markdown import markdown
from lightmannet.report.page import page
from lightmannet.report.summary import summarize
from lightmannet.report.table_lines import table_model
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result


def write_report(plan: Plan, results: list[Result], folder: Path) -> str:
    """Write ``table.md``, ``table.csv``, ``table.tex`` and ``report.html`` into ``folder`` and return the Markdown.

    Raises:
        LightmanNetError: As ``summarize``.
    """
    summary = summarize(plan, results)
    model = table_model(plan, summary)
    title, notes, beside = plan.table.title, footnotes(plan, summary), comparability(plan)
    text = markdown(title, model, notes, beside)
    write_atomically(folder / "table.md", text + "\n")
    write_atomically(folder / "table.csv", csv_text(model))
    write_atomically(folder / "table.tex", latex(title, model, [*notes, *([beside] if beside else [])]))
    write_atomically(folder / "report.html", page(plan, summary, model, results))
    return text
