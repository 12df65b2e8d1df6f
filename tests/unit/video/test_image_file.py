"""Strict decoding of one image."""

import io
import struct
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
from jaxtyping import UInt8

from data_modules.video.image_file import decode

Image = UInt8[np.ndarray, "height width *channel"]


def noise(*shape: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def encode(suffix: str, image: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(depth: int, colour: int, rows: list[bytes], *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 4, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3)])
def test_lossless_images_come_back_exactly(suffix: str, shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    assert np.array_equal(decode(encode(suffix, image)), image)


def test_gif_is_read_and_one_that_ends_early_is_refused() -> None:
    file = io.BytesIO()
    image = noise(12, 17)
    PIL.Image.fromarray(image).save(file, format="GIF")
    data = file.getvalue()
    assert np.array_equal(decode(data), np.repeat(image[..., None], 3, axis=2))
    with pytest.raises(ValueError, match="truncated: its pixels end early"):
        decode(data[:-20])


def test_jpeg_is_what_opencv_decodes() -> None:
    data = encode(".jpg", noise(12, 17, 3))
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert expected is not None
    assert np.array_equal(decode(data), expected)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_divided_by_257_and_rounded(suffix: str) -> None:
    image = np.array([[0, 128, 129, 257, 65535]], np.uint16)
    assert decode(encode(suffix, image)).tolist() == [[0, 0, 1, 1, 255]]


def test_a_palette_becomes_its_colours_and_transparency_changes_nothing() -> None:
    palette = chunk(b"PLTE", bytes([1, 2, 3, 10, 20, 30]))
    transparency = chunk(b"tRNS", bytes([0, 128]))
    data = png(8, 3, [bytes([0, 1, 1, 0])], palette, transparency)
    assert decode(data).tolist() == [[[3, 2, 1], [30, 20, 10], [30, 20, 10], [3, 2, 1]]]


def test_the_content_decides_the_type_and_a_broken_colour_profile_is_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = png(8, 0, [bytes([1, 2, 3, 4])], chunk(b"iCCP", b"profile\0\0junk"))
    assert decode(data).tolist() == [[1, 2, 3, 4]]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"garbage", b"\xff\xd8\xff"])
def test_bytes_behind_the_end_of_a_jpeg_are_tolerated(tail: bytes) -> None:
    data = encode(".jpg", noise(12, 17))
    assert np.array_equal(decode(data + tail), decode(data))


def with_thumbnail(data: bytes) -> bytes:
    thumbnail = encode(".jpg", noise(8, 8))
    return data[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + data[2:]


def test_a_jpeg_with_a_thumbnail_is_read() -> None:
    data = encode(".jpg", noise(60, 80, 3))
    assert np.array_equal(decode(with_thumbnail(data)), decode(data))


@pytest.mark.parametrize("thumbnail", [False, True])
@pytest.mark.parametrize("part", [0.002, 0.1, 0.5, 0.99])
def test_a_truncated_jpeg_is_refused(part: float, thumbnail: bool, capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(".jpg", noise(60, 80, 3))
    data = with_thumbnail(data) if thumbnail else data
    with pytest.raises(ValueError, match="truncated: its pixels end early, after"):
        decode(data[: int(part * len(data))])
    assert capfd.readouterr().err == ""


def test_a_jpeg_whose_second_half_was_never_written_is_refused() -> None:
    data = encode(".jpg", noise(60, 80, 3))
    half = len(data) // 2
    with pytest.raises(ValueError, match="truncated"):
        decode(data[:half] + bytes(len(data) - half))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("part", [0.005, 0.1, 0.5, 0.99])
def test_other_truncated_images_are_refused(suffix: str, part: float, capfd: pytest.CaptureFixture[str]) -> None:
    data = encode(suffix, noise(60, 80, 3))
    with pytest.raises(ValueError, match="truncated"):
        decode(data[: int(part * len(data))])
    assert capfd.readouterr().err == ""


def test_a_tiff_whose_strips_lie_behind_the_end_is_refused() -> None:
    strips = struct.pack("<HHII", 273, 4, 1, 1000) + struct.pack("<HHII", 279, 4, 1, 50)
    data = b"II*\0" + struct.pack("<IH", 8, 2) + strips + bytes(4)
    with pytest.raises(ValueError, match="truncated"):
        decode(data)


def test_a_tiff_of_inks_is_refused() -> None:
    data = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 262, 3, 1, 5, 0) + bytes(4)
    with pytest.raises(ValueError, match="a TIFF of gray, RGB, palette or YCbCr pixels expected, another found"):
        decode(data)


def test_a_run_length_bmp_is_checked_by_its_whole_length() -> None:
    data = bytearray(encode(".bmp", noise(8, 8)))
    struct.pack_into("<I", data, 30, 1)
    with pytest.raises(ValueError, match="truncated"):
        decode(bytes(data[:-1]))


def test_a_changed_byte_in_a_png_is_noticed() -> None:
    data = bytearray(encode(".png", noise(12, 17, 3)))
    data[len(data) // 2] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        decode(bytes(data))


def test_a_png_without_pixels_is_refused() -> None:
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)) + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match=r"damaged: its header \(IHDR\) or its pixels \(IDAT\) are missing"):
        decode(data)


def test_an_empty_file_and_a_text_are_refused() -> None:
    with pytest.raises(ValueError, match=r"empty \(zero bytes\)"):
        decode(b"")
    with pytest.raises(ValueError, match="its content is not a JPEG, PNG, BMP, TIFF or GIF"):
        decode(b"<html>not found</html>")


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="8 or 16 bits a pixel expected, float32 found"):
        decode(encode(".tif", np.zeros((4, 5), np.float32)))


def test_what_opencv_cannot_decode_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged: OpenCV cannot decode it"):
        decode(b"\xff\xd8\xff\xd9")
