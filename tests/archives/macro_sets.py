"""The public sets of macro-expressions in their layouts, with drawn faces whose eyes and motion can be found."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data_modules.rendered.camera import Camera
from data_modules.rendered.emotions import posed
from data_modules.rendered.face import draw_face
from data_modules.rendered.scene import Scene, State
from tests.archives.kdef_landmarks import write_kdef_landmarks

Picture = np.ndarray
EMOTIONS = ("neutral", "anger", "happiness", "surprise")


def pictures(seed: int, size: int) -> Iterator[tuple[str, Picture]]:
    """Yield a person's neutral face and three expressions; the head moves a little between them, as crops jitter."""
    random = np.random.default_rng(seed)
    scene = Scene(draw_face(random), Camera(size))
    for number, emotion in enumerate(EMOTIONS):
        units = np.zeros_like(posed("anger")) if emotion == "neutral" else posed(emotion)
        shift = 0.01 * number
        frame = scene.render(State(np.repeat(units[:, None], 2, axis=1), head=(shift, -shift, 0.0)), random)
        yield emotion, np.asarray(frame).reshape(size, size, -1)[..., 0]


def write_macro_sets(root: Path) -> dict[str, Path]:
    """Write KDEF's landmarks, CK+ pairs, JAFFE and Yale faces, two people each; return the root of each variable."""
    write_kdef_landmarks(root / "kdef_landmarks")
    for seed in (0, 1):
        for number, (emotion, picture) in enumerate(pictures(seed, 200)):
            small = cv2.resize(picture[16:184, 16:184], (48, 48), interpolation=cv2.INTER_AREA)
            for take in range(1, 4) if emotion == "neutral" else (number,):
                end = 1 if emotion == "neutral" else 14
                _write(root / f"ckplus_pairs/CK+/{emotion}/S00{seed}_{take:03}_{end:08}.png", small)
            word = {"neutral": "NE", "anger": "AN", "happiness": "HA", "surprise": "SU"}[emotion]
            _write(root / f"jaffe/jaffe/{'KA' if seed else 'YM'}.{word}1.{10 * seed + number}.tiff", picture)
            state = {"neutral": "normal", "anger": "sad", "happiness": "happy", "surprise": "surprised"}[emotion]
            path = root / f"yale_faces/yalefaces/subject0{seed + 1}.{state}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.pad(picture, ((20, 20), (60, 60)), mode="edge")).save(path, format="GIF")
    names = ("kdef_landmarks", "ckplus_pairs", "jaffe", "yale_faces")
    return {f"{name.upper()}_ROOT": root / name for name in names}


def _write(path: Path, picture: Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def write_macro_motion(folder: Path) -> None:
    """Write computed motion of two people as the four files of the table ``megc2019_macro``."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for name in ("kdef", "ckplus", "jaffe", "yale"):
        np.savez(
            folder / f"{name}.npz",
            motion=random.normal(size=(6, 28, 28, 3)).astype(np.float16),
            emotion=np.array(["anger" if name != "yale" else "sadness", "happiness", "surprise"] * 2),
            subject=np.array(["a", "a", "a", "b", "b", "b"]),
        )
