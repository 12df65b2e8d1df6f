"""The command ``lightmannet demo``: a local page for uploading clips; the only module that imports Gradio."""

import base64
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from lightmannet.errors import ConfigurationError, LightmanNetError
from lightmannet.inference.card import WHAT_IT_IS_NOT
from lightmannet.inference.recogniser import Recogniser, load
from lightmannet.pictures.explanation import explain
from lightmannet.pictures.html import answer_html, style
from lightmannet.pictures.picture import picture

if TYPE_CHECKING:
    import gradio

_ADDRESS = "127.0.0.1"
_LARGEST = "2gb"
_KEPT_SECONDS = 600  # of an uploaded clip that was not recognised
_STYLE = """.answer .save a { color: var(--accent); margin-right: 1rem; }
footer { display: none !important; }
.label-wrap > span { text-align: left; }
"""
_CAMERA = {"audio": False, "video": {"width": {"ideal": 1280}, "frameRate": {"ideal": 120}, "facingMode": "user"}}
"""Constraints for recording in the browser: no sound, and the camera's highest frame rate."""
_INTRODUCTION = """# What moved in this face?
Drop a clip of one face, filmed from the front with 100 frames per second or more, or record one with your camera, and
ask. The answer is computed on this machine: the clip is not sent anywhere and is deleted afterwards.

*{}*"""

Progress = Callable[[float, str], object]


def demo(arguments: Sequence[str]) -> None:
    """Serve a page, on this machine only, that recognises uploaded clips, until Ctrl+C.

    Args:
        arguments: Arguments after ``demo`` on the command line.

    Raises:
        ConfigurationError: Gradio is not installed, or the port is taken.
        BundleError: The bundle cannot be loaded.
    """
    parser = ArgumentParser(
        prog="lightmannet demo",
        description="Serve a page, on this machine only, that recognises uploaded clips. Ctrl+C ends it.",
    )
    parser.add_argument("--model", type=str, required=True, help="bundle that lightmannet export wrote")
    parser.add_argument("--port", type=int | None, help="port of the page; by default the first free one from 7860 on")
    options = parser.parse_args(list(arguments))
    with serve(load(options.model), options.port) as (url, page):
        print(f"{url} (Ctrl+C ends it)", flush=True)
        page.block_thread()


@contextlib.contextmanager
def serve(recogniser: Recogniser, port: int | None = None) -> Iterator[tuple[str, "gradio.Blocks"]]:
    """Serve the page on 127.0.0.1 and yield its address and the page; uploads are deleted at the end.

    Args:
        recogniser: The recogniser.
        port: Port of the page; None takes the first free one from 7860 on.

    Raises:
        ConfigurationError: Gradio is not installed, or the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="lightmannet-demo-") as uploads:
        # Gradio reads these when imported and at uploads.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", GRADIO_TEMP_DIR=uploads)
        try:
            import gradio
        except ImportError as error:
            raise ConfigurationError("The page needs Gradio: pip install 'lightmannet[demo]'") from error
        page = _page(gradio, recogniser)
        try:
            _, url, _ = page.launch(
                server_name=_ADDRESS,
                server_port=port,
                share=False,
                prevent_thread_lock=True,
                quiet=True,
                max_file_size=_LARGEST,
                enable_monitoring=False,
                footer_links=[],
                css=style() + _STYLE,
                theme=gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            )
        except OSError as error:
            raise ConfigurationError(f"port {port}: cannot be used ({error}); choose another") from error
        try:
            yield url, page
        finally:
            page.close(verbose=False)


def _page(gradio: Any, recogniser: Recogniser) -> "gradio.Blocks":
    """Return the page."""
    reported = gradio.Progress()  # Gradio searches the defaults for it

    def on_click(clip: str | None, *support: list[str] | None, progress: Any = reported) -> tuple[Any, ...]:
        html, answer = answer_for(recogniser, clip, support, lambda share, words: progress(share, desc=words))
        # Explanation files are deleted by now, so the fields are emptied.
        return (html, gradio.JSON(answer, visible=answer is not None), None, *(None for _ in support))

    with gradio.Blocks(title="LightmanNet", analytics_enabled=False, delete_cache=(60, _KEPT_SECONDS)) as page:
        gradio.Markdown(_INTRODUCTION.format(WHAT_IT_IS_NOT))
        clip = gradio.Video(
            sources=["upload", "webcam"],
            label="Clip",
            include_audio=True,  # otherwise Gradio needs ffmpeg to remove the sound of uploads
            webcam_options=gradio.WebcamOptions(constraints=_CAMERA),
            height=280,
        )
        support = []
        if recogniser.adapts:
            with gradio.Accordion("Adapt to this person: a few labelled clips, of two classes at least", open=False):
                for name in recogniser.classes:
                    support.append(gradio.File(label=name, file_count="multiple", file_types=["video"], height=120))
        button = gradio.Button("Ask", variant="primary")
        html = gradio.HTML()
        with gradio.Accordion("The same for programs (JSON)", open=False):
            as_json = gradio.JSON(visible=False, label="answer")
        with gradio.Accordion("About the model", open=False):
            gradio.Markdown(recogniser.card)
        button.click(on_click, [clip, *support], [html, as_json, clip, *support], api_visibility="private")
    return page


def answer_for(
    recogniser: Recogniser, clip: str | None, support: Sequence[Sequence[str] | None], progress: Progress
) -> tuple[str, dict[str, Any] | None]:
    """Return the answer as HTML and as plain values, and delete the clips; on errors, HTML with the reason.

    Args:
        recogniser: The recogniser.
        clip: The uploaded clip, or None.
        support: For each class, uploaded clips of it to adapt to.
        progress: Called with the share that is done and the next step.
    """
    files = [Path(name) for name in (clip, *(name for names in support for name in names or ())) if name]
    try:
        if clip is None:
            return _alert("There is no clip yet: drop one on the field, or select one."), None
        gained = ""
        if any(support):
            progress(0.1, "adapting to this person")
            with tempfile.TemporaryDirectory() as folder:
                recogniser = recogniser.adapt(_folder_of_classes(Path(folder), recogniser.classes, support))
            gained = f'<p class="gain">Adapted; {escape(str(recogniser.gain))}.</p>'
        progress(0.4, "looking for a movement")
        examination = recogniser.examine(clip)
        progress(0.8, "drawing")
        # The temporary path of the clip is private.
        answer = replace(examination.answer, clip=Path(clip).name)
        explanation = explain(replace(examination, answer=answer), recogniser.network)
        image = base64.b64encode(picture(explanation)).decode()
        save = (
            f'<p class="save"><a download="answer.png" href="data:image/png;base64,{image}">Save as a picture</a></p>'
        )
        return f'<div role="status">{answer_html(explanation, gained + save)}</div>', asdict(answer)
    except LightmanNetError as error:
        return _alert(_without_folders(str(error), files)), None
    except Exception:
        logging.getLogger(__name__).exception("no answer for a clip")
        return _alert("An unexpected error occurred; see the terminal."), None
    finally:
        for path in files:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # Gradio makes a folder for each


def _folder_of_classes(folder: Path, classes: Sequence[str], support: Sequence[Sequence[str] | None]) -> Path:
    for name, files in zip(classes, support, strict=True):
        for number, file in enumerate(files or ()):
            (folder / name).mkdir(exist_ok=True)
            shutil.move(file, folder / name / f"{number:03d}-{Path(file).name}")
    return folder


def _without_folders(message: str, files: Sequence[Path]) -> str:
    for path in files:
        message = message.replace(str(path), path.name)
    return message


def _alert(message: str) -> str:
    return f'<section class="answer" role="alert"><h2>No answer</h2><p>{escape(message)}</p></section>'
