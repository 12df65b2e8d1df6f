"""Oulu-CASIA NIR&VIS: posed macro-expressions of 80 persons under two cameras and three lights (Zhao et al. 2011)."""

from pathlib import Path
from typing import Literal

from data_modules.annotations import Annotation, Place, Report
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.sheets import Source
from data_modules.databases.tree import find_frames, folders, listing, require
from lightmannet.errors import DataError

_EMOTIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
_OUTER = {"original": ("OriginalImg",), "cropped": ("PreProcess_Img", "PreProcessImg", "PreProcess")}
_INNER = {"original": "{camera}", "cropped": "{camera}_Acropped"}


class OuluCASIA(Database):
    """Reader of Oulu-CASIA: for one camera and one light, the six expressions of each subject from neutral to peak.

    A clip is named by camera, light and emotion, so readers of several cameras or lights can be used together. Each
    folder is a clip: onset is its first frame, apex and offset are its last.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``OULU_CASIA_ROOT``.
        frames: ``cropped``, the faces; ``original``, the camera's frames.
        camera: ``VL``, visible light; ``NI``, near infrared.
        illumination: Light in the room.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="oulu_casia",
        title="Oulu-CASIA NIR&VIS",
        variable="OULU_CASIA_ROOT",
        fps=25,
        emotions=tuple(emotion.lower() for emotion in _EMOTIONS),
        expected={
            "macro": Expected(clips=480, subjects=80, emotions={emotion.lower(): 80 for emotion in _EMOTIONS}),
        },
        certainty="several sources agree",
        licence="research only, no redistribution",
        request="Send the signed agreement to the Center for Machine Vision and Signal Analysis, University of Oulu.",
        tree="""\
OULU_CASIA/
  PreProcess_Img/VL_Acropped/Strong/P001/Anger/000.jpeg …    frames: cropped; or PreProcessImg, PreProcess
  OriginalImg/VL/Strong/P001/Anger/000.jpeg …                frames: original
                 NI/ beside VL/, Weak/ and Dark/ beside Strong/""",
    )

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["cropped", "original"] = "cropped",
        camera: Literal["VL", "NI"] = "VL",
        illumination: Literal["Strong", "Weak", "Dark"] = "Strong",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames, self.camera, self.illumination = frames, camera, illumination

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return six expressions per subject: a missing folder of an emotion is a fault."""
        people = self._people(root)
        found = [
            Annotation(
                subject=person.name.upper(),
                clip=f"{self.camera}_{self.illumination}_{emotion}",
                kind="macro",
                onset=Place.FIRST,
                apex=Place.LAST,
                offset=Place.LAST,
                emotion=emotion,
                source=Source(f"{people.name}/{person.name}/{emotion}"),
            )
            for person in folders(people)
            if person.name.upper().startswith("P") and person.name[1:].isdecimal()
            for emotion in _EMOTIONS
        ]
        if not found:
            raise DataError(f"no subject's folder (P001, P002, …) is in {people}, {listing(people)}")
        return found

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the expression's folder of frames."""
        people = self._people(root)
        return find_frames(people, [f"{annotation.subject}/{annotation.clip.split('_')[-1]}"])

    def _people(self, root: Path) -> Path:
        inner = _INNER[self.frames].format(camera=self.camera)
        names = [f"{outer}/{inner}/{self.illumination}" for outer in _OUTER[self.frames]]
        return require(root, names, f"the folder of {self.frames} frames")
