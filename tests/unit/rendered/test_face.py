"""Invented faces and cameras: variety, determinism, ranges."""

import pickle
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from data_modules.rendered.camera import Camera, draw_camera
from data_modules.rendered.contact_sheet import contact_sheet
from data_modules.rendered.face import TONES, Beard, Face, HairStyle, draw_face
from data_modules.rendered.scene import Scene, State, at_rest


def draw(seed: int) -> Face:
    return draw_face(np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_face_and_another_seed_another() -> None:
    assert draw(3) == draw(3)
    assert draw(3) != draw(4)
    assert pickle.loads(pickle.dumps(draw(3))) == draw(3)


def test_skin_tones_cover_the_whole_scale_evenly() -> None:
    tones = [draw(seed).tone for seed in range(300)]
    counts, _ = np.histogram(tones, bins=len(TONES), range=(0, 1))
    assert counts.min() >= 12
    brightness = [max(draw(seed).skin) for seed in range(300)]
    assert max(brightness) > 0.9
    assert min(brightness) < 0.2


def test_people_wear_different_hair_beards_and_glasses() -> None:
    faces = [draw(seed) for seed in range(200)]
    assert {face.hair for face in faces} == {"bald", "short", "curly", "fringe", "parted", "long", "scarf"}
    assert {face.beard for face in faces} == {"none", "stubble", "moustache", "goatee", "full"}
    assert {face.glasses for face in faces} == {"none", "round", "square"}


def test_parts_of_every_face_lie_in_their_order() -> None:
    for seed in range(200):
        face = draw(seed)
        heights = [-1.3, face.hairline, face.brow, 0, face.nose, face.mouth - face.upper_lip]
        heights += [face.mouth, face.mouth + face.lower_lip, face.chin]
        assert heights == sorted(heights)
        assert face.brow_inner < face.eye < face.brow_outer
        assert np.linalg.norm(face.light) == pytest.approx(1)


def test_noise_has_the_stated_deviation_and_none_is_none() -> None:
    light = np.full((64, 64, 3), 0.5, np.float32)
    camera = Camera(64, gain=1.0, noise=2.0, blur=0.5)
    assert camera.expose(light, np.random.default_rng(0)).std() == pytest.approx(2, rel=0.05)
    assert camera.expose(light, None).std() == 0


def test_what_is_too_bright_is_white_and_does_not_wrap() -> None:
    assert (Camera(8, gain=3).expose(np.ones((8, 8, 3), np.float32), None) == 255).all()


def test_cameras_differ_and_have_the_size_asked_for() -> None:
    first, second = (draw_camera(np.random.default_rng(seed), 96) for seed in (0, 1))
    assert first.size == second.size == 96
    assert first != second


def test_a_contact_sheet_is_a_picture_that_its_seed_determines() -> None:
    sheet = contact_sheet(0, people=2, size=64)
    assert sheet.shape == (128, 448, 3)
    assert contact_sheet(0, people=2, size=64, arrows=False).shape == (128, 320, 3)
    np.testing.assert_array_equal(sheet, contact_sheet(0, people=2, size=64))
    assert (sheet != contact_sheet(1, people=2, size=64)).mean() > 0.5


@pytest.mark.parametrize("hair", get_args(HairStyle))
def test_every_hair_style_is_drawn_in_light_from_either_side(hair: HairStyle) -> None:
    face = replace(draw(0), hair=hair)
    left = replace(face, light=(-face.light[0], *face.light[1:]))
    # What is painted is checked to be float32 throughout.
    pictures = [Scene(shown, Camera(64)).render(State(at_rest()), None) for shown in (face, left)]
    assert (pictures[0] != pictures[1]).mean() > 0.2


@pytest.mark.parametrize("beard", get_args(Beard))
def test_every_beard_is_drawn(beard: Beard) -> None:
    bare = Scene(replace(draw(0), beard="none"), Camera(64)).render(State(at_rest()), None)
    shown = Scene(replace(draw(0), beard=beard), Camera(64)).render(State(at_rest()), None)
    assert (bare != shown).any() == (beard != "none")
