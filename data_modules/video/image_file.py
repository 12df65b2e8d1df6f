"""Decode one image file strictly: what is damaged is an error, where OpenCV returns what it could read."""

import struct

import cv2
import numpy as np
from jaxtyping import UInt8

from data_modules.png import chunks

_TRUNCATED = "truncated: its pixels end early, after {} bytes"
_TIFF_SIZES = {3: "H", 4: "I"}  # 16 and 32 bits


def decode(data: bytes) -> UInt8[np.ndarray, "height width *channel"]:
    """Return the pixels of a JPEG, PNG, BMP, TIFF or GIF file's bytes as OpenCV orders them; of a film the first.

    Gray has no channel axis, colour has blue, green, red and, where the file has it, alpha. The content decides the
    type, not the file's name. 16 bits become 8 by dividing by 257, rounded (65535 / 257 = 255). The orientation that a
    camera noted is ignored, as annotations count in stored pixels. Damage inside a JPEG or a TIFF, its length intact,
    can go unnoticed: neither has checksums.

    Raises:
        ValueError: The bytes are no complete image of these types; says what they are instead.
    """
    if not data:
        raise ValueError("empty (zero bytes)")
    if data.startswith(b"\xff\xd8"):
        _check_jpeg(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        data = _essential_png(data)
    elif data.startswith(b"BM"):
        _check_bmp(data)
    elif data.startswith((b"II*\0", b"MM\0*")):
        _check_tiff(data)
    elif data.startswith((b"GIF87a", b"GIF89a")):
        if not data.rstrip(b"\0").endswith(b";"):
            raise ValueError(_TRUNCATED.format(len(data)))
    else:
        raise ValueError("its content is not a JPEG, PNG, BMP, TIFF or GIF")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"damaged: OpenCV cannot decode it ({error.err})") from None
    if image is None:
        raise ValueError("damaged: OpenCV cannot decode it")
    if image.dtype == np.uint16:
        return cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        raise ValueError(f"8 or 16 bits a pixel expected, {image.dtype} found")
    return image


def _check_jpeg(data: bytes) -> None:
    """Look for the end mark behind the first scan, since a thumbnail in the header has an end mark of its own."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b"\xda":
        if position + 4 > len(data):
            break
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    # Anything may follow the end mark: cameras append zeros. In compressed pixels 0xff is always followed by 0.
    if data.find(b"\xff\xd9", position) < 0:
        raise ValueError(_TRUNCATED.format(len(data)))


def _essential_png(data: bytes) -> bytes:
    """Return the chunks that hold pixels, lengths and checksums checked; about others libpng could print warnings."""
    parts = [data[:8]]
    kinds = []
    for kind, _, whole in chunks(data):
        if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            kinds.append(kind)
            parts.append(whole)
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise ValueError("damaged: its header (IHDR) or its pixels (IDAT) are missing")
    return b"".join(parts)


def _check_bmp(data: bytes) -> None:
    try:
        offset, header, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", data, 10)
    except struct.error:
        raise ValueError(_TRUNCATED.format(len(data))) from None
    if header < 40 or compression in (1, 2, 4, 5):  # OS/2, run lengths, embedded files: only the whole length is known
        needed = int.from_bytes(data[2:6], "little")
    else:
        needed = offset + abs(height) * ((width * bits + 31) // 32 * 4)  # rows are padded to 4 bytes
    if needed > len(data):
        raise ValueError(_TRUNCATED.format(len(data)))


def _check_tiff(data: bytes) -> None:
    order = "<" if data.startswith(b"II") else ">"
    tags: dict[int, tuple[int, ...]] = {}
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, directory)
        for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(f"{order}HHI", data, entry)
            # Photometric interpretation, offsets and lengths of strips, offsets and lengths of tiles.
            if tag in (262, 273, 279, 324, 325) and kind in _TIFF_SIZES:
                layout = f"{order}{min(count, len(data))}{_TIFF_SIZES[kind]}"
                inline = struct.calcsize(layout) <= 4
                position = entry + 8 if inline else struct.unpack_from(f"{order}I", data, entry + 8)[0]
                tags[tag] = struct.unpack_from(layout, data, position)
    except struct.error:
        raise ValueError(_TRUNCATED.format(len(data))) from None
    parts = [*zip(tags.get(273, ()), tags.get(279, ()), strict=False)]
    parts += zip(tags.get(324, ()), tags.get(325, ()), strict=False)
    if any(offset + length > len(data) for offset, length in parts):
        raise ValueError(_TRUNCATED.format(len(data)))
    if not tags.get(262, ()) or tags[262][0] not in (0, 1, 2, 3, 6):
        raise ValueError("a TIFF of gray, RGB, palette or YCbCr pixels expected, another found")
