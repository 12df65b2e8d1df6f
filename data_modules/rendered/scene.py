"""A face before a camera: frames of any state of its muscles, and the true motion between them."""

from dataclasses import dataclass
from math import cos, sin
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from data_modules.rendered.camera import Camera
from data_modules.rendered.canvas import MARGIN, Canvas
from data_modules.rendered.face import Face
from data_modules.rendered.geometry import LEFT, brow_line, landmarks, lids, lip_line
from data_modules.rendered.muscles import LOWER_LID, LOWER_LIP, UNITS, UPPER_LID, UPPER_LIP, fields, gate, shades
from data_modules.rendered.painting import Painter
from data_modules.rendered.slits import PLACES, Edge, Slit

_GRID = 128
"""Side of the grid of the muscles' fields, which are smooth enough to be interpolated to any frame size."""

_ITERATIONS = 6


def at_rest() -> Float64[np.ndarray, "unit side"]:
    """Return zero intensity for all muscles."""
    return np.zeros((len(UNITS), 2))


@dataclass(frozen=True, eq=False)
class State:
    """Content of one frame.

    Attributes:
        units: Intensity of each of ``UNITS``, 0..1, on the person's left (the image's right) and on their right.
        blink: 0 (open as far as the units say) .. 1 (closed).
        mouth: Opening as in speech, -1 (pressed) .. 1 (wide).
        head: Shift to the right and downwards, fractions of the image's width, at most 0.05; clockwise roll, radians,
            at most 0.1.
        light: Factor of the illumination.
    """

    units: Float64[np.ndarray, "unit side"]
    blink: float = 0.0
    mouth: float = 0.0
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    light: float = 1.0


@dataclass(frozen=True)
class _Pose:
    """A state in geometric terms: the muscles' field on the grid and shifts of the slits' edges."""

    field: Float32[np.ndarray, "grid grid 2"]
    lids: tuple[Edge, Edge]
    lips: tuple[Edge, Edge]
    intensity: Float32[np.ndarray, "unit side"]


@dataclass(frozen=True)
class _View:
    """Where each pixel's skin was at rest.

    Attributes:
        head: Face coordinates of each pixel after undoing the head's motion.
        rest: Those after undoing muscles, lids and lips, too.
        hole: Share of the pixel inside an open eye or mouth, 0..1.
    """

    head: Float32[np.ndarray, "size size 2"]
    rest: Float32[np.ndarray, "size size 2"]
    hole: Float32[np.ndarray, "size size"]


class Scene:
    """A face in front of a camera: its layers are painted once, and each frame is a warp of them.

    Skin is moved by muscles, lids and jaw and then by the head. The same map is used for drawing and for the true
    motion: drawing inverts it (slits exactly, muscles by fixed-point iteration).

    Args:
        face: The face.
        camera: The camera.
    """

    def __init__(self, face: Face, camera: Camera) -> None:
        self.face, self.camera = face, camera
        size = camera.size
        self._texels = Canvas(face, round(2 * size * (1 + 2 * MARGIN)))
        painter = Painter(face, self._texels)
        self._behind, self._skin, self._before = painter.behind(), painter.skin(), painter.before()
        self._wall = painter.wall(size)
        self._grid = Canvas(face, _GRID)
        self._fields = fields(face, self._grid)
        self._shades = shades(face, self._grid)
        upper, lower = (edge.astype(np.float32) for edge in lids(face, PLACES))
        x = PLACES
        top = np.minimum(upper - 0.10, 0.75 * (brow_line(face, x) + 0.5 * face.brow_thick) + 0.25 * upper)
        self._eyes = Slit(upper, lower, top.astype(np.float32), lower + np.float32(0.24))
        self._opening = (lower - upper).astype(np.float32)
        line = lip_line(face, x).astype(np.float32)
        above, below = 0.8 * (face.mouth - face.nose), 0.85 * (face.chin - face.mouth)
        self._lips = Slit(line, line, line - np.float32(above), line + np.float32(below))
        # Lips part most in the middle and not at the corners.
        self._parting = (np.clip(1 - (x / (0.93 * face.mouth_half)) ** 2, 0, None) ** 0.8).astype(np.float32)
        self._pixels = self._face_coordinates(size)

    def render(self, state: State, noise: np.random.Generator | None) -> UInt8[np.ndarray, "size size 3"]:
        """Return a frame, red, green and blue.

        Args:
            state: What it shows.
            noise: Source of the camera's noise; None for no noise.
        """
        pose = self._pose(state)
        view = self._view(state, pose)
        at_head, at_rest = self._in_texels(view.head), self._in_texels(view.rest)
        behind, before = _sample(self._behind, at_head), _sample(self._before, at_head)
        skin = _sample(self._skin, at_rest)
        shown = skin[..., :3] * self._folded(pose, view.rest)
        cover = 1 - view.hole[..., None]
        frame = self._wall * (1 - behind[..., 3:]) + behind[..., :3]
        frame = frame * (1 - skin[..., 3:] * cover) + shown * cover
        frame = frame * (1 - before[..., 3:]) + before[..., :3]
        return self.camera.expose(frame * np.float32(state.light), noise)

    def displacement(self, first: State, second: State) -> Float32[np.ndarray, "2 size size"]:
        """Return the true motion of the content of each pixel of the first frame.

        Args:
            first: State of the first frame.
            second: State of the second.

        Returns:
            u to the right and v downwards, pixels. Hair, glasses and eyeballs move with the head; the background does
            not move.

        At 128 pixels (a few people, expressions at intensity 1) drawn skin matches this motion to 0.01 pixels on
        average. TV-L1 finds micro-motion (intensity 0.2 to 0.25, camera noise on) of skin that moves by more than 0.3
        pixels with a mean end-point error of 0.13 to 0.27 pixels; predicting no motion has an error of 0.56 to 0.69.
        """
        was, becomes = self._pose(first), self._pose(second)
        view = self._view(first, was)
        flow = self._place(view.rest, second, becomes) - self._place(view.rest, first, was)
        rigid = self._to_image(view.head, second) - self._to_image(view.head, first)
        moves_with_head, background = self._not_skin(view)
        flow[moves_with_head] = rigid[moves_with_head]
        flow[background] = 0
        return (flow.transpose(2, 0, 1) * self.camera.size).astype(np.float32)

    def landmarks(self, state: State) -> Float64[np.ndarray, "68 2"]:
        """Return x and y of the usual 68 points, pixels from the upper left pixel's centre.

        Args:
            state: What the frame shows.
        """
        return self._place(landmarks(self.face), state, self._pose(state)) * self.camera.size - 0.5

    def skin(self, state: State) -> Bool[np.ndarray, "size size"]:
        """Return which pixels show skin, brows and lips included.

        Args:
            state: What the frame shows.
        """
        with_head, background = self._not_skin(self._view(state, self._pose(state)))
        return ~(with_head | background)

    def _pose(self, state: State) -> _Pose:
        intensity = state.units.astype(np.float32)
        if state.mouth < 0:
            press = UNITS.index(24)
            intensity = intensity.copy()
            intensity[press] = np.maximum(intensity[press], -0.6 * state.mouth)
        active = np.argwhere(intensity)
        field = np.zeros((2, _GRID, _GRID), np.float32)
        for unit, side in active:
            field += intensity[unit, side] * self._fields[unit, side]
        share = gate(PLACES, LEFT).astype(np.float32)

        def edge(pulls: dict[int, float]) -> Edge:
            left, right = (sum(pulls[unit] * intensity[UNITS.index(unit), side] for unit in pulls) for side in (0, 1))
            return (left * share + right * (1 - share)).astype(np.float32)

        down, up = np.clip(edge(UPPER_LID), -0.5, 0.6), np.clip(edge(LOWER_LID), 0, 0.35)
        # A blink closes what the units leave open, mostly with the upper lid.
        rest = np.float32(state.blink) * (1 - down - up)
        opening = self._opening
        speech = np.float32(max(state.mouth, 0.0))
        lids = -(down + 0.85 * rest) * opening, -(up + 0.15 * rest) * opening
        lips = (edge(UPPER_LIP) + 0.015 * speech) * self._parting, (edge(LOWER_LIP) + 0.12 * speech) * self._parting
        return _Pose(np.ascontiguousarray(field.transpose(1, 2, 0)), lids, lips, intensity)

    def _view(self, state: State, pose: _Pose) -> _View:
        head = self._undo_head(state)
        moved = head
        if pose.field.any():
            # In columns and rows of the grid, to avoid converting at each step.
            start, field = self._grid.column(head), pose.field / np.float32(self._grid.step)
            place = start
            for _ in range(_ITERATIONS):
                place = start - _remap(field, place)
            moved = head + (place - start) * np.float32(self._grid.step)
        x = moved[..., 0]
        pixel = 1 / (self.camera.size * self.face.scale)
        y, mouth = self._lips.backward(x, moved[..., 1], *pose.lips, pixel)
        y, eye = self._eyes.backward(x, y, *pose.lids, pixel)
        return _View(head, np.stack([x, y], axis=-1), np.maximum(mouth, eye))

    def _place(self, rest: np.ndarray, state: State, pose: _Pose) -> np.ndarray:
        """Return the positions of skin points in the image, fractions of its width."""
        x = rest[..., 0].astype(np.float64)
        y = self._eyes.forward(x, rest[..., 1].astype(np.float64), *pose.lids)
        y = self._lips.forward(x, y, *pose.lips)
        moved = np.stack([x, y], axis=-1)
        return self._to_image(moved + self._at(pose.field, moved), state)

    def _at(self, field: Float32[np.ndarray, "..."], points: np.ndarray) -> np.ndarray:
        """Return values of a field on the grid at face coordinates."""
        place = self._grid.column(points).astype(np.float32, copy=False)
        flat = place.reshape(-1, 1, 2) if place.ndim == 2 else place
        values = _remap(field, flat)
        return values.reshape(*points.shape[:-1], *values.shape[2:])

    def _folded(self, pose: _Pose, rest: np.ndarray) -> Float32[np.ndarray, "size size 1"]:
        """Return the factor of the light after folds and bulges."""
        active = np.argwhere(pose.intensity)
        dark = np.zeros((_GRID, _GRID), np.float32)
        for unit, side in active:
            dark += pose.intensity[unit, side] * self._shades[unit, side]
        return 1 - np.minimum(self._at(dark, rest), 0.6)[..., None]

    def _not_skin(self, view: _View) -> tuple[Bool[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
        at_head = self._in_texels(view.head)
        before, behind = (_sample(layer, at_head)[..., 3] for layer in (self._before, self._behind))
        uncovered = (_sample(self._skin, self._in_texels(view.rest))[..., 3] < 0.5) | (view.hole > 0.5)
        nothing = uncovered & (behind < 0.5) & (before < 0.5)
        return (uncovered | (before > 0.5)) & ~nothing, nothing

    def _face_coordinates(self, size: int) -> Float32[np.ndarray, "size size 2"]:
        place = (np.arange(size) + 0.5) / size
        image = np.stack(np.meshgrid(place, place), axis=-1)
        return ((image - np.array(self.face.centre)) / self.face.scale).astype(np.float32)

    def _to_image(self, points: np.ndarray, state: State) -> np.ndarray:
        right, down, roll = state.head
        turn = np.array([[cos(roll), -sin(roll)], [sin(roll), cos(roll)]])
        return points.astype(np.float64) @ turn.T * self.face.scale + np.array(self.face.centre) + [right, down]

    def _undo_head(self, state: State) -> Float32[np.ndarray, "size size 2"]:
        right, down, roll = state.head
        if state.head == (0, 0, 0):
            return self._pixels
        turn = np.array([[cos(roll), -sin(roll)], [sin(roll), cos(roll)]])
        shift = -np.array([right, down]) / self.face.scale @ turn
        # OpenCV's product with a small matrix is many times faster than NumPy's.
        return cv2.transform(self._pixels, np.column_stack([turn.T, shift]))

    def _in_texels(self, points: np.ndarray) -> np.ndarray:
        return self._texels.column(points)


def _sample(layer: UInt8[np.ndarray, "side side 4"], place: np.ndarray) -> Float32[np.ndarray, "size size 4"]:
    return _remap(layer, place).astype(np.float32) / 255


def _remap(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    maps: tuple[np.ndarray, Any] = place, None  # OpenCV's type hints lack the form with columns and rows in one array
    return cv2.remap(values, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
