"""Write small sets of noise in the exact layout of the MEGC2019 flow images."""

from pathlib import Path

import cv2
import numpy as np

TABLE = "combined_3_class2_for_optical_flow.csv"
IMAGES = Path("datasets", "STSNet_whole_norm_u_v_os")
HEADER = "dataset,sub,filename_o,label,apex,imagename,sub_filename"


def write_megc2019(
    root: Path,
    databases: tuple[str, ...] = ("casme2", "smic", "samm"),
    subjects: int = 4,
    clips: int = 2,
    phases: int = 1,
    stretched: bool = True,
    seed: int = 0,
) -> Path:
    """Write a set with ``clips`` clips of each of the three classes a subject, and return its root."""
    rows = [
        csv_row(database, subject, label, clip)
        for database in databases
        for subject in range(1, subjects + 1)
        for label in range(3)
        for clip in range(1, clips + 1)
    ]
    return write_rows(root, rows, phases=phases, stretched=stretched, seed=seed)


def csv_row(database: str, subject: int, label: int, clip: int) -> str:
    """Return the row of a clip, named as its database does."""
    if database == "casme2":
        # As the real sub03_EP01_2: it looks like the third image of a clip EP01.
        name = "EP01_2" if (subject, label, clip) == (3, 2, 1) else f"EP{label + 1:02}_{clip:02}f"
        return f"casme2,sub{subject:02},{name},{label},,sub{subject:02}_{name}.jpg,"
    if database == "smic":
        name = f"{('ne', 'po', 'sur')[label]}_{clip:02}"
        return f"smic,s{subject:02},s{subject:02}_{name},{label},,s{subject:02}_s{subject}_{name}.jpg,"
    name = f"{subject:03}_{label + 1}_{clip}"
    return f"samm,{subject:03},{name},{label},,{subject:03}_{name}.jpg,"


def write_rows(root: Path, rows: list[str], phases: int = 1, stretched: bool = True, seed: int = 0) -> Path:
    """Write the csv with these rows and the images that they ask for, and return the root."""
    (root / IMAGES).mkdir(parents=True)
    (root / TABLE).write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    generator = np.random.default_rng(seed)
    for row in rows:
        _, subject, clip, *_ = row.split(",")
        for phase in range(phases):
            pixels = generator.integers(60, 196, (28, 28, 3), dtype=np.uint8)
            if stretched:
                pixels[0, 0], pixels[-1, -1] = 0, 255
            write_image(root, f"{subject}_{clip}{f'_{phase}' if phase else ''}", pixels)
    return root


def image_path(root: Path, name: str) -> Path:
    """Return where an image lies: there is a space before its extension."""
    return root / IMAGES / f"{name} .png"


def write_image(root: Path, name: str, pixels: np.ndarray) -> None:
    """Write an image as PNG: pixels (row, column), or with three channels in the order B, G, R or four with alpha."""
    image_path(root, name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
