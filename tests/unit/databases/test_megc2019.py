"""The reader of the MEGC2019 flow images."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from data_modules.databases.megc2019 import MEGC2019, read_pixels
from data_modules.databases.megc2019_rows import KNOWN_COUNTS
from data_modules.scaling import CENTRED, STRETCHED
from lightmannet.errors import ConfigurationError, DataError
from tests.megc2019_files import HEADER, IMAGES, TABLE, csv_row, image_path, write_image, write_rows

Write = Callable[..., Path]


def small(root: Path, **options: object) -> MEGC2019:
    return MEGC2019(str(root), check_counts=False, **options)  # type: ignore[arg-type]


def message_of(root: Path, **options: object) -> str:
    with pytest.raises(DataError) as raised:
        small(root, **options).load()
    return str(raised.value)


def edit_table(root: Path, edit: Callable[[str], str]) -> None:
    table = root / TABLE
    table.write_text(edit(table.read_text(encoding="utf-8")), encoding="utf-8")


# --- What is read ---


def test_corpus_has_one_clip_a_row_in_the_order_of_the_csv(megc2019_root: Write) -> None:
    corpus = small(megc2019_root()).load()
    assert len(corpus.micro) == 3 * 4 * 3 * 2
    assert corpus.micro.ids[:2] == ("casme2/sub01/EP01_01f", "casme2/sub01/EP01_02f")
    assert corpus.micro.subjects[0] == "casme2/sub01"
    assert corpus.micro.databases[::24] == ("casme2", "smic", "samm")
    assert corpus.micro.ids[24] == "smic/s01/s01_ne_01"
    assert corpus.micro.ids[48] == "samm/001/001_1_1"
    assert corpus.micro.labels[:6].tolist() == [0, 0, 1, 1, 2, 2]
    assert (corpus.name, corpus.classes) == ("megc2019", ("negative", "positive", "surprise"))
    assert corpus.macro is None
    assert not corpus.synthetic


def test_channels_are_u_v_strain_from_red_green_blue_in_half_units(megc2019_root: Write) -> None:
    root = megc2019_root()
    inputs = small(root, scaling="stored").load().micro.inputs
    stored = cv2.imread(str(image_path(root, "sub01_EP01_01f")))
    assert stored is not None
    assert inputs.shape == (72, 1, 3, 28, 28)
    assert inputs.dtype == torch.float32
    for channel, stored_channel in enumerate((2, 1, 0)):  # OpenCV stores B, G, R
        expected = stored[:, :, stored_channel].astype(np.float32) / 255 - 0.5
        np.testing.assert_allclose(inputs[0, 0, channel].numpy(), expected, atol=1e-7)
    assert (inputs.min().item(), inputs.max().item()) == (-0.5, 0.5)


def test_raw_pixels_come_with_their_rows(megc2019_root: Write) -> None:
    root = megc2019_root()
    pixels, rows = read_pixels(str(root), ["smic"], check_counts=False)
    stored = cv2.imread(str(image_path(root, "s01_s01_ne_01")))
    assert stored is not None
    assert pixels.dtype == torch.uint8
    np.testing.assert_array_equal(pixels[0, 0].numpy(), stored[:, :, ::-1].transpose(2, 0, 1))
    assert (rows[0].subject, rows[0].clip, rows[0].label, rows[0].row) == ("s01", "s01_ne_01", 0, 26)


def test_phases_are_stacked_in_the_order_of_their_suffixes(megc2019_root: Write) -> None:
    root = megc2019_root(phases=4)
    corpus = small(root, phases=4, scaling="stored").load()
    trap = corpus.micro.ids.index("casme2/sub03/EP01_2")
    for phase, suffix in enumerate(("", "_1", "_2", "_3")):
        stored = cv2.imread(str(image_path(root, f"sub03_EP01_2{suffix}")))
        assert stored is not None
        expected = torch.from_numpy(stored[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255 - 0.5
        torch.testing.assert_close(corpus.micro.inputs[trap, phase], expected, rtol=0, atol=1e-7)


def test_first_images_alone_can_be_read_from_a_set_with_phases(megc2019_root: Write) -> None:
    root = megc2019_root(phases=4)
    one, two = small(root).load(), small(root, phases=2).load()
    assert one.micro.inputs.shape == (72, 1, 3, 28, 28)
    assert two.micro.inputs.shape == (72, 2, 3, 28, 28)
    assert torch.equal(one.micro.inputs[:, 0], two.micro.inputs[:, 0])


def test_a_clip_named_like_anothers_phase_is_read_from_a_set_of_single_images(tmp_path: Path) -> None:
    names = ["EP01", "EP01_2", "EP02", "EP03"]
    root = write_rows(tmp_path / "set", [f"casme2,sub03,{name},0,,," for name in names])
    assert small(root).load().micro.ids == tuple(f"casme2/sub03/{name}" for name in names)


def test_stretched_is_found_from_the_pixels(tmp_path: Path) -> None:
    rows = [csv_row("casme2", 1, label, 1) for label in range(3)]
    stretched = write_rows(tmp_path / "stretched", rows)
    plain = write_rows(tmp_path / "plain", rows, stretched=False)
    assert small(stretched, scaling="stored").load().scaling == STRETCHED
    assert small(plain, scaling="stored").load().scaling is None
    pixels = np.full((28, 28, 3), 100, np.uint8)
    pixels[0, 0], pixels[1, 1] = 0, (255, 255, 254)
    write_image(stretched, "sub01_EP03_01f", pixels)
    assert small(stretched, scaling="stored").load().scaling is None


def test_images_are_centred_unless_told_otherwise(megc2019_root: Write) -> None:
    root = megc2019_root()
    centred, stored = small(root).load(), small(root, scaling="stored").load()
    assert centred.scaling == CENTRED
    motion = centred.micro.inputs[:, :, :2].flatten(3)
    assert motion.quantile(0.5, dim=-1).abs().max() < 1e-6
    torch.testing.assert_close(motion.abs().amax(-1), torch.full((72, 1, 2), 0.5))
    assert torch.equal(centred.micro.inputs[:, :, 2], stored.micro.inputs[:, :, 2])


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="scaling is one of stored, centred, not 'pixels'"):
        MEGC2019(scaling="pixels")  # type: ignore[arg-type]


def test_root_comes_from_the_environment_unless_given(
    megc2019_root: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEGC2019_ROOT", str(megc2019_root()))
    assert len(MEGC2019(check_counts=False).load().micro) == 72
    other = write_rows(tmp_path / "other", [csv_row("smic", 1, 0, 1)])
    assert len(small(other).load().micro) == 1


def test_only_the_databases_asked_for_need_their_images(megc2019_root: Write) -> None:
    root = megc2019_root()
    for image in (root / IMAGES).glob("sub*"):
        image.unlink()
    corpus = small(root, databases=["samm", "smic"]).load()
    assert set(corpus.micro.databases) == {"smic", "samm"}


def test_byte_order_mark_windows_line_ends_and_blank_lines_are_tolerated(megc2019_root: Write) -> None:
    root = megc2019_root()
    text = (root / TABLE).read_text(encoding="utf-8")
    (root / TABLE).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert len(small(root).load().micro) == 72


def test_hidden_files_and_files_that_are_no_images_are_passed_over(megc2019_root: Write) -> None:
    root = megc2019_root()
    for name in (".DS_Store", "._sub01_EP01_01f .png", "Thumbs.db", "notes.txt"):
        (root / IMAGES / name).write_bytes(b"?")
    assert len(small(root).load().micro) == 72


def test_links_within_the_root_are_followed(megc2019_root: Write) -> None:
    root = megc2019_root()
    image = image_path(root, "sub01_EP01_01f")
    image.rename(root / "moved.png")
    image.symlink_to(root / "moved.png")
    assert len(small(root).load().micro) == 72


def test_a_linked_root_is_read(megc2019_root: Write, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(megc2019_root())
    assert len(small(tmp_path / "link").load().micro) == 72


# --- Counts ---


def complete_rows(database: str) -> list[str]:
    """Return rows with exactly the clips and subjects that the database is known to hold."""
    known = KNOWN_COUNTS[database]
    return [
        csv_row(database, clip % known.subjects + 1, label, clip // known.subjects + 10)
        for label, count in enumerate(known.clips)
        for clip in range(count)
    ]


def test_the_complete_set_has_442_clips_of_68_subjects(tmp_path: Path) -> None:
    root = write_rows(tmp_path / "set", [row for database in KNOWN_COUNTS for row in complete_rows(database)])
    corpus = MEGC2019(str(root)).load()
    assert len(corpus.micro) == 442
    assert len(set(corpus.micro.subjects)) == 68
    assert corpus.micro.labels.bincount().tolist() == [250, 109, 83]


@pytest.mark.parametrize("dropped", [0, 120])
def test_a_database_that_lost_a_clip_is_refused(tmp_path: Path, dropped: int) -> None:
    rows = complete_rows("smic")
    del rows[dropped]
    root = write_rows(tmp_path / "set", rows)
    expected = "database 'smic': 164 clips (70 negative, 51 positive, 43 surprise) of 16 subjects expected, 163 clips"
    with pytest.raises(DataError, match=re.escape(expected)):
        MEGC2019(str(root)).load()
    assert len(small(root).load().micro) == 163


def test_a_database_with_other_labels_or_subjects_is_refused(tmp_path: Path) -> None:
    rows = complete_rows("samm")
    relabelled = write_rows(tmp_path / "labels", [rows[0].replace(",0,,", ",1,,"), *rows[1:]])
    with pytest.raises(DataError, match=r"133 clips \(91 negative, 27 positive, 15 surprise\) of 28 subjects found"):
        MEGC2019(str(relabelled)).load()
    moved = write_rows(tmp_path / "subjects", ["samm,999,999_1_1,0,,,", *rows[1:]])
    with pytest.raises(DataError, match=r"of 28 subjects expected, .* of 29 subjects found"):
        MEGC2019(str(moved)).load()


def test_counts_of_a_database_that_is_not_asked_for_do_not_matter(tmp_path: Path) -> None:
    root = write_rows(tmp_path / "set", [*complete_rows("smic"), csv_row("casme2", 1, 0, 1)])
    assert len(MEGC2019(str(root), databases=["smic"]).load().micro) == 164


def test_a_database_without_rows_cannot_be_asked_for(tmp_path: Path) -> None:
    root = write_rows(tmp_path / "set", [csv_row("smic", 1, 0, 1)])
    assert "database 'samm' was requested, but no row has it; the rows are of smic" in message_of(
        root, databases=["smic", "samm"]
    )


# --- Options ---


@pytest.mark.parametrize("phases", [0, 5])
def test_impossible_number_of_phases_is_refused(phases: int) -> None:
    with pytest.raises(ConfigurationError, match=f"phases is {phases}, but .* 1 to 4"):
        MEGC2019(phases=phases)


@pytest.mark.parametrize(
    ("databases", "message"),
    [
        (["casme"], r"'casme' is not in MEGC2019, which has casme2, smic, samm"),
        ([], "list is empty"),
        (["smic", "smic"], "'smic' is named twice"),
    ],
)
def test_impossible_databases_are_refused(databases: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MEGC2019(databases=databases)
    with pytest.raises(ConfigurationError, match=message):
        read_pixels(databases=databases)


# --- Root and csv ---


@pytest.mark.parametrize("value", [None, ""])
def test_no_root_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("MEGC2019_ROOT", raising=False)
    if value is not None:
        monkeypatch.setenv("MEGC2019_ROOT", value)
    with pytest.raises(DataError, match="no root folder is given") as raised:
        MEGC2019(value).load()
    for hint in ("GitHub repository wangzhifengharrison/HTNet", "MEGC2019_ROOT", "`root:`"):
        assert hint in str(raised.value)


def test_missing_root_says_who_named_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "nowhere"
    assert f"root names {str(missing)!r}, which does not exist" in message_of(missing)
    monkeypatch.setenv("MEGC2019_ROOT", str(missing))
    with pytest.raises(DataError, match=r"MEGC2019_ROOT names .*nowhere.*, which does not exist"):
        MEGC2019().load()


def test_a_file_as_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    assert "which is a file, not a folder. Clone the GitHub repository" in message_of(tmp_path / "root")


def test_empty_root_names_both_csv_and_images(tmp_path: Path) -> None:
    message = message_of(tmp_path)
    assert f"{TABLE}: no such file" in message
    assert f"{IMAGES}: no such folder" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\n", "empty, or its first row is"),
        (HEADER.encode(), "only a header, no row"),
        (b"dataset,sub,filename_o,apex\nsmic,s01,s01_ne_01,\n", "row 1: one column 'label' is expected, 0 found among"),
        (b"dataset,sub,filename_o,label,label\n", "row 1: one column 'label' is expected, 2 found among"),
        (b"dataset;sub;filename_o;label\n", "row 1: one column 'sub' is expected, 0 found among dataset;sub"),
        (HEADER.encode() + b"\nsmic,s01,s01_n\xe9_01,0,,,\n", r"not UTF-8 text \(byte 71"),
        (HEADER.encode("utf-16"), r"not UTF-8 text \(byte 0"),
        (HEADER.encode() + b'\nsmic,"s01,s01_ne_01,0,,,\n', "row 2: not comma-separated text"),
        (HEADER.encode() + b"\nsmic,s01,s01_ne_01\n", "row 2: 7 fields are expected as in the header, 3 found"),
        (HEADER.encode() + b"\nsmic,s01,s01_ne_01,0,,,,\n", "row 2: 7 fields are expected as in the header, 8 found"),
    ],
)
def test_csv_that_is_no_table_of_clips_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / IMAGES).mkdir(parents=True)
    (tmp_path / TABLE).write_bytes(content)
    with pytest.raises(DataError, match=f"{TABLE}: {message}"):
        small(tmp_path).load()


def test_a_folder_as_csv_is_refused(megc2019_root: Write) -> None:
    root = megc2019_root()
    (root / TABLE).unlink()
    (root / TABLE).mkdir()
    assert f"{TABLE}: not a file" in message_of(root)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("smic,s09,s09_ne_01,3,,,", r"label '3' is unknown; 0 (negative), 1 (positive), 2 (surprise) are expected"),
        ("smic,s09,s09_ne_01,,,,", "label '' is unknown"),
        ("smic,s09,s09_ne_01,1.0,,,", "label '1.0' is unknown"),
        ("smic,s09,s09_ne_01,\u0661,,,", "label '\u0661' is unknown"),
        ("casme,s09,s09_ne_01,0,,,", "dataset 'casme' is unknown; casme2, smic, samm are expected"),
        ("smic,,s09_ne_01,0,,,", "sub is blank"),
        ("smic,s09, ,0,,,", "filename_o is blank"),
        ("smic,..,s09_ne_01,0,,,", "sub '..' is not a valid name"),
        ("smic,s09,../../secret,0,,,", "filename_o '../../secret' is not a valid name"),
        ("smic,/etc,passwd,0,,,", "sub '/etc' is not a valid name"),
        ("smic,s09,a\\b,0,,,", r"filename_o 'a\\b' is not a valid name"),
        ("smic,s09,a\0b,0,,,", r"filename_o 'a\x00b' is not a valid name"),
        ("casme2,sub01,EP01_01f,1,,,", "clip 'casme2/sub01/EP01_01f' is already in row 2; remove one"),
    ],
)
def test_a_faulty_row_is_named_by_its_number(megc2019_root: Write, row: str, message: str) -> None:
    root = megc2019_root()
    edit_table(root, lambda text: text + row + "\n")
    assert f"{TABLE}: row 74: {message}" in message_of(root)


# --- Images ---


def test_a_row_without_its_image_names_both(megc2019_root: Write) -> None:
    root = megc2019_root()
    image_path(root, "s02_s02_po_01").unlink()
    message = message_of(root)
    assert f"{TABLE}: row 34: clip 'smic/s02/s02_po_01': the clip's image" in message
    assert "s02_s02_po_01 .png' (with the space), is missing" in message
    assert "1 fault\n" in message


@pytest.mark.parametrize("name", ["sub01_EP99 .png", "sub01_EP01_01f.png", "sub01_EP01_01f_1 .png", "s01.jpg"])
def test_an_image_without_its_row_is_named(megc2019_root: Write, name: str) -> None:
    root = megc2019_root()
    (root / IMAGES / name).write_bytes(image_path(root, "sub01_EP01_01f").read_bytes())
    message = message_of(root)
    assert f"image '{IMAGES}/{name}': no row of {TABLE} has it" in message
    assert "1 fault\n" in message


def test_a_fifth_image_of_a_clip_is_left_over(megc2019_root: Write) -> None:
    root = megc2019_root(phases=4)
    write_image(root, "sub01_EP01_01f_4", np.zeros((28, 28, 3), np.uint8))
    assert "sub01_EP01_01f_4 .png': no row of" in message_of(root)


def test_a_name_that_two_clips_claim_is_refused(tmp_path: Path) -> None:
    rows = ["casme2,sub03,EP01,0,,,", "casme2,sub03,EP01_2,0,,,", "casme2,sub03,EP02,0,,,"]
    message = message_of(write_rows(tmp_path / "set", rows, phases=4), phases=3)
    assert "sub03_EP01_2 .png': its name stands for image 3 of row 2 and image 1 of row 3" in message
    assert "sub03_EP02" not in message


def test_a_clip_with_too_few_images_is_named(megc2019_root: Write) -> None:
    root = megc2019_root(phases=4)
    image_path(root, "001_001_2_2_3").unlink()
    assert "clip 'samm/001/001_2_2': image 4 of 4 of the clip" in message_of(root, phases=4)
    assert len(small(root, phases=3).load().micro) == 72


def test_more_phases_than_the_set_has_is_one_fault(megc2019_root: Write) -> None:
    message = message_of(megc2019_root(), phases=2)
    assert "phases: 2 images per clip were requested, but the set has 1; set phases to 1" in message
    assert "1 fault\n" in message


NOISE = np.random.default_rng(0).integers(0, 256, (28, 28, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (NOISE[..., 0], "mode 8-bit RGB expected, 8-bit gray found"),
        (NOISE, "mode 8-bit RGB expected, 8-bit RGBA found"),
        (NOISE[..., :3].astype(np.uint16), "mode 8-bit RGB expected, 16-bit RGB found"),
        (NOISE[:27, :, :3], "28 x 28 pixels expected, 28 x 27 found"),
    ],
)
def test_an_image_of_wrong_size_or_mode_is_named(megc2019_root: Write, pixels: np.ndarray, message: str) -> None:
    root = megc2019_root()
    write_image(root, "sub01_EP01_02f", pixels)
    assert f"image '{IMAGES}/sub01_EP01_02f .png' (row 3 of the csv): {message}" in message_of(root)


@pytest.mark.parametrize(("length", "message"), [(0, "empty (zero bytes)"), (40, "truncated"), (-4, "truncated")])
def test_a_cut_image_is_named_and_nothing_else_is_printed(
    megc2019_root: Write, capfd: pytest.CaptureFixture[str], length: int, message: str
) -> None:
    root = megc2019_root()
    image = image_path(root, "sub01_EP01_02f")
    image.write_bytes(image.read_bytes()[:length])
    assert f"sub01_EP01_02f .png' (row 3 of the csv): {message}" in message_of(root)
    assert capfd.readouterr().err == ""


def test_an_image_that_is_a_folder_or_a_dead_link_is_named(megc2019_root: Write) -> None:
    root = megc2019_root()
    folder, link = image_path(root, "sub01_EP01_01f"), image_path(root, "sub01_EP01_02f")
    folder.unlink()
    folder.mkdir()
    link.unlink()
    link.symlink_to(link)
    message = message_of(root)
    assert "sub01_EP01_01f .png': is not a file" in message
    assert "sub01_EP01_02f .png': is not a file" in message


def test_no_link_leaves_the_root(megc2019_root: Write, tmp_path: Path) -> None:
    root = megc2019_root()
    image = image_path(root, "sub01_EP01_01f")
    image.rename(tmp_path / "outside.png")
    image.symlink_to(tmp_path / "outside.png")
    assert "sub01_EP01_01f .png': is a link that leaves the root" in message_of(root)

    (root / TABLE).rename(tmp_path / "outside.csv")
    (root / TABLE).symlink_to(tmp_path / "outside.csv")
    (root / "datasets").rename(tmp_path / "datasets")
    (root / "datasets").symlink_to(tmp_path / "datasets")
    message = message_of(root)
    assert f"{TABLE}: is a link that leaves the root" in message
    assert f"{IMAGES}: is a link that leaves the root" in message


@pytest.mark.parametrize(
    ("owner", "function", "message"),
    [
        (Path, "read_bytes", "sub01_EP01_01f .png' (row 2 of the csv): cannot be read (Permission denied)"),
        (Path, "open", f"{TABLE}: cannot be read (Permission denied)"),
        (os, "listdir", f"{IMAGES}: cannot be read (Permission denied)"),
    ],
)
def test_files_that_may_not_be_read_are_named(
    megc2019_root: Write, monkeypatch: pytest.MonkeyPatch, owner: object, function: str, message: str
) -> None:
    root = megc2019_root()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Not by chmod: the superuser, as whom tests may run, reads everything.
    with monkeypatch.context() as patched:
        patched.setattr(owner, function, refuse)
        assert message in message_of(root)


def test_all_faults_are_reported_at_once(megc2019_root: Write) -> None:
    root = megc2019_root()
    edit_table(root, lambda text: text.replace("sub01,EP01_01f,0", "sub01,EP01_01f,7") + "smic,s09,s09_ne_01,0,,,\n")
    image_path(root, "s01_s01_ne_01").write_bytes(b"")
    message = message_of(root)
    assert f"MEGC2019 flow images in {root}: 4 faults" in message
    for fault in ("row 2: label '7'", "sub01_EP01_01f .png': no row", "row 74: clip 'smic/s09/s09_ne_01'", "empty"):
        assert fault in message
