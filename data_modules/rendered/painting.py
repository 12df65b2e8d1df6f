"""Painting a face at rest in three layers: behind the skin, the skin, and in front of it."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32

from data_modules.rendered.brushes import Painted, darker, finish, mix, over, redder
from data_modules.rendered.canvas import Canvas, Layer, Picture
from data_modules.rendered.face import Colour, Face
from data_modules.rendered.geometry import SIGN, SKULL, anchors, brow_line, lids, lip_edges, lip_line, outline
from data_modules.rendered.hair import paint_hair
from data_modules.rendered.muscles import folds, relief, smooth

_Paint = Callable[[Colour | Picture, Layer, Layer | float], None]
"""Paints a colour over a layer, within a mask and in a light."""


class Painter:
    """Paints the layers of one face.

    Args:
        face: The face.
        canvas: The grid of the layers.
    """

    def __init__(self, face: Face, canvas: Canvas) -> None:
        self.face, self.canvas = face, canvas
        self._random = np.random.default_rng(face.seed)
        height = self._height()
        across, down = np.gradient(height, axis=1) / canvas.step, np.gradient(height, axis=0) / canvas.step
        length = np.sqrt(1 + across**2 + down**2)
        right, low, front = face.light
        # The side of the light; a NumPy scalar would make the picture float64.
        self._bright = float(np.sign(right))
        self._light = (right * -across + low * -down + front) / length
        # Half-way between the light and the viewer.
        middle = np.array([right, low, front + 1]) / np.linalg.norm([right, low, front + 1])
        self._gloss = np.clip((middle[0] * -across + middle[1] * -down + middle[2]) / length, 0, 1) ** 22
        lit = face.ambient + 1.05 * (1 - face.ambient) * np.clip(self._light, 0, None)
        # Cameras expose for the face, which makes dark skin lighter and light skin darker than its nominal colour.
        self._exposure = float((0.66 / max(face.skin)) ** 0.45)
        self._lit = (lit * self._exposure).astype(np.float32)

    def behind(self) -> Painted:
        """Return hair behind, neck, clothes, ears, eyeballs and the inside of the mouth; they move with the head."""
        face, canvas = self.face, self.canvas
        x, y, side = canvas.x, canvas.y, np.abs(canvas.x)
        picture, opacity = np.zeros((*x.shape, 3), np.float32), np.zeros_like(x)

        def paint(colour: Colour | Picture, mask: Layer, light: Layer | float) -> None:
            over(picture, opacity, colour, mask, light)

        strands = canvas.noise(self._random, 0.02, 6.0)
        if face.hair == "long":
            mask = canvas.step_up(1.17 + 0.06 * np.sin(5 * y) + 0.02 * strands - side, 0.05)
            paint(face.hair_colour, mask * canvas.step_up(y + 0.4, 0.1), 0.62 + 0.10 * strands)
        paint(
            face.skin,
            canvas.step_up(0.62 + 0.25 * np.clip(y - 1.6, 0, None) - side, 0.05) * canvas.step_up(y - 0.8),
            0.62 * self._exposure,
        )
        if face.hair == "scarf":
            paint(face.cloth, canvas.step_up(1.15 - side, 0.05) * canvas.step_up(y - 0.9), 0.4)
        collar = canvas.step_up(y - 1.62 - 0.35 * np.clip(0.7 - side, 0, None) + 0.12 * side, 0.04)
        paint(face.cloth, collar, 0.85 + 0.05 * canvas.noise(self._random, 0.01))
        for sign in SIGN:
            ear = canvas.step_up(1 - ((x - 0.985 * sign) / 0.125) ** 2 - ((y - 0.24) / 0.27) ** 2, 0.2)
            inner = canvas.bump(1.02 * sign, 0.2, 0.035, 0.11)
            paint(redder(face.skin, 0.25), ear, self._exposure * (face.ambient + 0.25 - 0.22 * inner))
        self._eyeballs(paint)
        self._mouth(paint)
        return finish(picture, opacity)

    def skin(self) -> Painted:
        """Return the skin with brows, lips and beard; eyes and mouth are covered, the slits open them."""
        face, canvas = self.face, self.canvas
        x, y = canvas.x, canvas.y
        side = np.abs(x)
        colour = np.empty((*x.shape, 3), np.float32)
        colour[:] = face.skin
        blush = 0.30 * face.blush * (
            sum(canvas.bump(sign * (face.eye + 0.16), 0.5, 0.2, 0.16) for sign in SIGN)
            + 0.8 * canvas.bump(0, face.nose - 0.08, 0.13, 0.12)
            + 0.35 * canvas.bump(0, face.chin - 0.2, 0.25, 0.12)
        )  # fmt: skip
        colour = mix(colour, redder(face.skin, 0.5), blush)
        light = self._lit * self._structure()
        light *= 1 - (0.08 + 0.8 * face.age**1.3) * self._wrinkles()
        # Sockets: a little darker around the eyes.
        for sign in SIGN:
            light *= 1 - 0.16 * canvas.bump(sign * (face.eye - 0.03), -0.10, 0.2, 0.07)
            light *= 1 - (0.08 + 0.1 * face.age) * canvas.bump(sign * (face.eye - 0.05), 0.16, 0.17, 0.05)
            light *= 1 - 0.42 * canvas.bump(sign * 0.42 * face.nose_half, face.nose - 0.005, 0.05, 0.022)
            wing = [
                (face.nose_half + 0.01, face.nose - 0.16),
                (face.nose_half + 0.035, face.nose - 0.07),
                (face.nose_half - 0.03, face.nose + 0.01),
            ]
            light *= 1 - 0.22 * canvas.stroke(smooth([(sign * a, b) for a, b in wing]), 0.025, 0.02)
        light *= 1 - 0.16 * canvas.bump(0, face.nose + 0.045, 0.75 * face.nose_half, 0.035)
        colour, light = self._freckles(colour, light)
        colour, light = self._lips(colour, light)
        colour, light = self._hair_of_face(colour, light)
        colour, light = self._lid_lines(colour, light)
        # Light scattered in the skin is red: shadows are warmer than lit areas.
        picture = colour * light[..., None] ** np.array([0.92, 1.03, 1.08], np.float32)
        picture += (0.13 * self._exposure * self._gloss)[..., None]
        opacity = (
            canvas.step_up(outline(face, y) - side, 0.035) * canvas.step_up(face.chin - y) * canvas.step_up(y - SKULL)
        )
        return finish(picture * opacity[..., None], opacity)

    def before(self) -> Painted:
        """Return the hair over the forehead, a scarf and glasses; they move with the head."""
        face, canvas = self.face, self.canvas
        picture, opacity = np.zeros((*canvas.x.shape, 3), np.float32), np.zeros_like(canvas.x)
        if face.glasses != "none":
            dark = tuple(0.25 * value for value in face.cloth)
            for sign in SIGN:
                rim = self._rim(sign)
                over(picture, opacity, (1.0, 1.0, 1.0), 0.05 * canvas.inside(rim), 1.0)
                over(picture, opacity, dark, canvas.stroke(rim, 0.035), 0.9)
                hinge = [(sign * (face.eye + 0.31), -0.04), (sign * 1.0, -0.02)]
                over(picture, opacity, dark, canvas.stroke(hinge, 0.03), 0.8)
            bridge = smooth([(-face.eye + 0.30, 0.0), (0, -0.05), (face.eye - 0.30, 0.0)])
            over(picture, opacity, dark, canvas.stroke(bridge, 0.03), 0.9)
        paint_hair(face, canvas, self._random, self._light, picture, opacity)
        return finish(picture, opacity)

    def wall(self, size: int) -> Float32[np.ndarray, "size size 3"]:
        """Return the background, which does not move with the head."""
        place = np.linspace(-1, 1, size, dtype=np.float32)
        across, down = np.meshgrid(place, place)
        light = 0.95 + 0.12 * self.face.light[0] * across - 0.08 * down - 0.06 * (across**2 + down**2)
        return (light[..., None] * np.array(self.face.wall, np.float32)).astype(np.float32)

    def _height(self) -> Layer:
        """Return the relief of the head towards the viewer, half-widths of the face."""
        face, canvas = self.face, self.canvas
        x, y = canvas.x, canvas.y
        side = np.abs(x)
        height = 0.95 * np.sqrt(np.clip(1.12 - x**2 - ((y - 0.1) / 1.62) ** 2, 0.05, None))
        along = np.clip(y / face.nose, 0, 1)
        ridge = 0.05 + 0.21 * along**1.4
        under = 1 / (1 + np.exp(np.minimum((y - face.nose + 0.03) / 0.025, 80)))  # beyond, float32 overflows
        above = 1 / (1 + np.exp(-(y + 0.08) / 0.07))
        wide = 0.085 + 0.05 * along
        height += ridge * np.exp(-0.5 * (side / wide) ** 2) * under * above
        height += 0.05 * canvas.bump(0, face.nose - 0.08, 0.09, 0.07)
        for sign in SIGN:
            height += 0.085 * canvas.bump(sign * (face.nose_half - 0.05), face.nose - 0.075, 0.06, 0.06)
            height -= 0.10 * canvas.bump(sign * (face.eye - 0.06), -0.03, 0.20, 0.13)
            height += 0.045 * canvas.bump(sign * face.eye, 0.0, 0.14, 0.09)
            height += 0.035 * canvas.bump(sign * face.eye, face.brow + 0.03, 0.25, 0.07)
            height += 0.07 * canvas.bump(sign * (face.eye + 0.14), 0.45, 0.2, 0.17)
            height -= 0.05 * canvas.bump(sign * 0.62, 0.95, 0.18, 0.22)
        upper, lower = lip_edges(face, x)
        line, inside = lip_line(face, x), np.clip(1 - (x / face.mouth_half) ** 2, 0, None)
        height += 0.05 * inside * np.exp(-0.5 * ((y - 0.5 * (upper + line)) / 0.045) ** 2)
        height += 0.065 * inside * np.exp(-0.5 * ((y - 0.45 * line - 0.55 * lower) / 0.05) ** 2)
        height -= 0.045 * inside * np.exp(-0.5 * ((y - line) / 0.03) ** 2)
        height -= 0.05 * canvas.bump(0, 0.55 * (face.mouth + face.lower_lip) + 0.45 * (face.chin - 0.2), 0.2, 0.05)
        height += 0.09 * canvas.bump(0, face.chin - 0.2, 0.22, 0.13)
        height -= 0.015 * canvas.bump(0, 0.5 * (face.nose + face.mouth), 0.03, 0.07)
        return cv2.GaussianBlur(height.astype(np.float32), (0, 0), 0.02 / canvas.step)

    def _structure(self) -> Layer:
        """Return the fine structure of the skin, a factor of its light, which optical flow can track."""
        face, canvas, random = self.face, self.canvas, self._random
        blotches = 0.016 * canvas.noise(random, 0.09) + 0.016 * canvas.noise(random, 0.04)
        grain = 0.022 * canvas.noise(random, 0.02) + 0.016 * canvas.noise(random, 0.012)
        pores = -0.035 * np.clip(canvas.noise(random, 0.014) - 1.2, 0, 2)
        return 1 + face.grain * (blotches + grain + pores)

    def _wrinkles(self) -> Layer:
        """Return the wrinkles of age: those of the muscles used most."""
        total = np.zeros_like(self.canvas.x)
        for side in (0, 1):
            lines = folds(self.face, side)
            for unit, weight in ((1, 0.8), (2, 0.5), (4, 0.35), (6, 0.8), (12, 0.85), (15, 0.5)):
                total += weight * relief(self.canvas, lines[unit])
        return total

    def _freckles(self, colour: Picture, light: Layer) -> tuple[Picture, Layer]:
        face, canvas, random = self.face, self.canvas, self._random
        spots = np.zeros_like(light)
        for _ in range(face.freckles):
            across, down = random.normal(0, 0.42), random.normal(0.32, 0.22)
            spots = np.maximum(spots, random.uniform(0.3, 0.9) * canvas.bump(across, down, 0.012, 0.012))
        for _ in range(int(random.integers(0, 4))):
            across, down = random.uniform(-0.8, 0.8), random.uniform(-0.7, 1.3)
            spots = np.maximum(spots, 1.2 * canvas.bump(across, down, 0.014, 0.014))
        return mix(
            colour, (0.36 * face.skin[0] + 0.05, 0.24 * face.skin[1], 0.2 * face.skin[2]), 0.6 * np.clip(spots, 0, 1)
        ), light

    def _lips(self, colour: Picture, light: Layer) -> tuple[Picture, Layer]:
        face, canvas = self.face, self.canvas
        x, y = canvas.x, canvas.y
        upper, lower = lip_edges(face, x)
        line = lip_line(face, x)
        mask = canvas.step_up(np.minimum(y - upper, lower - y), 0.03) * canvas.step_up(
            face.mouth_half - np.abs(x), 0.02
        )
        red = redder(face.skin, 0.55 + 0.25 * face.blush)
        colour = mix(colour, red, 0.78 * mask)
        light = light * (1 - 0.14 * mask * (y < line))
        stripes = canvas.noise(self._random, 0.012, 4.0)
        light = light * (1 + 0.05 * mask * stripes)
        shine = (
            0.12 * mask * np.exp(-0.5 * ((y - line - 0.45 * (lower - line)) / 0.025) ** 2) * np.exp(-((x / 0.2) ** 2))
        )
        fade = np.clip((1.06 - np.abs(x) / face.mouth_half) / 0.12, 0, 1)
        dark = np.exp(-0.5 * ((y - line) / 0.016) ** 2) * fade
        under = (
            0.12
            * np.exp(-0.5 * ((y - lower - 0.035) / 0.03) ** 2)
            * np.clip(1 - (x / (0.7 * face.mouth_half)) ** 2, 0, 1)
        )
        corners = sum(
            canvas.bump(SIGN[s] * anchors(face, s)["corner"][0], anchors(face, s)["corner"][1], 0.03, 0.025)
            for s in (0, 1)
        )
        return colour, light * (1 + shine) * (1 - 0.62 * dark) * (1 - under) * (1 - 0.25 * corners)

    def _hair_of_face(self, colour: Picture, light: Layer) -> tuple[Picture, Layer]:
        face, canvas, random = self.face, self.canvas, self._random
        x, y = canvas.x, canvas.y
        side = np.abs(x)
        hairs = canvas.noise(random, 0.010, 2.5)
        along = (side - face.brow_inner) / (face.brow_outer - face.brow_inner)
        thick = 0.5 * face.brow_thick * np.clip(np.minimum(8 * (along + 0.05), 2.2 * (1.04 - along)), 0, 1)
        mask = canvas.step_up(thick + 0.003 * hairs - np.abs(y - brow_line(face, x)), 0.035) * (thick > 0)
        colour = mix(colour, darker(face.hair_colour, 0.8), np.clip((0.80 + 0.07 * hairs) * mask, 0, 1))
        _, lower = lip_edges(face, x)
        upper, _ = lip_edges(face, x)
        around = canvas.step_up(np.maximum(upper - y, y - lower), 0.05)
        around = np.maximum(around, canvas.step_up(side - face.mouth_half, 0.05))
        moustache = canvas.step_up(0.36 + 0.5 * np.clip(y - face.nose - 0.1, 0, None) - side, 0.1) * canvas.step_up(
            y - face.nose - 0.07, 0.08
        )
        chin = canvas.step_up(0.40 - side, 0.1) * canvas.step_up(y - face.mouth, 0.1)
        cheek = canvas.step_up(
            y - 0.55 - 0.75 * np.clip(0.95 - side, 0, None) + 1.1 * np.clip(side - 0.78, 0, None), 0.22
        )
        parts = {"none": 0 * x, "moustache": moustache * canvas.step_up(face.mouth + 0.03 - y, 0.05)}
        parts["goatee"] = np.maximum(moustache, chin)
        parts["stubble"] = parts["full"] = np.maximum(np.maximum(cheek, moustache), chin)
        strength = {"none": 0.0, "stubble": 0.35}.get(face.beard, 0.85)
        mask = np.clip(
            parts[face.beard] * around * (strength + (0.22 if face.beard != "stubble" else 0.18) * hairs), 0, 0.95
        )
        colour = mix(colour, darker(face.hair_colour, 0.9), mask)
        if face.hair in ("bald", "short", "curly"):
            # Shaved hair, for styles that have some.
            scalp = canvas.step_up(face.hairline + 0.1 + 0 * x - y + 0.62 * side**3.2, 0.2)
            colour = mix(colour, face.hair_colour, np.clip(0.16 * scalp * (1 + 0.4 * hairs), 0, 1))
        return colour, light * (1 + 0.07 * mask * canvas.noise(random, 0.015, 2.0))

    def _lid_lines(self, colour: Picture, light: Layer) -> tuple[Picture, Layer]:
        face, canvas = self.face, self.canvas
        dark = darker(face.hair_colour, 0.35)
        for sign in SIGN:
            x = sign * (face.eye + face.eye_half * np.linspace(-1, 1.06, 25))
            upper, lower = lids(face, x)
            colour = mix(colour, dark, 0.85 * canvas.stroke(np.stack([x, upper - 0.012], 1), 0.032, 0.010))
            colour = mix(colour, dark, 0.30 * canvas.stroke(np.stack([x, lower + 0.012], 1), 0.018, 0.010))
            crease = np.stack([x, upper - face.crease - 0.02], 1)[2:-1]
            light = light * (1 - 0.34 * canvas.stroke(crease, 0.02, 0.014))
        return colour, light

    def _eyeballs(self, paint: _Paint) -> None:
        face, canvas = self.face, self.canvas
        x, y = canvas.x, canvas.y
        radius = 0.104
        for sign in SIGN:
            middle, level = sign * (face.eye - 0.005), -0.2 * face.eye_open
            distance = np.sqrt((x - middle) ** 2 + (y - level) ** 2)
            upper, _ = lids(face, x)
            shade = 1 - 0.30 * np.exp(-np.clip(y - upper + 0.03, 0, None) / 0.05)
            shade *= 1 - 0.35 * np.clip(np.abs(x - sign * face.eye) / face.eye_half, 0, 1) ** 3
            shade *= (0.5 + 0.5 * face.ambient) * min(self._exposure, 1.1)
            ball = canvas.step_up(1.25 * face.eye_half - np.hypot(x - sign * face.eye, y))
            paint((0.93, 0.90, 0.87), ball, shade)
            paint(
                (0.85, 0.50, 0.45), 0.7 * ball * canvas.bump(sign * (face.eye - face.eye_half), 0.01, 0.03, 0.04), shade
            )
            rays = 1 + 0.15 * np.sin(9 * np.arctan2(y - level, x - middle)) * (distance < radius)
            paint(face.iris, canvas.step_up(radius - distance), shade * rays * (1.25 - 0.7 * (distance / radius) ** 6))
            paint((0.03, 0.025, 0.025), canvas.step_up(0.4 * radius - distance), 1.0)
            spot = canvas.bump(middle + 0.35 * radius * self._bright, level - 0.38 * radius, 0.020, 0.020)
            paint((1.0, 1.0, 1.0), np.clip(1.3 * spot, 0, 0.95), 1.0)

    def _mouth(self, paint: _Paint) -> None:
        face, canvas = self.face, self.canvas
        x, y = canvas.x, canvas.y
        line = lip_line(face, x)
        inside = canvas.step_up(1 - (x / (1.15 * face.mouth_half)) ** 4 - ((y - line - 0.10) / 0.26) ** 4, 0.2)
        paint((0.20, 0.07, 0.07), inside, 0.9 - 0.5 * np.clip(y - line, 0, 0.6))
        paint((0.55, 0.25, 0.25), 0.8 * canvas.bump(0, face.mouth + 0.27, 0.2, 0.07), 0.8)
        edge = line + 0.045 - 0.03 * (x / face.mouth_half) ** 2
        gaps = 1 - 0.12 * np.exp(-((((x / 0.075) % 1) - 0.5) ** 2) / 0.004)
        teeth = canvas.step_up(0.95 * face.mouth_half - np.abs(x), 0.1) * canvas.step_up(edge - y, 0.02) * inside
        paint(
            (0.90, 0.87, 0.81),
            teeth,
            gaps * (0.62 + 0.3 * np.clip(1 - (x / face.mouth_half) ** 2, 0, 1)) * self._exposure,
        )

    def _rim(self, sign: float) -> np.ndarray:
        face = self.face
        angle = np.linspace(0, 2 * np.pi, 49)
        c, s = np.cos(angle), np.sin(angle)
        power = 1.0 if face.glasses == "round" else 0.45
        across, down = np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power
        return np.stack([sign * face.eye + 0.30 * across, 0.03 + (0.27 if power == 1 else 0.22) * down], 1)
