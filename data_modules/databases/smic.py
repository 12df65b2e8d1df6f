"""SMIC: 164 micro-expressions of 16 persons at 100 frames per second (Li et al. 2013), and its extended recordings."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from data_modules.annotations import Annotation, Place, Report, whole_number
from data_modules.databases.base import Database, Description, Expected
from data_modules.databases.sheets import Record, Source, describe, first_sheet, table
from data_modules.databases.tree import find, find_frames, folders, require

_COLUMNS = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset1": ("OnsetF",),
    "offset1": ("OffsetF",),
    "onset2": ("Onset2F", "OnsetF2", "Onset2"),
    "offset2": ("Offset2F", "OffsetF2", "Offset2"),
    "onset3": ("Onset3F", "OnsetF3", "Onset3"),
    "offset3": ("Offset3F", "OffsetF3", "Offset3"),
    "emotion": ("Emotion",),
}
_OPTIONAL = ("onset2", "offset2", "onset3", "offset3")


class SMIC(Database):
    """Reader of SMIC.

    Each folder of ``cropped`` or ``raw`` frames is a clip: onset is the first frame and offset the last, and the apex
    is not known. Some frames are missing in official folders, which is noted. In one copy of the cropped frames the
    folder of s18_sur_03 is empty, which is a fault that ``leave_out`` skips. SMIC-E, the extended recordings, has onset
    and offset in a workbook; a recording may contain up to three expressions: the first has the recording's name, the
    others that name and their onset.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``SMIC_ROOT``.
        frames: ``cropped``, the registered faces; ``raw``, the camera's frames from onset to offset; ``extended``, the
            camera's frames of SMIC-E, which begin before the onset and end after the offset.
        camera: ``HS``, high speed, 100 frames per second; ``VIS``, visible light, and ``NIR``, near infrared, 25, are
            experimental: their layout is less certain.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips out and notes them.
    """

    description = Description(
        name="smic",
        title="SMIC",
        variable="SMIC_ROOT",
        fps=100,
        emotions=("negative", "positive", "surprise"),
        expected={
            "micro": Expected(clips=164, subjects=16, emotions={"negative": 70, "positive": 51, "surprise": 43}),
        },
        certainty="several sources agree",
        licence="academic research only, by agreement",
        request="Send the signed agreement to the Center for Machine Vision and Signal Analysis, University of Oulu.",
        tree="""\
SMIC/
  SMIC_all_cropped/HS/s1/micro/negative/s1_ne_02/reg_image563854.bmp …  frames: cropped; VIS/ and NIR/ beside HS/
  SMIC_all_raw/HS/s1/micro/negative/s1_ne_02/image563854.bmp …          frames: raw
  SMIC-E_raw image/HS_long/SMIC-HS-E_annotation.xlsx                    frames: extended; or _annotation_2019.xlsx
  SMIC-E_raw image/HS_long/SMIC-HS-E/s03/s3_sur_01/image308866.jpg …""",
    )

    def __init__(
        self,
        root: str | None = None,
        frames: Literal["cropped", "raw", "extended"] = "cropped",
        camera: Literal["HS", "VIS", "NIR"] = "HS",
        faulty: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        super().__init__(root, faulty)
        self.frames, self.camera = frames, camera
        if frames == "extended":
            # 157 recordings; the number of expressions is not known.
            self.description = replace(
                self.description, certainty="one source", expected={"micro": Expected(subjects=16)}
            )
        if camera != "HS":
            expected = Expected(clips=None if frames == "extended" else 71, subjects=8)
            self.description = replace(self.description, fps=25, certainty="experimental", expected={"micro": expected})

    def annotations(self, root: Path, report: Report) -> list[Annotation]:
        """Return the clips' folders, or the rows of SMIC-E's workbook."""
        return self._rows(root, report) if self.frames == "extended" else self._folders(root)

    def locate(self, root: Path, annotation: Annotation) -> Path:
        """Return the folder of frames of a clip or of an extended recording."""
        subjects = (f"s{annotation.subject.removeprefix('s').lstrip('0')}", annotation.subject)
        if self.frames == "extended":
            folder = self._extended(root)
            clip = "_".join(annotation.clip.split("_")[:3])  # a later expression's name ends with its onset
            inner = (f"SMIC-{self.camera}-E", f"SMIC-{self.camera}-E/{self.camera}", f"SMIC_{self.camera}_E")
            names = [f"{middle}/{subject}/{clip}" for middle in inner for subject in reversed(subjects)]
        else:
            folder = self._cameras_folder(root)
            names = [f"{subject}/micro/{annotation.emotion}/{annotation.clip}" for subject in subjects]
        return find_frames(folder, names, expected=names[0])

    def _cameras_folder(self, root: Path) -> Path:
        return require(root, [f"SMIC_all_{self.frames}/{self.camera}"], f"the folder of {self.frames} frames")

    def _folders(self, root: Path) -> list[Annotation]:
        return [
            Annotation(
                subject=f"s{subject.name.lower().removeprefix('s').zfill(2)}",
                clip=clip.name,
                kind="micro",
                onset=Place.FIRST,
                apex=None,
                offset=Place.LAST,
                emotion=emotion.name,
                source=Source(clip.relative_to(root).as_posix()),
            )
            for subject in folders(self._cameras_folder(root))
            if (micro := find(subject, ["micro"])) is not None  # non_micro has clips without expression
            for emotion in folders(micro)
            for clip in folders(emotion)
        ]

    def _extended(self, root: Path) -> Path:
        long = f"{self.camera}_long"
        return require(root, [f"SMIC-E_raw image/{long}", f"SMIC-E_raw_image/{long}", long], "the extended recordings")

    def _rows(self, root: Path, report: Report) -> list[Annotation]:
        c = self.camera
        names = [f"SMIC-{c}-E_annotation_2019.xlsx", f"SMIC-{c}-E_annotation.xlsx", f"SMIC_{c}_E_annotation.xlsx"]
        names += [f"SMIC-{c}-E/{name}" for name in names]
        sheet = first_sheet(require(self._extended(root), names, "the annotation workbook"))
        annotations = []
        records = list(table(sheet, _COLUMNS, _OPTIONAL))
        if all(record["onset2"] is None for record in records):
            report.note(str(sheet), "no row has an Onset2F, so each recording counts as one expression")
        for record in records:
            if whole_number(record["subject"]) is not None:
                annotations += [
                    self._expression(record, n) for n in "123" if n == "1" or record[f"onset{n}"] is not None
                ]
            elif whole_number(record["onset1"]) is not None:  # notes below the table have no frames
                report.fault(record.source, f"subject: a number is expected, {describe(record['subject'])} found")
        return annotations

    def _expression(self, record: Record, number: str) -> Annotation:
        clip = record.text("clip")
        return Annotation(
            subject=f"s{whole_number(record['subject']):02d}",
            clip=clip if number == "1" else f"{clip}_{record.text(f'onset{number}')}",
            kind="micro",
            onset=record[f"onset{number}"],
            apex=None,
            offset=record[f"offset{number}"],
            emotion=record["emotion"],
            source=record.source,
        )
