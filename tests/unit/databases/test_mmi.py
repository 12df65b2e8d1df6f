from pathlib import Path

import pytest

from data_modules.databases.mmi import MMI
from lightmannet.errors import DataError
from tests.archives.casme_sq import write_video
from tests.archives.mmi import FRAMES, SESSIONS, STILLS, write_mmi
from tests.unit.databases.reader_promises import ReaderPromises

EMOTION = "Sessions/1/S001-001.xml"
VIEW = "Sessions/1/session.xml"
UNITS = "Sessions/1/S001-001-oao_aucs.xml"
ENTITIES = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]>
<a><Metatag Name="Emotion" Value="&y;"/></a>"""


class TestMMI(ReaderPromises):
    reader = MMI
    write = staticmethod(write_mmi)
    clips = sum(view == 0 for _, _, view, _ in SESSIONS)
    workbook = None

    def test_a_video_is_taken_whole_and_its_apex_is_left_open(self, root: Path) -> None:
        row = next(row for row in self.table(root).rows if row.clip == "1")
        assert (row.clip_id, row.kind, row.emotion) == ("mmi/S001/1", "macro", "anger")
        assert (row.onset, row.apex, row.offset) == (0, None, FRAMES - 1)
        assert row.path.name == "S001-001.avi"

    def test_sessions_of_images_are_read_as_folder_or_as_single_image(self, root: Path) -> None:
        rows = {row.clip: row for row in self.table(root).rows}
        assert {clip: len(rows[clip].numbers) for clip in STILLS} == STILLS
        assert rows["12"].path.name == "S002-004-001.jpg"
        assert rows["13"].path.name == "13"

    @pytest.mark.parametrize("view", ["0", "1", "2"])
    def test_the_view_chooses_the_sessions_and_the_rest_is_noted(self, root: Path, view: str) -> None:
        table = self.table(root, view=view)
        wanted = {session for session, _, number, _ in SESSIONS if str(number) == view}
        assert {row.clip for row in table.rows} == wanted
        left = len(SESSIONS) - len(wanted)
        assert [note for note in table.notes if f"{left} sessions show another view than {view}" in note]

    def test_all_views_are_read_also_without_session_files(self, root: Path) -> None:
        (root / VIEW).unlink()
        assert len(self.table(root, view="all").rows) == len(SESSIONS)

    def test_sessions_without_an_emotion_from_1_to_6_are_kept(self, root: Path) -> None:
        table = self.table(root)
        assert [row.clip for row in table.rows if row.emotion is None] == ["204", "205"]
        assert [note for note in table.notes if "205/S031-013.xml: emotion '9' is not one of 1 to 6" in note]

    def test_action_units_are_named_once_each(self, root: Path) -> None:
        units = {row.clip: row.action_units_raw for row in self.table(root).rows}
        assert units["1"] == "1+L12"
        assert units["2"] == ""

    @pytest.mark.parametrize("file", [EMOTION, VIEW, UNITS])
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (ENTITIES.encode(), "it declares a document type"),
            (ENTITIES.encode("utf-16"), "it declares a document type"),
            (b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "it declares a document type"),
            (b"<a><b></a>", r"damaged, or not an XML file \(mismatched tag"),
            (b"", r"damaged, or not an XML file \(no element found"),
            (b'<?xml version="1.0" encoding="nonsense"?><a/>', "damaged, or not an XML file"),
            (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "damaged, or not an XML file"),
        ],
    )
    def test_an_unsafe_or_damaged_xml_file_is_a_fault_that_can_be_left_out(
        self, root: Path, file: str, content: bytes, message: str
    ) -> None:
        (root / file).write_bytes(content)
        with pytest.raises(DataError, match=f"session 1: {Path(file).name}: {message}"):
            self.table(root)
        assert len(self.table(root, faulty="leave_out").rows) == self.clips - 1

    def test_a_session_without_its_view_is_a_fault(self, root: Path) -> None:
        (root / VIEW).write_text("<session><track/></session>")
        with pytest.raises(DataError, match=r"session 1: session.xml: it has no track with a view"):
            self.table(root)
        (root / VIEW).unlink()
        with pytest.raises(DataError, match=r"session 1: session.xml, .* is missing; restore it, or set view to all"):
            self.table(root)

    def test_a_session_of_nobody_is_a_fault(self, root: Path) -> None:
        for file in (root / "Sessions/1").glob("S001*"):
            file.unlink()
        with pytest.raises(DataError, match="session 1: no file is named like S001-001"):
            self.table(root)

    def test_two_emotions_are_a_fault(self, root: Path) -> None:
        tag = '<Metatag Name="Emotion" Value="{}"/>'
        (root / EMOTION).write_text(f"<a>{tag.format(1)}{tag.format(2)}</a>")
        with pytest.raises(DataError, match=r"S001-001.xml: one emotion is expected, 1, 2 found"):
            self.table(root)

    def test_two_videos_are_a_fault(self, root: Path) -> None:
        write_video(root / "Sessions/1/S001-002.avi", FRAMES, 0)
        with pytest.raises(DataError, match=r"clip S001/1: one video is expected, S001-001.avi, S001-002.avi found"):
            self.table(root)

    def test_no_session_of_the_view_is_an_error(self, root: Path) -> None:
        for file in root.glob("Sessions/*/session.xml"):
            file.write_text('<session><track view="1"/></session>')
        with pytest.raises(DataError, match=r"no session of view 0 is in .*Sessions, which holds"):
            self.table(root)

    def test_an_xml_file_that_leaves_the_root_is_a_fault(self, root: Path, tmp_path: Path) -> None:
        (root / EMOTION).rename(tmp_path / "outside.xml")
        (root / EMOTION).symlink_to(tmp_path / "outside.xml")
        with pytest.raises(DataError, match=r"session 1: S001-001.xml leaves the root"):
            self.table(root)

    def test_an_xml_file_that_cannot_be_read_is_a_fault(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(DataError, match=r"session.xml: cannot be read \(Permission denied\)"):
            self.table(root)
