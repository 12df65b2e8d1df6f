"""MMEW's stills of macro-expressions, each with a neutral face of the same person."""

from pathlib import Path

from data_modules.annotations import Report
from data_modules.databases.base import Description, Expected
from data_modules.databases.mmew import EMOTIONS, NAME, clip_folders, images
from data_modules.databases.pairs import PairDatabase, Still, name_fault
from data_modules.databases.tree import files, find, require
from data_modules.video.frame_numbers import frame_numbers
from data_modules.video.image_folder import SUFFIXES


class MMEWPairs(PairDatabase):
    """Reader of MMEW's stills as pairs; ``MMEW`` reads them as single images, which show no motion.

    The neutral face is a person's still in a folder ``neutral``, or else the first frame, the onset, of the person's
    first micro-expression, which is cut out alike. Nobody has seen an archive: this reader is experimental.

    Args:
        root: Folder into which the archives were unpacked; None takes the environment variable ``MMEW_ROOT``.
        faulty: ``refuse`` raises if any clip has a fault; ``leave_out`` leaves such clips away and notes them.
    """

    description = Description(
        name="mmew_pairs",
        title="MMEW pairs",
        variable="MMEW_ROOT",
        fps=1,  # stills
        emotions=EMOTIONS,
        expected={"macro": Expected(clips=900)},
        certainty="experimental",
        licence="research only, no redistribution",
        request="Send the signed licence agreement to the owners by e-mail (dpailab).",
        tree="""\
MMEW_Final/
  Macro_Expression/S01/anger/S01-07-001.jpg …            one image a sample; perhaps also neutral/
  Micro_Expression/anger/S01-07-001/1.jpg …              the first frame is the neutral face where there is no other""",
        people="mmew",
    )

    def stills(self, root: Path, report: Report) -> list[Still]:
        """Return the stills, and a neutral face of each person who has one."""
        folder = require(root, ("Macro_Expression",), "the folder of macro-expressions")
        stills = []
        for path in images(folder, depth=4):
            name = NAME.fullmatch(path.name.split(".")[0])
            if name is None:
                report.fault(path.name, name_fault(path, "S01-07-001.jpg"))
                continue
            words = [part.lower() for part in path.relative_to(folder).parts[:-1]]
            emotion = next((word for word in words if word in (*EMOTIONS, "neutral")), words[-1] if words else "")
            person = f"S{int(name['person']):02d}"
            stills.append(Still(person, "", None if emotion == "neutral" else emotion, name.string, path))
        have = {still.person for still in stills if still.emotion is None}
        micro = find(root, ("Micro_Expression",))
        for clip in clip_folders(micro, depth=4) if micro else ():
            name = NAME.fullmatch(clip.name)
            assert name is not None  # as clip_folders promises
            person = f"S{int(name['person']):02d}"
            if person in have or not files(clip, SUFFIXES):
                continue
            frames = files(clip, SUFFIXES)
            numbers = frame_numbers([frame.name for frame in frames]).numbers
            first = min((number, frame) for number, frame in zip(numbers, frames, strict=True) if number is not None)
            have.add(person)
            stills.append(Still(person, "", None, clip.name, first[1]))
        return stills
