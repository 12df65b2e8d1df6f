"""Drawings: SVG elements, and SVG as PNG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from lightmannet.pictures.captions import Bar

INK, FAINT, ACCENT, TRACK, BAR = "#1b1f24", "#59636e", "#0b62c4", "#e4e8ed", "#8a94a0"
DOUBT = "#9a5b00"
"""Colour of warnings."""


@dataclass(frozen=True)
class Column:
    """Where the bars of a drawing are, in pixels.

    Attributes:
        left: Where the names start.
        bars_at: Where the bars start.
        length: Length of a bar of probability 1.
        height: Height of a bar.
        step: From one bar to the next.
        size: Size of the letters.
    """

    left: float
    bars_at: float
    length: float
    height: float
    step: int
    size: int


def drawing(width: int, height: int, parts: list[str]) -> str:
    """Return an SVG on white, without references to anything outside.

    Args:
        width: Pixels.
        height: Pixels.
        parts: Its elements.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="Liberation Sans, Arial, sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def to_png(svg: str) -> bytes:
    """Return a drawing as PNG, in its own size."""
    # Here, as it is slow to load.
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=1)


def text(x: float, y: float, content: str, size: int, color: str, bold: bool = False, anchor: str = "start") -> str:
    """Return a line of text as an element.

    Args:
        x: Place of their start, middle or end, as ``anchor`` says.
        y: Place of their base line.
        content: Anything; it is escaped.
        size: Pixels.
        color: As in CSS.
        bold: Heavy letters.
        anchor: ``start``, ``middle`` or ``end``.
    """
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}"{weight}>{escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, color: str) -> str:
    """Return a filled rectangle with slightly round corners, in pixels."""
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" rx="3" fill="{color}"/>'


def bar_chart(bars: Sequence[Bar], column: Column, y: float) -> Iterator[str]:
    """Yield name, bar and percentage of each class.

    Args:
        bars: The classes.
        column: Where they are drawn.
        y: Upper edge of the first bar.
    """
    base = round(0.78 * column.height)
    for bar in bars:
        yield text(column.left, y + base, shortened(bar.name, 16), column.size, INK, bold=bar.named)
        yield rectangle(column.bars_at, y, column.length, column.height, TRACK)
        yield rectangle(column.bars_at, y, column.length * bar.share, column.height, ACCENT if bar.named else BAR)
        x = column.bars_at + column.length + 12
        yield text(x, y + base, f"{bar.percent}%", column.size, INK, bold=bar.named)
        y += column.step


def image(x: float, y: float, side: int, address: str) -> str:
    """Return a square picture at a ``data:`` address as an element."""
    return f'<image x="{x}" y="{y}" width="{side}" height="{side}" href="{address}"/>'


def shortened(line: str, most: int = 60) -> str:
    """Return at most ``most`` letters of a line, the last an ellipsis where some are left out."""
    return line if len(line) <= most else f"{line[: most - 1]}…"
