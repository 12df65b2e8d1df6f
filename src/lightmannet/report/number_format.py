"""Formatting of numbers in tables, the same for Markdown, LaTeX and the page."""

import math


def share(value: float) -> str:
    """Return a number in [-1, 1] with three digits and without the zero: ``.684``, ``−.020``, ``1.000``."""
    text = f"{abs(value):.3f}"
    text = text.removeprefix("0") if text != "0.000" else ".000"
    return f"−{text}" if value < 0 and float(text) != 0 else text


def difference(value: float) -> str:
    """Return a difference of scores with its sign: ``+.041``, ``−.020``."""
    text = share(value)
    return text if text.startswith("−") else f"+{text}"


def bounds(low: float, high: float) -> str:
    """Return an interval: ``.640 – .725``; empty if unknown."""
    return "" if math.isnan(low) or math.isnan(high) else f"{share(low)} – {share(high)}"


def probability(p_value: float) -> str:
    """Return a p-value with three digits, or ``< .001``."""
    return "< .001" if p_value < 0.001 else share(p_value)


def amount(number: float) -> str:
    """Return a count in thousands, millions or billions with about three digits: ``12.3 k``, ``1.25 M``."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}" if number / size < 999.5 else f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """Return seconds as ``12 s``, ``1.2 s`` or ``31 ms``."""
    if seconds >= 10:
        return f"{seconds:.0f} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
