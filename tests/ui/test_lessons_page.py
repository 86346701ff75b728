"""Lessons on the desk: proposed, accepted, rejected; learning needs some."""

from __future__ import annotations

from chatbot.store import new_id
from finetune.lessons import Lessons
from tests.ui.conftest import Running
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk
from ui.roles import Role


def write(running: Running, question: str, answer: str) -> str:
    """A colleague's reply in a conversation of its own."""
    store = running.app.store
    session = store.open_session(new_id(), "web")
    store.add_message(session.id, "user", question)
    return store.add_message(session.id, "agent", answer).id


def test_an_editor_accepts_and_rejects(running: Running) -> None:
    desk = Desk(running.url, "/desk", session_of(running.site, Role.EDITOR))
    good = write(running, "Do you gift-wrap?", "Yes. Write to kim@shop.example.")
    bad = write(running, "Is it <b>blue</b>?", "No idea, sorry.")
    listed = desk.press("lesson-state", "zh-Hans", "open", [], event="input")
    assert good in listed and bad in listed and "同事" in listed
    assert "kim@shop.example" not in listed and "[EMAIL_1]" in listed
    assert "1 accepted" in desk.press("lesson-accept", [good], "en")
    assert "1 rejected" in desk.press("lesson-reject", [bad], "en", "no help")
    lessons = Lessons(running.app.database)
    assert good in {one.id for one in lessons.listed("accepted")}
    (no,) = [one for one in lessons.listed("rejected") if one.id == bad]
    assert no.note == "no help" and no.account
    shown = desk.press("lesson-state", "en", "rejected", [], event="input")
    assert "no help" in shown and good not in shown
    assert "Choose replies" in desk.press("lesson-accept", [], "en")
    lessons.retract(lessons.listed("accepted")[0].session_id, "test")


def test_nothing_accepted_starts_no_run(running: Running) -> None:
    desk = Desk(running.url, "/desk", session_of(running.site, Role.EDITOR))
    said = desk.press("lesson-learn", "smoke", "en")
    assert "No lesson is accepted yet" in said
