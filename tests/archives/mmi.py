"""MMI as far as its layout is known, with noise in place of faces."""

from pathlib import Path

from tests.archives.casme_sq import write_video
from tests.archives.writing import write_images

# Session, person, view, emotion: None for no emotion, other values than 1 to 6 mean something else.
SESSIONS: list[tuple[str, str, int, int | None]] = [
    ("1", "S001", 0, 1),
    ("2", "S001", 0, 4),
    ("3", "S001", 0, 6),
    ("12", "S002", 0, 2),
    ("13", "S002", 0, 4),
    ("14", "S002", 0, 6),
    ("15", "S002", 1, 6),
    ("200", "S031", 0, 3),
    ("201", "S031", 0, 4),
    ("202", "S031", 0, 6),
    ("203", "S031", 2, 5),
    ("204", "S031", 0, None),
    ("205", "S031", 0, 9),
]
STILLS = {"12": 1, "13": 5}
"""Sessions of images, and how many each has."""
FRAMES = 6


def write_mmi(root: Path) -> None:
    """Write an archive: sessions of three views as videos, one as images and one as a single image."""
    for seed, (session, person, view, emotion) in enumerate(SESSIONS):
        folder = root / "Sessions" / session
        folder.mkdir(parents=True)
        name = f"{person}-{seed + 1:03}"
        stills = STILLS.get(session, 0)
        if stills:
            write_images((folder / f"{name}-{number:03}.jpg" for number in range(1, stills + 1)), seed)
        else:
            write_video(folder / f"{name}.avi", FRAMES, seed)
        (folder / "session.xml").write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<session xmlns="urn:noise" id="{session}">'
            f'<track view="{view}" filename="{name}.avi"/></session>\n'
        )
        tag = "" if emotion is None else f'<Metatag Name="Emotion" Value="{emotion}"/>'
        (folder / f"{name}.xml").write_text(f'<Annotation><Metatag Name="Age" Value="4"/>{tag}</Annotation>\n')
        if seed % 2 == 0:
            (folder / f"{name}-oao_aucs.xml").write_text(
                '<Annotation><ActionUnit Number="1"><Marker Frame="3"/></ActionUnit>'
                '<ActionUnit Number="L12"/><ActionUnit Number="1"/></Annotation>\n'
            )
