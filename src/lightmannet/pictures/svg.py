"""Drawings: text in SVG, and SVG as PNG."""

from html import escape

INK, FAINT, ACCENT, TRACK, BAR = "#1b1f24", "#59636e", "#0b62c4", "#e4e8ed", "#8a94a0"
DOUBT = {"info": FAINT, "warning": "#9a5b00", "fatal": "#b3261e"}
"""Colour of a warning's mark by its severity."""


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
    """Return text as an element.

    Args:
        x: Place of their start, middle or end, as ``anchor`` says.
        y: Place of their base line.
        content: Any text; it is escaped for XML.
        size: Pixels.
        color: As in CSS.
        bold: Heavy letters.
        anchor: ``start``, ``middle`` or ``end``.
    """
    weight = ' font-weight="bold"' if bold else ""
    style = f'font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x}" y="{y}" {style}>{escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, color: str) -> str:
    """Return a filled rectangle with slightly round corners, in pixels."""
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" rx="3" fill="{color}"/>'


def shortened(content: str, most: int = 60) -> str:
    """Return text cut to at most ``most`` letters, with an ellipsis where it was cut."""
    return content if len(content) <= most else f"{content[: most - 1]}…"
