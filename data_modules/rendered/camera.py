"""The camera: from the light of a scene to the pixels of a frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8


@dataclass(frozen=True)
class Camera:
    """A camera with fixed settings.

    Args:
        size: Height and width of a frame, pixels.
        gain: Factor of all brightness.
        noise: Standard deviation of the sensor's noise, independent in each pixel and channel, gray levels (of 255).
        blur: Standard deviation of the lens's blur, in pixels of a frame of 128; scales with the frame.
    """

    size: int = 128
    gain: float = 1.0
    noise: float = 1.2
    blur: float = 0.5

    def expose(
        self, light: Float32[np.ndarray, "size size 3"], noise: np.random.Generator | None
    ) -> UInt8[np.ndarray, "size size 3"]:
        """Return the frame for the light that reaches the lens.

        Args:
            light: Red, green and blue, 0..1.
            noise: Source of the sensor's noise; None for no noise.
        """
        frame = cv2.GaussianBlur(light, (0, 0), self.blur * self.size / 128) if self.blur > 0 else light
        frame = frame * np.float32(255 * self.gain)
        if noise is not None and self.noise > 0:
            frame += np.float32(self.noise) * noise.standard_normal(frame.shape, dtype=np.float32)
        return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def draw_camera(random: np.random.Generator, size: int = 128) -> Camera:
    """Return a camera whose gain, noise and blur differ from recording to recording.

    Args:
        random: Source of all randomness.
        size: Height and width of its frames, pixels.
    """
    return Camera(
        size, float(random.uniform(0.9, 1.1)), float(random.uniform(0.6, 1.6)), float(random.uniform(0.4, 0.65))
    )
