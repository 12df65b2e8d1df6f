"""The strict PNG reader."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from data_modules.png import decode_rgb

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def encode(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 and pixels.shape[2] == 3 else pixels)[1].tobytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def build(rows: bytes, header: bytes = struct.pack(">IIBBBBB", 5, 6, 8, 2, 0, 0, 0), before: bytes = b"") -> bytes:
    """Build a PNG of 5 x 6 pixels from its filtered rows."""
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def plain_rows(filter_number: int = 0) -> bytes:
    return b"".join(bytes([filter_number]) + row.tobytes() for row in PIXELS)


def test_pixels_come_back_as_red_green_blue_planes() -> None:
    np.testing.assert_array_equal(decode_rgb(encode(PIXELS), 6, 5), PIXELS.transpose(2, 0, 1))


def test_every_cut_is_noticed(capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(PIXELS)
    for length in range(1, len(data)):
        with pytest.raises(ValueError, match="truncated"):
            decode_rgb(data[:length], 6, 5)
    assert capfd.readouterr().err == ""


def test_every_changed_byte_is_noticed(capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(PIXELS)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x20
        with pytest.raises(ValueError, match=r"truncated|damaged|not a PNG"):
            decode_rgb(bytes(changed), 6, 5)
    assert capfd.readouterr().err == ""


def test_transparency_and_trailing_bytes_do_not_change_the_pixels() -> None:
    red, green, blue = (int(value) for value in PIXELS[0, 0])
    transparent = chunk(b"tRNS", struct.pack(">HHH", red, green, blue))
    data = build(plain_rows(), before=transparent) + b"more"
    np.testing.assert_array_equal(decode_rgb(data, 6, 5), PIXELS.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0 a JPEG", "not a PNG file"),
        (encode(PIXELS[..., 0]), "8-bit RGB expected, 8-bit gray found"),
        (encode(np.dstack([PIXELS, PIXELS[..., :1]])), "8-bit RGB expected, 8-bit RGBA found"),
        (encode(PIXELS.astype(np.uint16)), "8-bit RGB expected, 16-bit RGB found"),
        (build(plain_rows(), struct.pack(">IIBBBBB", 5, 6, 8, 2, 0, 0, 1)), "8-bit RGB, interlaced found"),
        (build(plain_rows(), struct.pack(">IIBBBBB", 5, 6, 8, 5, 0, 0, 0)), "8-bit colour type 5 found"),
        (encode(PIXELS[:5]), "5 x 6 pixels expected, 5 x 5 found"),
        (build(plain_rows()[:-1]), "pixel data are incomplete or too long"),
        (build(plain_rows() + b"\0"), "pixel data are incomplete or too long"),
        (build(plain_rows(9)), "a filter that PNG does not have"),
        (build(b"", b"\0" * 12), r"header \(IHDR\) has a wrong length"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), r"starts with the chunk b'IEND'"),
    ],
)
def test_anything_but_a_whole_rgb_image_of_the_size_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_rgb(data, 6, 5)


def test_pixels_that_do_not_decompress_are_refused() -> None:
    data = build(plain_rows()).replace(zlib.compress(plain_rows()), b"?" * len(zlib.compress(plain_rows())))
    start = data.index(b"IDAT")
    end = data.index(b"IEND") - 8
    data = data[:end] + struct.pack(">I", zlib.crc32(data[start:end])) + data[end + 4 :]
    with pytest.raises(ValueError, match="cannot be decompressed"):
        decode_rgb(data, 6, 5)
