"""Painting the hair over the forehead, or a scarf."""

import numpy as np

from data_modules.rendered.brushes import over
from data_modules.rendered.canvas import Canvas, Layer, Picture
from data_modules.rendered.face import Face
from data_modules.rendered.geometry import SKULL


def paint_hair(
    face: Face, canvas: Canvas, random: np.random.Generator, light: Layer, picture: Picture, opacity: Layer
) -> None:
    """Paint the hair of a face over a layer, in place.

    Args:
        face: The face.
        canvas: The grid of the layer.
        random: Source of the strands.
        light: Cosine of the angle between the head's surface and the light.
        picture: Colours of the layer, multiplied by opacity.
        opacity: Opacity of the layer, 0..1.
    """
    bright = float(np.sign(face.light[0]))  # as a NumPy scalar it would make the picture float64
    x, y = canvas.x, canvas.y
    side = np.abs(x)
    if face.hair == "bald":
        return
    strands, curls = canvas.noise(random, 0.018, 7.0), canvas.noise(random, 0.06)
    rough = 0.02 * strands if face.hair != "curly" else 0.045 * curls
    volume = {"short": 0.05, "curly": 0.20, "fringe": 0.10, "parted": 0.12, "long": 0.12, "scarf": 0.06}[face.hair]
    skull = 1 - (side / (1.0 + volume)) ** 2.2 - (np.clip(-y, 0, None) / (-SKULL + volume)) ** 2.2
    # The visible face: under the hairline, between the temples.
    line = face.hairline + 0.62 * side**3.2
    if face.hair == "fringe":
        line = np.maximum(line, -0.56 + 0.12 * x + 0.05 * strands + 0.3 * np.clip(side - 0.5, 0, None))
    elif face.hair == "parted":
        line = (
            line
            + 0.16
            + 0.30 * (x - 0.4) * bright * (side < 2)
            - 0.25 * canvas.bump(0.4 * bright, face.hairline, 0.2, 0.3)
        )
    if face.hair == "scarf":
        reach = np.where(y < 0.28, 0.28 - face.hairline - 0.1, face.chin - 0.26).astype(np.float32)
        window = 1 - (side / 0.90) ** 2.6 - (np.abs(y - 0.28) / reach) ** 2.4
        cloth = canvas.step_up(-window, 0.06) * np.maximum(
            canvas.step_up(skull), canvas.step_up(y) * canvas.step_up(1.1 + 0.12 * y - side)
        )
        wave = (
            0.80
            + 0.07 * np.sin(9 * side + 5 * y + 1.5 * curls)
            - 0.35 * np.exp(-np.abs(window) / 0.12)
            + 0.012 * strands
        )
        over(picture, opacity, face.cloth, cloth, wave.astype(np.float32))
        return
    down = {"short": 0.05, "curly": 0.30, "fringe": 0.45, "parted": 0.25, "long": 3.0}[face.hair]
    inner = (
        (0.86 if face.hair == "curly" else 0.92)
        - 0.10 * np.clip(y, 0, 1) * (face.hair == "long")
        + 0.04 * (face.hair == "short") * np.clip(y + 0.3, 0, 1)
    )
    framed = np.maximum(line - y, side - inner) + rough
    mask = (
        canvas.step_up(framed, 0.07) * canvas.step_up(skull + rough, 0.05) * canvas.step_up(down - y + 2 * rough, 0.12)
    )
    shade = (
        0.72 + 0.28 * np.clip(light, 0, 1) + (0.10 * strands if face.hair != "curly" else 0.14 * curls + 0.06 * strands)
    )
    shine = (
        0.25 * np.exp(-0.5 * ((y + 1.02 - 0.25 * side**2) / 0.12) ** 2) * (1 + 0.5 * strands) * (face.hair != "curly")
    )
    over(picture, opacity, face.hair_colour, mask, np.clip(shade + shine, 0.3, 1.8).astype(np.float32))
