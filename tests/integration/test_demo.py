"""The page in a real browser, with a rendered clip."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lightmannet.commands.demo import serve
from lightmannet.errors import ConfigurationError
from lightmannet.inference.recogniser import load
from lightmannet.timing.answer import write_smile
from tests.bundles import write_small_bundle

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120_000  # milliseconds
_LISTEN = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.asked = [];
navigator.mediaDevices.getUserMedia = (what) => { window.asked.push(what); return open(what); };
"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_clip_is_answered_in_a_browser_that_talks_to_nobody_else(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    playwright = pytest.importorskip("playwright.sync_api")
    clip, broken = write_smile(tmp_path / "smile.mp4", 50, 128), tmp_path / "broken.mp4"
    broken.write_text("no video at all")
    recogniser = load(write_small_bundle(tmp_path / "bundle"))
    strangers: list[str] = []
    errors: list[str] = []
    with serve(recogniser) as (url, _), playwright.sync_playwright() as driver:
        assert url.startswith("http://127.0.0.1:")
        uploads = Path(os.environ["GRADIO_TEMP_DIR"])
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("request", lambda asked: strangers.append(asked.url) if _is_strange(asked.url, url) else None)
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)

        _ask(page, clip)
        answer = page.locator(".answer")
        answer.locator("h2").wait_for(timeout=PATIENCE)
        assert answer.locator("h2").inner_text() in recogniser.classes
        assert "smile.mp4" in answer.inner_text()
        widths = [bar.bounding_box()["width"] for bar in answer.locator(".bar").all()]
        shares = [int(number.inner_text().rstrip("%")) for number in answer.locator(".number").all()]
        assert len(widths) == len(shares) == 3
        assert np.allclose(np.array(widths) / sum(widths), np.array(shares) / 100, atol=0.02)
        assert answer.locator("img").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth") <= 390  # fits a phone
        assert _files(uploads) == []
        picture = cv2.imdecode(np.frombuffer(page.screenshot(full_page=True), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.std() > 10

        _ask(page, broken, by_keyboard=True)
        page.locator(".answer[role=alert]").wait_for(timeout=PATIENCE)
        assert "broken.mp4: cannot be read as a video" in answer.inner_text()
        assert str(tmp_path) not in answer.inner_text()
        assert _files(uploads) == []
        browser.close()
    assert strangers == []
    assert errors == []
    assert not uploads.exists()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_what_the_camera_records_is_answered_and_its_sound_is_not_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    playwright = pytest.importorskip("playwright.sync_api")
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with serve(load(write_small_bundle(tmp_path / "bundle"))) as (url, _), playwright.sync_playwright() as driver:
        uploads = Path(os.environ["GRADIO_TEMP_DIR"])
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.add_init_script(_LISTEN)
        page.goto(url)
        page.get_by_role("button", name="Capture from camera").click(timeout=PATIENCE)
        page.get_by_role("button", name="Click to Access Webcam").click(timeout=PATIENCE)
        page.get_by_role("button", name="Record").click(timeout=PATIENCE)
        page.get_by_text("Stop", exact=True).wait_for(timeout=PATIENCE)
        page.wait_for_timeout(5000)  # of film
        page.get_by_text("Stop", exact=True).click()
        page.get_by_role("button", name="Clear").wait_for(timeout=PATIENCE)  # it was sent
        page.get_by_role("button", name="Ask").click()
        answer = page.locator(".answer")
        answer.locator("h2").wait_for(timeout=PATIENCE)
        assert answer.get_attribute("role") != "alert", answer.inner_text()
        assert "sample.webm" in answer.inner_text()
        assert "frames per second are few for micro-expressions" in answer.inner_text()  # their times tell how many
        (asked,) = page.evaluate("window.asked")
        assert asked["audio"] is False
        assert _files(uploads) == []
        browser.close()


@pytest.mark.slow
def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    recogniser = load(write_small_bundle(tmp_path / "bundle"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port}: cannot be used"), serve(recogniser, port):
            pass


LISTENED = """
import sys, urllib.request
heard = []
def hear(event, words):
    if event in ("socket.bind", "socket.connect", "socket.sendto"):
        heard.append((event, words[-1]))
sys.addaudithook(hear)
from lightmannet.inference.recogniser import load
from lightmannet.commands.demo import serve
with serve(load(sys.argv[1])) as (url, _):
    assert b"LightmanNet" in urllib.request.urlopen(url).read()
for event, address in heard:
    print(event, address[0] if isinstance(address, tuple) else "file")
"""


@pytest.mark.slow
def test_the_page_speaks_to_this_machine_alone(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    command = [sys.executable, "-c", LISTENED, str(write_small_bundle(tmp_path / "bundle"))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO_", "HF_"))}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    heard = {tuple(line.split()) for line in done.stdout.splitlines()}
    assert ("socket.bind", "127.0.0.1") in heard
    assert ("socket.connect", "127.0.0.1") in heard
    assert {address for _, address in heard} <= {"127.0.0.1", "file"}


def _ask(page: Any, clip: Path, by_keyboard: bool = False) -> None:
    button = page.get_by_role("button", name="Ask")
    button.wait_for(timeout=PATIENCE)
    page.locator("input[type=file]").first.set_input_files(str(clip))
    page.locator("video").first.wait_for(state="attached", timeout=PATIENCE)
    if by_keyboard:
        button.focus()
        page.keyboard.press("Enter")
    else:
        button.click()


def _is_strange(address: str, url: str) -> bool:
    return not address.startswith((url, "data:", f"blob:{url}"))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
