"""Where an upload of the desk goes: a folder, or in place of a document that is there."""

from __future__ import annotations

import pytest

from knowledge.knowledge_base import KnowledgeBase
from tests.ui.conftest import Running
from tests.ui.desk import Desk
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk as RoleDesk
from tests.ui.test_documents_page import add, base, desk
from ui.roles import Role

__all__ = ["base", "desk"]
pytestmark = pytest.mark.slow
TEXT = b"# Parking\n\nParking is free.\n"
DEAR = b"# Parking\n\nParking costs 3 euro.\n"


@pytest.fixture
def parking(desk: Desk, base: KnowledgeBase) -> str:
    """The id of a document in a folder of a collection."""
    desk.set("upload-folder", "en/cars")
    add(desk, "town", parking_md=TEXT)
    desk.set("upload-folder", "")
    return base.find("en/cars/parking.md", "town").id


def offered(desk: Desk, element: str) -> list[str]:
    return [choice[-1] for choice in desk.props[desk.ids[element]]["choices"]]


def test_a_file_replaces_a_document_of_a_folder(
    desk: Desk, base: KnowledgeBase, parking: str
) -> None:
    assert "en/cars/parking.md" in desk.text("results") and "added" in desk.text("results")
    assert "en/cars" in offered(desk, "upload-folder") and parking in offered(
        desk, "upload-replaced"
    )
    desk.set("upload-replaced", parking)
    add(desk, "town", prices_md=DEAR)
    assert "en/cars/parking.md" in desk.text("results")
    assert desk.value("upload-replaced") == "", "the next file is another matter"
    newest, oldest = base.history(parking)
    assert (newest.number, newest.change, newest.origin) == (2, "replaced", "admin")
    assert oldest.state == "previous"
    assert [c.text for c in base.chunks(parking)] == ["Parking costs 3 euro."]
    assert [d.path for d in base.documents("town")] == ["en/cars/parking.md"]


def test_a_draft_of_it_is_looked_at_first(desk: Desk, base: KnowledgeBase, parking: str) -> None:
    desk.set("upload-replaced", parking)
    add(desk, "town", draft=True, prices_md=DEAR)
    assert desk.visible("preview") and "3 euro" in desk.text("preview-chunks")
    assert [c.text for c in base.chunks(parking)] == ["Parking is free."]
    desk.do("preview-publish")
    assert [c.text for c in base.chunks(parking)] == ["Parking costs 3 euro."]


def test_what_cannot_go_there_says_why(desk: Desk, base: KnowledgeBase, parking: str) -> None:
    desk.set("upload-replaced", parking)
    for files, language, said in (
        ({"a_md": DEAR, "b_md": DEAR}, "en", "One file replaces one document"),
        ({"a_txt": DEAR}, "en", "Choose a .md file"),
        ({"a_zip": DEAR}, "zh-Hans", "请选择 .md 文件"),
    ):
        desk.set("language", language)
        desk.set("collection", "town")
        desk.upload(**files)
        desk.do("add")
        assert said in desk.text("upload-said")
    desk.set("language", "en")
    desk.upload(broken_md=b"%PDF-1.4\n")
    desk.do("add")
    assert "it is a PDF" in desk.text("results") and base.find(parking).version == 1
    desk.do("leave")
    desk.set("upload-replaced", "")
    for folder in ("../en", "en//x", "x" * 300):
        desk.set("upload-folder", folder)
        add(desk, "town", a_md=DEAR)
        assert "cannot be a folder" in desk.text("upload-said")
    desk.set("upload-folder", "")
    desk.set("upload-replaced", parking)
    base.remove(parking)  # by somebody else
    add(desk, "town", a_md=DEAR)
    assert "not there any more" in desk.text("upload-said")
    assert base.documents("town") == []


def test_one_field_counts_and_follows_the_collection(
    desk: Desk, base: KnowledgeBase, parking: str
) -> None:
    desk.set("upload-folder", "en")
    desk.set("upload-replaced", parking)
    desk.do("upload-replaced", "input")
    assert (desk.value("upload-folder"), desk.value("upload-replaced")) == ("", parking)
    desk.set("upload-folder", "de")
    desk.do("upload-folder", "input")
    assert (desk.value("upload-folder"), desk.value("upload-replaced")) == ("de", "")
    desk.set("upload-replaced", parking)
    desk.set("collection", "default")
    desk.do("collection", "input")
    assert desk.value("upload-replaced") == "" and parking not in offered(desk, "upload-replaced")
    assert base.find("returns.md").id in offered(desk, "upload-replaced")


def test_a_viewer_may_not(running: Running, base: KnowledgeBase) -> None:
    viewer = RoleDesk(running.url, "/desk", session_of(running.site, Role.VIEWER))
    with pytest.raises(AssertionError, match="403"):
        viewer.press("add", [], "default", False, "", base.find("returns.md").id, {}, "en")
