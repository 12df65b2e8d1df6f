"""A table in LaTeX, for a paper that loads the packages booktabs and graphicx."""

from lightmannet.report.table_model import TableModel
from lightmannet.report.templates import render_latex


def latex(title: str, model: TableModel, footnotes: list[str]) -> str:
    """Return the table as a ``table*`` environment, published lines and footnotes included.

    Args:
        title: Caption.
        model: The table.
        footnotes: Sentences below the table.
    """
    number = {source: str(index) for index, source in enumerate(model.sources, 1)}
    letter = {caveat: chr(ord("a") + index) for index, caveat in enumerate(model.published_caveats)}
    published = [
        (line, ",".join([number[line.source], *(letter[caveat] for caveat in line.caveats)]))
        for line in model.published_lines
        if line.source is not None
    ]
    return render_latex(
        "table.tex",
        {
            "title": title,
            "model": model,
            "footnotes": footnotes,
            "published": published,
            "published_keys": {key for line in model.published_lines for key in line.numbers},
            "sources": [(mark, source) for source, mark in number.items()],
            "caveats": [(mark, caveat) for caveat, mark in letter.items()],
        },
    )
