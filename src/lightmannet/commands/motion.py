"""The command ``lightmannet motion``: a motion image from two pictures of one person."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8
from jsonargparse import ArgumentParser
from rich.console import Console

from data_modules.channel_order import NAMES, ChannelOrder, channel_order
from data_modules.flow import optical_strain
from data_modules.representations.landmark_flow import landmark_motion
from data_modules.representations.motion_image import WORKING_SIZE, area_average
from data_modules.representations.optical_flow import optical_flow
from data_modules.representations.pair_flow import head_held_still
from data_modules.scaling import stretch
from data_modules.video.crop import Square, WholeFrame
from data_modules.video.eyes import DetectedEyes, eye_square
from data_modules.video.frames import open_frames
from data_modules.video.landmarks import read_landmarks
from data_modules.video.reader import Pixels
from lightmannet.errors import ConfigurationError, DataError
from lightmannet.files import write_bytes_atomically
from lightmannet.pictures.channels import channel_panels, encode_png

_ANYWHERE = Path("/")
_FULL_SCALE, _FULL_STRAIN = 0.05, 0.5
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def motion(arguments: Sequence[str]) -> None:
    """Write the motion between two pictures, two frames of a video or two landmark files of one person.

    It writes ``OUTPUT`` (an 8-bit PNG), an array (``.npz``: ``motion``, u and v in pixels of the image and unitless
    strain) and a picture of the three channels side by side (``.panels.png``).

    Args:
        arguments: Arguments of the command line.

    Raises:
        ConfigurationError: Options that don't fit each other.
        DataError: A file cannot be read, or there is no motion.
    """
    options = _parser().parse_args(list(arguments))
    console = Console(soft_wrap=True)
    order, stretched = ("u", "v", "strain"), options.scaling == "stretched"
    if options.like is not None:
        found = _like(Path(options.like))
        console.print(_order_text(found), markup=False, highlight=False)
        order, stretched = found.order, found.stretched
        if options.first is None:
            return
    if options.first is None or options.output is None:
        raise ConfigurationError("lightmannet motion FIRST SECOND -o OUTPUT: two pictures and an output are expected")
    output = Path(options.output)
    if output.suffix.lower() != ".png":
        raise ConfigurationError(f"--output {output}: the motion image must be lossless; use a .png file")
    flow = _flow(options)
    channels = np.concatenate([flow, optical_strain(flow)[None]])
    pixels = _stored(channels, stretched)[:, :, [NAMES.index(name) for name in order]]
    array = io.BytesIO()
    np.savez_compressed(array, motion=channels.transpose(1, 2, 0).astype(np.float32)[None])
    panels, numbers = output.with_suffix(".panels.png"), output.with_suffix(".npz")
    write_bytes_atomically(output, encode_png(pixels))
    write_bytes_atomically(numbers, array.getvalue())
    write_bytes_atomically(panels, encode_png(channel_panels(channels)))
    largest = float(np.hypot(*flow).max())
    how = "stretched" if stretched else f"{_FULL_SCALE} of the width and a strain of {_FULL_STRAIN} at the ends"
    console.print(
        f"{output}: {options.size} × {options.size}, red {order[0]}, green {order[1]}, blue {order[2]}; {how}"
    )
    console.print(f"largest motion: {largest:.2f} pixels of {options.size}; arrays in {numbers}, picture in {panels}")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="lightmannet motion", description="Motion between two pictures of one person.")
    parser.add_argument(
        "first", nargs="?", help="neutral picture, landmark file (.txt), or a video or folder of frames"
    )
    parser.add_argument("second", nargs="?", help="expressive picture or landmark file; not with a video or folder")
    parser.add_argument("-o", "--output", help="PNG file to write")
    parser.add_argument(
        "--frames", type=tuple[int, int] | None, help="numbers of two frames of a video or folder: [3,20]"
    )
    parser.add_argument(
        "--eyes",
        type=tuple[float, float, float, float] | str | None,
        help="x and y of the left and of the right eye as seen in the first picture, in pixels, [x,y,x,y]; detect: "
        "OpenCV's YuNet finds them (YUNET_MODEL); by default the whole picture is the face, and head motion stays",
    )
    parser.add_argument("--method", type=str, default="tvl1", choices=("tvl1", "dis"), help="optical flow")
    parser.add_argument("--size", type=int, default=28, help="height and width of the image, 28 to 224 pixels")
    parser.add_argument(
        "--scaling",
        type=str,
        default="stretched",
        choices=("stretched", "absolute"),
        help="stretched: each channel over 0 to 255, as the images of MEGC2019; absolute: 128 is no motion",
    )
    parser.add_argument(
        "--like", help="a motion image, or a folder of them: detect and use its channel order and scaling"
    )
    return parser


def _flow(options: Any) -> Float64[np.ndarray, "2 size size"]:
    """Return u and v in pixels of the image."""
    if not 28 <= options.size <= 224:
        raise ConfigurationError(f"--size {options.size}: from 28 to 224 pixels are possible")
    first = Path(options.first).expanduser()
    if first.suffix.lower() == ".txt":
        if options.second is None:
            raise ConfigurationError("a second landmark file is expected after the first")
        neutral, apex = (read_landmarks(Path(name).expanduser()) for name in (options.first, options.second))
        if (neutral == apex).all():
            raise DataError(f"{options.first} and {options.second} contain the same points: there is no motion")
        return landmark_motion(neutral, apex, options.size)
    frames = _frames(first, options)
    working = -(-WORKING_SIZE // options.size) * options.size
    if options.eyes is None:
        one, other = WholeFrame().square(frames, working, None)[..., 0]
        if np.array_equal(one, other):
            raise DataError("the two pictures are the same: there is no motion")
    else:
        one, other = _eye_squares(frames, working, options.eyes)[..., 0]
        other = head_held_still(one, other)
    return area_average(optical_flow(one, other, options.method), options.size)


def _frames(first: Path, options: Any) -> Pixels:
    """Return the two frames, gray."""
    if options.second is None:
        if options.frames is None:
            raise ConfigurationError(
                "two pictures are expected, or a video or folder and --frames, e.g. --frames [3,20]"
            )
        return open_frames(first, _ANYWHERE).read(list(options.frames), "gray")
    if options.frames is not None:
        raise ConfigurationError("--frames selects frames of one video or folder, but two pictures are given")
    return open_frames(Path(options.second).expanduser(), _ANYWHERE, neutral=first).read([0, 1], "gray")


def _eye_squares(frames: Pixels, size: int, eyes: object) -> Square:
    if isinstance(eyes, tuple | list):
        left_x, left_y, right_x, right_y = eyes
        if left_x >= right_x:
            raise ConfigurationError(f"--eyes {list(eyes)}: give the left eye, as seen, first")
        return eye_square(frames, size, (left_x, left_y), (right_x, right_y))
    if eyes != "detect":
        raise ConfigurationError(f"--eyes is [x,y,x,y] in pixels, or detect, not {eyes!r}")
    return DetectedEyes().square(frames, size, None)


def _stored(channels: Float64[np.ndarray, "3 size size"], stretched: bool) -> UInt8[np.ndarray, "size size 3"]:
    """Return the channels as 0..255, u, v and strain last."""
    if stretched:
        images = stretch(channels) + 0.5
    else:
        full = np.array([2 * _FULL_SCALE * channels.shape[-1]] * 2 + [_FULL_STRAIN])[:, None, None]
        images = channels / full + np.array([0.5, 0.5, 0.0])[:, None, None]
    return (255 * images).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


def _like(path: Path) -> ChannelOrder:
    """Return order and scaling of an image, or of all images of a folder.

    Raises:
        DataError: There is no image, one cannot be read, or they are not motion images.
    """
    path = path.expanduser()
    files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in _PICTURES] if path.is_dir() else [path]
    if not files:
        raise DataError(f"--like {path}: the folder contains no image")
    try:
        return channel_order([open_frames(f, _ANYWHERE).read([_number(f)], "rgb")[0] for f in files])
    except DataError as error:
        raise DataError(f"--like {path}: {error}") from None


def _number(file: Path) -> int:
    return open_frames(file, _ANYWHERE).numbers[0]


def _order_text(found: ChannelOrder) -> str:
    red, green, blue = found.order
    scaling = "each channel stretched over 0 to 255" if found.stretched else "not stretched"
    images = "1 image" if found.images == 1 else f"{found.images} images"
    unsure = "" if found.images > 20 else "; only many images distinguish u from v, so give their folder"
    return (
        f"{images}: R = {red}, G = {green}, B = {blue}, {scaling} "
        f"(u and v explain {found.fit:.0%} of strain's variance, exchanged {found.fit_exchanged:.0%}{unsure})"
    )
