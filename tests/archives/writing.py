"""What the generators of archives share: noise in place of faces, and workbooks."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openpyxl

SIZE = 32


def write_images(paths: Iterable[Path], seed: int, size: int = SIZE, gray: bool = False) -> None:
    """Write one smooth noise image a path, each a little further to the right than the one before."""
    random = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(random.random((size, 2 * size, 1 if gray else 3), dtype=np.float32), (0, 0), 2)
    texture = (texture - texture.min()) * (255 / np.ptp(texture))
    for step, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        shift = np.array([[1, 0, -0.2 * step], [0, 1, 0]], dtype=np.float32)
        image = cv2.warpAffine(texture, shift, (size, size), borderMode=cv2.BORDER_REFLECT)
        assert cv2.imwrite(str(path), image.astype(np.uint8))


def write_workbook(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> None:
    """Write an .xlsx workbook; its rows are as given, None is a blank cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)


def set_cell(path: Path, sheet: str, cell: str, value: Any) -> None:
    """Change one cell of a workbook, e.g. ``set_cell(path, "Sheet1", "E2", "/")``."""
    book = openpyxl.load_workbook(path)
    book[sheet][cell] = value
    book.save(path)


def double(root: Path, name: str) -> None:
    """Pack a folder of the archive into one of the same name, as unpacking often does."""
    inner = root / f"{name}.moved"
    shutil.move(root / name, inner)
    (root / name).mkdir()
    shutil.move(inner, root / name / name)
