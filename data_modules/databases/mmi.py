"""MMI: posed macro-expressions from neutral over apex to neutral, as videos or images (Pantic et al. 2005)."""

import re
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from data_modules.annotations import Annotation, Place, Report
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.sheets import Source
from data_modules.databases.tree import files, find, folders, inside, listing, missing, require
from data_modules.video.image_folder import SUFFIXES as IMAGES
from data_modules.video.video_file import SUFFIXES as VIDEOS
from lightmannet.errors import DataError

_EMOTIONS = {"1": "anger", "2": "disgust", "3": "fear", "4": "happiness", "5": "sadness", "6": "surprise"}
_NAME = re.compile(r"(?P<subject>S\d+)-\d+", re.IGNORECASE)


class MMI(Database):
    """Reader of MMI, experimental: its layout was inferred from several descriptions and not verified on an archive.

    A session is a clip; its subject is the part before the hyphen in the names of its files, ``S001-001.avi``. The clip
    is the whole recording: onset is its first frame, offset its last, and the apex, somewhere in between, is not known.
    Sessions without an emotion from 1 to 6 are kept and have none.

    Args:
        root: Folder that contains ``Sessions``; None takes the environment variable ``MMI_ROOT``.
        view: Sessions to read, by the number in their ``session.xml``: 2 shows two views of the face in the halves of
            one image, so 0 and 1 are presumably frontal and profile. ``all`` ignores the number.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="mmi",
        title="MMI",
        variable="MMI_ROOT",
        fps=25,
        emotions=tuple(_EMOTIONS.values()),
        expected={"macro": Expected()},
        certainty="experimental",
        licence="research only, by end user licence agreement, no redistribution",
        request="Ask for an account at mmifacedb.eu and accept its end user licence agreement.",
        tree="""\
MMI/
  Sessions/1/S001-001.avi            or images
             session.xml             <track view="0">
             S001-001.xml            <Metatag Name="Emotion" Value="1">
             S001-001-oao_aucs.xml   <ActionUnit Number="12">; may be missing""",
    )

    def __init__(
        self,
        root: str | None = None,
        view: Literal["0", "1", "2", "all"] = "0",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.view = view

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the sessions of the view."""
        sessions = require(root, ["Sessions"], "the folder of sessions")
        found, others = [], 0
        for session in folders(sessions):
            try:
                if self.view == "all" or self._has_view(session, root):
                    found.append(self._annotation(session, root, report))
                else:
                    others += 1
            except DataError as error:
                report.fault(f"session {session.name}", str(error))
        if others:
            report.note(sessions.name, f"{others} sessions show another view than {self.view} and are left out")
        if not found and not report.faults:
            raise DataError(f"no session of view {self.view} is in {sessions}, {listing(sessions)}")
        return found

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the session's video, its one image or, where it has several images, its folder."""
        session = require(root, [f"Sessions/{annotation.clip}"], "the session's folder")
        videos, images = files(session, VIDEOS), files(session, IMAGES)
        if len(videos) > 1:
            raise DataError(
                f"one video is expected, {', '.join(file.name for file in videos)} found; remove the others"
            )
        if not videos and not images:
            raise missing("its video", f"a file with one of the endings {' '.join((*VIDEOS, *IMAGES))}", session)
        return videos[0] if videos else images[0] if len(images) == 1 else session

    def _has_view(self, session: Path, root: Path) -> bool:
        file = find(session, ["session.xml"])
        if file is None or not file.is_file():
            hint = "restore it, or set view to all to read sessions of any view"
            raise DataError(f"session.xml, which gives the view of the session, is missing; {hint}")
        views = [
            attributes["view"] for tag, attributes in _elements(file, root) if tag == "track" and "view" in attributes
        ]
        if not views:
            raise DataError(f"{file.name}: it has no track with a view; copy it again, or set view to all")
        return self.view in views

    def _annotation(self, session: Path, root: Path, report: Report) -> Annotation:
        name = next((match for file in files(session, ("",)) if (match := _NAME.match(file.name))), None)
        if name is None:
            raise DataError(
                f"no file is named like S001-001, which gives the subject, in the session's folder, {listing(session)}"
            )
        emotion, units, source = None, None, session.name
        for file in files(session, (".xml",)):
            if file.name.lower().endswith("aucs.xml"):
                numbers = [
                    attributes["number"]
                    for tag, attributes in _elements(file, root)
                    if tag == "actionunit" and "number" in attributes
                ]
                units = "+".join(dict.fromkeys(numbers))  # a unit may occur several times in a session
            elif _NAME.match(file.name):
                emotion, source = _emotion(file, root, report), file.name
        return Annotation(
            subject=name["subject"].upper(),
            clip=session.name,
            kind="macro",
            onset=Place.FIRST,
            apex=None,
            offset=Place.LAST,
            emotion=emotion,
            action_units=units,
            source=Source(f"{session.name}/{source}" if source != session.name else f"session {source}"),
        )


def _emotion(file: Path, root: Path, report: Report) -> str | None:
    values = {
        attributes.get("value", "")
        for tag, attributes in _elements(file, root)
        if tag == "metatag" and attributes.get("name", "").lower() == "emotion"
    }
    if len(values) > 1:
        raise DataError(f"{file.name}: one emotion is expected, {', '.join(sorted(values))} found; correct the file")
    value = next(iter(values), None)
    if value is not None and value not in _EMOTIONS:
        report.note(f"{file.parent.name}/{file.name}", f"emotion {value!r} is not one of 1 to 6, so the clip has none")
    return _EMOTIONS.get(value or "")


def _elements(path: Path, root: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the elements of an XML file in their order: names in lower case without namespace, and attributes.

    Raises:
        DataError: The file leaves the root, cannot be read, is damaged, or declares a document type, which could define
            entities that grow without bound or name other files.
    """
    if not inside(path, root):
        raise DataError(f"{path.name} leaves the root; put the file itself there")
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((_local(name), {_local(key): value.strip() for key, value in attributes.items()}))

    def refuse(*_: object) -> None:
        raise DataError(f"{path.name}: it declares a document type (DOCTYPE), which is refused; delete the declaration")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror or error}); copy it again") from None
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: encodings that Python lacks
        raise DataError(f"{path.name}: damaged, or not an XML file ({error}); copy it again") from None
    return found


def _local(name: str) -> str:
    return name.rpartition(" ")[2].lower()
