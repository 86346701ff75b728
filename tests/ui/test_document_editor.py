"""A document edited in the desk: versions, drafts, what somebody else did, and complaints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatbot import evaluate
from chatbot.store import new_id
from chatbot.types import Incoming
from knowledge.knowledge_base import KnowledgeBase
from knowledge.load import LONGEST_SOURCE
from tests.ui.conftest import Running
from tests.ui.desk import Desk
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk as RoleDesk
from tests.ui.test_documents_page import add, base, desk
from ui.roles import Role

__all__ = ["base", "desk"]
pytestmark = pytest.mark.slow
TEXT = "# Parking\n\nParking is free.\n"


@pytest.fixture
def parking(desk: Desk, base: KnowledgeBase) -> Iterator[str]:
    """The id of a document whose panel is open."""
    add(desk, parking_md=TEXT.encode())
    desk.pick("parking.md")
    yield base.find("parking.md").id


def save(desk: Desk, text: str, draft: bool = False) -> None:
    desk.set("editor-text", text)
    desk.set("editor-draft", draft)
    desk.do("editor-save")


def test_a_text_is_edited_and_counts(
    desk: Desk, base: KnowledgeBase, parking: str, running: Running
) -> None:
    assert not desk.visible("editor")
    desk.do("edit")
    assert desk.visible("editor") and desk.value("editor-text") == TEXT
    save(desk, TEXT.replace("free", "7 euro"))
    assert "saved as version 2" in desk.text("document-said") and not desk.visible("editor")
    assert "7 euro" in desk.text("document-chunks")
    assert "edited in the desk" in desk.text("history")
    assert desk.rows()["parking.md"][4] == 2
    assert base.history(parking)[0].origin == "admin"
    entries = [(e.action, e.object) for e in running.site.accounts.audit.entries(5)]
    assert ("document_editor.saved", parking) in entries
    assert "7 euro" in base.search("What does parking cost?")[0].text


def test_a_draft_waits(desk: Desk, base: KnowledgeBase, parking: str) -> None:
    desk.do("edit")
    save(desk, TEXT.replace("free", "7 euro"), draft=True)
    assert "draft with number 2" in desk.text("document-said")
    assert [c.text for c in base.chunks(parking)] == ["Parking is free."]
    desk.do("edit")
    assert "7 euro" in desk.value("editor-text") and desk.value("editor-draft") is True
    save(desk, TEXT.replace("free", "8 euro"))
    assert [c.text for c in base.chunks(parking)] == ["Parking is free."], "it stays a draft"
    desk.do("publish")
    assert [c.text for c in base.chunks(parking)] == ["Parking is 8 euro."]


def test_what_somebody_else_changed_is_not_lost(
    desk: Desk, base: KnowledgeBase, parking: str
) -> None:
    desk.do("edit")
    base.edit(parking, TEXT + "\nAt night too.\n", 1, "ben")
    save(desk, TEXT + "\nNot at night.\n")
    assert "Somebody else changed" in desk.text("editor-said")
    assert "Not at night" in desk.value("editor-text"), "what was typed stays"
    assert "At night too" in base.source(parking).text
    desk.set("language", "zh-Hans")
    desk.do("editor-save")
    assert "其他人修改了" in desk.text("editor-said")
    desk.do("editor-leave")
    assert not desk.visible("editor") and desk.value("editor-text") == ""
    base.remove(parking)
    desk.do("edit")
    assert "已不存在" in desk.text("document-said")


def test_what_cannot_be_saved_says_why(desk: Desk, base: KnowledgeBase, parking: str) -> None:
    desk.do("edit")
    for text, said in (
        ("", "The text is empty"),
        (" \n", "The text is empty"),
        ("x" * (LONGEST_SOURCE + 1), "more than 200,000 characters"),
        ("开" * (LONGEST_SOURCE + 1), "more than 200,000 characters"),
        (TEXT, "Nothing was changed"),
        ("%PDF-1.4\n", "it is a PDF"),
    ):
        save(desk, text)
        assert said in desk.text("editor-said"), text[:20]
        assert base.find(parking).version == 1


def test_what_is_not_edited_here_says_why(desk: Desk) -> None:
    desk.pick("faq.csv")
    desk.do("edit")
    assert "one by one" in desk.text("document-said") and not desk.visible("editor")
    add(desk, table_csv=b"City,Days\nRome,3\nOslo,4\n")
    desk.pick("table.csv")
    desk.do("edit")
    assert "upload it in place of this document" in desk.text("document-said")


def test_a_viewer_may_not(running: Running, base: KnowledgeBase) -> None:
    viewer = RoleDesk(running.url, "/desk", session_of(running.site, Role.VIEWER))
    document = base.find("returns.md").id
    with pytest.raises(AssertionError, match="403"):
        viewer.press("editor-save", document, "en", 1, "gone", False, "", "", "")
    assert base.find("returns.md").version == 1


def test_a_complaint_leads_to_the_cited_place(desk: Desk, running: Running) -> None:
    visitor, asked = new_id(), "Can an unused kettle be returned after 3 weeks?"
    reply = running.app.assistant.reply(Incoming(asked, visitor, language="en"))
    assert reply.citations and reply.citations[0].document == "returns.md"
    running.app.store.rate(reply.id, visitor, -1, "wrong")
    desk.set("feedback-state", "open")
    desk.do("feedback-state", "input")
    desk.set("complaints", reply.id)
    desk.do("complaints", "input")
    assert desk.visible("feedback-sources") and desk.value("feedback-cited")
    desk.do("feedback-edit")
    assert desk.props[desk.ids["tabs"]]["selected"] == "documents"
    assert desk.visible("editor") and desk.visible("editor-case")
    text = desk.value("editor-text")
    place = str(desk.value("editor-place"))
    start, end = (int(place.split(f"{name}-")[1].split()[0]) for name in ("at", "to"))
    assert text[start:end].startswith("An unused kettle")
    assert desk.value("editor-question") == asked
    desk.set("editor-fact", "60 days")
    save(desk, text.replace("30 days", "60 days"))
    assert "is saved as version" in desk.text("document-said")
    assert "in the golden file" in desk.text("document-said")
    assert running.app.feedback.find(reply.id).state == "corrected"
    assert "returns.md, version" in running.app.feedback.find(reply.id).note
    golden = evaluate.read(running.app.database.path.parent / "golden.jsonl")
    case = next(q for q in golden if q.question == asked)
    assert case.documents == ("returns.md",) and case.facts == (("60 days",),)
    again = running.app.assistant.reply(Incoming(asked, new_id(), language="en"))
    assert "60 days" in again.text
    desk.do("edit")
    assert not desk.visible("editor-case"), "that complaint is settled"
    desk.set("complaints", reply.id)
    desk.do("feedback-edit")
    save(desk, text)
    assert "stays open" in desk.text("document-said"), "it was settled already"
    desk.set("complaints", None)
    desk.do("feedback-edit")
    assert "Choose a reply" in desk.text("feedback-said")
