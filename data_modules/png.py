"""Read a small RGB PNG strictly: any damage is an error, where decoders return what they could read."""

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import UInt8

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {0: "gray", 2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGBA"}
_RGB = 2
_TRUNCATED = "truncated: it ends before its end mark (IEND), after {} bytes"


def decode_rgb(data: bytes, height: int, width: int) -> UInt8[np.ndarray, "3 height width"]:
    """Return the pixels of a PNG file's bytes, as red, green and blue 0..255.

    A decoder alone is not enough: OpenCV returns half an image for half a file, and Pillow accepts a damaged end mark
    and surplus pixel data. So lengths, checksums and the compressed stream are checked first, and the decoder is given
    only the chunks with pixels: a transparent colour or a colour profile must not change them.

    Args:
        data: The whole file.
        height: Expected number of rows.
        width: Expected number of columns.

    Raises:
        ValueError: The bytes are not a complete, undamaged 8-bit RGB PNG of that size; the message says what is wrong.
    """
    if not data:
        raise ValueError("empty (zero bytes)")
    if not data.startswith(_SIGNATURE):
        # A prefix of the signature is a PNG cut very short.
        raise ValueError(_TRUNCATED.format(len(data)) if _SIGNATURE.startswith(data) else "not a PNG file")
    header, pixels = b"", b""
    essential = [_SIGNATURE]
    for kind, content, whole in chunks(data):
        if not header and kind != b"IHDR":
            raise ValueError(f"damaged: it starts with the chunk {kind!r} instead of its header (IHDR)")
        if kind == b"IHDR":
            header = content
            _check_header(header, height, width)
        if kind == b"IDAT":
            pixels += content
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            essential.append(whole)
    _check_pixels(pixels, height, width)
    image = cv2.imdecode(np.frombuffer(b"".join(essential), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise ValueError("damaged: OpenCV cannot decode it")
    # OpenCV gives (row, column, channel) with the channels in the order blue, green, red.
    return np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield kind, content and all bytes of each chunk up to the end mark.

    Raises:
        ValueError: The file is truncated, or a checksum is wrong.
    """
    position = len(_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise ValueError(_TRUNCATED.format(len(data)))
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise ValueError(_TRUNCATED.format(len(data)))
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"damaged: the checksum of its chunk {kind!r} is wrong")
        yield kind, data[position + 8 : end - 4], data[position:end]
        position = end


def _check_header(header: bytes, height: int, width: int) -> None:
    if len(header) != 13:
        raise ValueError("damaged: its header (IHDR) has a wrong length")
    found_width, found_height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if (depth, colour, interlace) != (8, _RGB, 0):
        mode = f"{depth}-bit {_COLOUR_TYPES.get(colour, f'colour type {colour}')}{', interlaced' if interlace else ''}"
        raise ValueError(f"mode 8-bit RGB expected, {mode} found")
    if (found_height, found_width) != (height, width):
        raise ValueError(f"{width} x {height} pixels expected, {found_width} x {found_height} found")


def _check_pixels(pixels: bytes, height: int, width: int) -> None:
    row = 1 + 3 * width  # the filter's number, then the pixels
    stream = zlib.decompressobj()
    try:
        filtered = stream.decompress(pixels, height * row + 1)
    except zlib.error as error:
        raise ValueError(f"damaged: its pixels cannot be decompressed ({error})") from None
    if len(filtered) != height * row or not stream.eof:
        raise ValueError("damaged: its pixel data are incomplete or too long")
    if max(filtered[::row]) > 4:
        raise ValueError("damaged: it uses a filter that PNG does not have")
