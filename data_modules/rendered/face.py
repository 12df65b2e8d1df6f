"""Invented faces: all fixed properties of a face and of the light on it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

Colour = tuple[float, float, float]
"""Red, green and blue, 0..1, as a screen shows them (not linear light)."""

HairStyle = Literal["bald", "short", "curly", "fringe", "parted", "long", "scarf"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]

TONES: tuple[Colour, ...] = (
    (0.965, 0.929, 0.894),
    (0.953, 0.906, 0.859),
    (0.969, 0.918, 0.816),
    (0.918, 0.855, 0.729),
    (0.843, 0.741, 0.588),
    (0.627, 0.494, 0.337),
    (0.510, 0.361, 0.263),
    (0.376, 0.255, 0.204),
    (0.227, 0.192, 0.165),
    (0.161, 0.141, 0.125),
)
"""Anchors of skin colour from the lightest to the darkest: the Monk Skin Tone Scale (E. Monk, 2019; CC BY 4.0)."""

_HAIR: tuple[Colour, ...] = (
    (0.07, 0.06, 0.06),
    (0.14, 0.10, 0.08),
    (0.29, 0.18, 0.11),
    (0.47, 0.25, 0.13),
    (0.70, 0.54, 0.32),
)
_IRIS: tuple[Colour, ...] = (
    (0.16, 0.09, 0.05),
    (0.30, 0.18, 0.09),
    (0.38, 0.33, 0.17),
    (0.34, 0.44, 0.34),
    (0.34, 0.48, 0.60),
)
_CLOTH: tuple[Colour, ...] = (
    (0.22, 0.30, 0.42),
    (0.50, 0.22, 0.25),
    (0.30, 0.38, 0.30),
    (0.62, 0.58, 0.52),
    (0.17, 0.17, 0.19),
)
_WALLS: tuple[Colour, ...] = (
    (0.62, 0.66, 0.70),
    (0.72, 0.69, 0.63),
    (0.45, 0.50, 0.56),
    (0.80, 0.81, 0.82),
    (0.50, 0.52, 0.46),
)


@dataclass(frozen=True)
class Face:
    """One invented face as plain values, hashable and picklable.

    Lengths are in half-widths of the face at the cheekbones, measured from the point between the eyes, x away from the
    midline, y downwards.

    Attributes:
        centre: Point between the eyes in the image, fractions of its width from the left and from the top.
        scale: Half the width of the face, fraction of the image's width.
        chin: Height of the chin.
        jaw: Shape of the jaw, 1.6 (pointed) to 3 (square).
        hairline: Height of the middle of the hairline (negative: above the eyes).
        eye: Distance of an eye's middle from the midline.
        eye_half: Half the width of an eye.
        eye_open: Height of the upper lid over the line of the eye's corners.
        eye_tilt: How much higher the outer corner lies than the inner.
        crease: Distance of the upper lid's crease from its edge; small values hide it.
        iris: Colour of the iris.
        brow: Height of the brow.
        brow_inner: Distance of the brow's inner end from the midline.
        brow_outer: Distance of its outer end.
        brow_arch: How much its middle rises over its ends.
        brow_thick: Its thickness.
        nose: Height of the nose's base.
        nose_half: Half the width of the nose at its wings.
        mouth: Height of the line between the lips.
        mouth_half: Half the width of the mouth.
        upper_lip: Thickness of the upper lip.
        lower_lip: Thickness of the lower lip.
        mouth_curve: How much the corners lie above the line's middle; negative: below.
        skew: Slope of the brows and of the mouth; positive: lower on the image's right.
        tone: Place on the scale of skin colours, 0 (lightest) to 1 (darkest).
        blush: Redness of cheeks, nose and lips, 0..1.
        age: Depth of lasting wrinkles, 0..1.
        freckles: Number of freckles.
        grain: Relative strength of the fine structure of skin, about 1.
        hair: Style of the hair.
        hair_colour: Its colour.
        beard: Facial hair.
        glasses: Shape of the glasses' frame.
        cloth: Colour of the clothes.
        wall: Colour of the background.
        light: Direction towards the light: right, down, towards the viewer; length 1.
        ambient: Share of light without direction, 0..1.
        seed: Seed of the textures.
    """

    centre: tuple[float, float]
    scale: float
    chin: float
    jaw: float
    hairline: float
    eye: float
    eye_half: float
    eye_open: float
    eye_tilt: float
    crease: float
    iris: Colour
    brow: float
    brow_inner: float
    brow_outer: float
    brow_arch: float
    brow_thick: float
    nose: float
    nose_half: float
    mouth: float
    mouth_half: float
    upper_lip: float
    lower_lip: float
    mouth_curve: float
    skew: tuple[float, float]
    tone: float
    blush: float
    age: float
    freckles: int
    grain: float
    hair: HairStyle
    hair_colour: Colour
    beard: Beard
    glasses: Literal["none", "round", "square"]
    cloth: Colour
    wall: Colour
    light: tuple[float, float, float]
    ambient: float
    seed: int

    @property
    def skin(self) -> Colour:
        """Colour of the skin without light and texture: the tone of the scale, tinted by blood."""
        place = self.tone * (len(TONES) - 1)
        r, g, b = (float(np.interp(place, range(len(TONES)), channel)) for channel in zip(*TONES, strict=True))
        # Under much pigment, blood shows less.
        warmth = 0.3 + (0.35 + 0.35 * self.blush) * (1 - self.tone) ** 2
        return r, g * (1 - 0.19 * warmth), b * (1 - 0.30 * warmth)


def draw_face(random: np.random.Generator) -> Face:
    """Return a random face; skin tones are uniform, and hair, eyes and beard correlate with them only loosely.

    Args:
        random: Source of all randomness.
    """

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    tone = between(0, 1)
    age = float(random.beta(1.1, 2.0))
    masculine = bool(random.random() < 0.5)
    chin = between(1.40, 1.56) + 0.06 * masculine
    nose = between(0.60, 0.72)
    azimuth, elevation = between(-1.1, 1.1), between(0.3, 1.0)
    hair = np.array(_HAIR[_dark_more_often(random, 1.6 if tone < 0.35 else 0.1)])
    hair = hair * between(0.85, 1.15) + (np.array([0.72, 0.72, 0.73]) - hair) * max(0.0, age - 0.6) * between(0, 2.3)
    styles: tuple[HairStyle, ...] = ("bald", "short", "curly", "fringe", "parted", "long", "scarf")
    likely = np.array([0.14, 0.38, 0.18, 0.14, 0.16, 0, 0] if masculine else [0.02, 0.12, 0.16, 0.18, 0.16, 0.24, 0.12])
    beards: tuple[Beard, ...] = ("none", "stubble", "moustache", "goatee", "full")
    frames: tuple[Literal["none", "round", "square"], ...] = ("none", "round", "square")
    return Face(
        centre=(between(0.43, 0.57), between(0.41, 0.48)),
        scale=between(0.235, 0.315),
        chin=chin,
        jaw=between(1.7, 2.3) + 0.5 * masculine,
        hairline=-between(0.78, 0.98) - 0.1 * masculine * age,
        eye=between(0.405, 0.455),
        eye_half=between(0.185, 0.225),
        eye_open=between(0.075, 0.115),
        eye_tilt=between(-0.01, 0.05),
        crease=between(0.02, 0.085),
        iris=_soften(_IRIS[_dark_more_often(random, 2.2 if tone < 0.4 else 0.12)], between(0.9, 1.15)),
        brow=-between(0.27, 0.35) + 0.03 * masculine,
        brow_inner=between(0.15, 0.20),
        brow_outer=between(0.64, 0.74),
        brow_arch=between(0.04, 0.10),
        brow_thick=between(0.035, 0.06) + 0.025 * masculine,
        nose=nose,
        nose_half=between(0.17, 0.23) + 0.06 * tone,
        mouth=nose + between(0.43, 0.48) * (chin - nose),
        mouth_half=between(0.31, 0.40),
        upper_lip=between(0.055, 0.09) + 0.03 * tone,
        lower_lip=between(0.085, 0.12) + 0.03 * tone,
        mouth_curve=between(0.0, 0.05),
        skew=(between(-0.025, 0.025), between(-0.025, 0.025)),
        tone=tone,
        blush=between(0.2, 1.0),
        age=age,
        freckles=int(random.integers(20, 90)) if tone < 0.6 and random.random() < 0.3 else int(random.integers(0, 8)),
        grain=between(0.8, 1.3),
        hair=styles[int(random.choice(len(styles), p=likely))],
        hair_colour=_soften(tuple(hair), 1.0),
        beard=beards[int(random.choice(5, p=[0.45, 0.18, 0.09, 0.1, 0.18]))] if masculine else "none",
        glasses=frames[int(random.choice(3, p=[0.78, 0.11, 0.11]))],
        cloth=_soften(_CLOTH[int(random.integers(len(_CLOTH)))], between(0.8, 1.2)),
        wall=_soften(_WALLS[int(random.integers(len(_WALLS)))], between(0.85, 1.15)),
        light=(
            float(np.sin(azimuth) * np.cos(elevation)),
            float(-np.sin(elevation)),
            float(np.cos(azimuth) * np.cos(elevation)),
        ),
        ambient=between(0.45, 0.65),
        seed=int(random.integers(2**32)),
    )


def _dark_more_often(random: np.random.Generator, spread: float) -> int:
    """Return an index of five colours from dark to light; a greater ``spread`` makes light ones more likely."""
    return int(random.binomial(4, spread / (1 + spread) * 0.8))


def _soften(colour: Float64[np.ndarray, "3"] | tuple[float, ...], factor: float) -> Colour:
    r, g, b = (float(min(max(value * factor, 0.0), 1.0)) for value in colour)
    return r, g, b
