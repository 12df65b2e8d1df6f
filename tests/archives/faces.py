"""Landmarks of a drawn face: 68 points, no real person's."""

import numpy as np


def landmarks(smile: float = 0.0, brows: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Return points in a picture of about 560 x 760 pixels; eyes at (180, 380) and (380, 380).

    Args:
        smile: By how much the corners of the mouth go up and out, pixels.
        brows: By how much the brows go up, pixels.
        shift: How far the whole head is moved, pixels.
    """
    turn = np.linspace(0, np.pi, 17)
    jaw = np.stack([280 - 190 * np.cos(turn), 400 + 250 * np.sin(turn)], axis=1)
    arch = np.sin(np.linspace(0, np.pi, 5)) * 15
    left_brow = np.stack([np.linspace(130, 240, 5), 335 - arch - brows], axis=1)
    right_brow = np.stack([np.linspace(320, 430, 5), 335 - arch - brows], axis=1)
    bridge = np.stack([np.full(4, 280.0), np.linspace(385, 460, 4)], axis=1)
    nostrils = np.stack([np.linspace(245, 315, 5), 475 + np.array([0, 5, 8, 5, 0])], axis=1)
    around = np.array([(-30, 0), (-12, -9), (12, -9), (30, 0), (12, 9), (-12, 9)])
    eyes = [np.array(centre) + around for centre in ((180, 380), (380, 380))]
    outer = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    lips = np.stack([280 - 70 * np.cos(outer), 555 - 22 * np.sin(outer)], axis=1)
    opening = np.stack([280 - 60 * np.cos(inner), np.full(8, 555.0)], axis=1)  # a closed mouth: points coincide
    mouth = np.concatenate([lips, opening])
    pull = np.abs(mouth[:, 0] - 280) / 70
    mouth = mouth + np.stack([np.sign(mouth[:, 0] - 280) * pull * smile, -pull * smile], axis=1)
    return np.concatenate([jaw, left_brow, right_brow, bridge, nostrils, *eyes, mouth]) + shift


def text(points: np.ndarray) -> str:
    """Return a file's lines."""
    return "".join(f"{x:.3f} {y:.3f}\n" for x, y in points)
