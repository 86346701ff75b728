"""The feedback list on the desk and for programs: what is corrected there answers customers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from chatbot import evaluate
from chatbot.store import new_id
from chatbot.types import Incoming
from tests.ui.conftest import Running
from tests.ui.desk import Desk as Page
from tests.ui.staff import session_of
from tests.ui.test_approved_tab import Desk
from ui.roles import Role

KETTLE = "Can I return a kettle that was never used?"


def complain(running: Running, text: str = KETTLE) -> str:
    visitor = new_id()
    reply = running.app.assistant.reply(Incoming(text, visitor, language="en"))
    running.app.store.rate(reply.id, visitor, -1, "missing")
    return reply.id


def test_an_editor_corrects_in_place(running: Running) -> None:
    desk = Desk(running.url, "/desk", session_of(running.site, Role.EDITOR))
    reply = complain(running)
    listed = desk.press("feedback-state", "zh-Hans", "open", event="input")
    assert reply in listed and "信息不完整" in listed
    shown = desk.press("complaints", reply, "en", event="input")
    assert KETTLE in shown and "Kettles" in shown and "Engine" in shown
    saved = desk.press(
        "feedback-save", reply, "en", KETTLE, "Yes, within 90 days, <b>sealed</b>.", "default"
    )
    assert "counts from the next message" in saved
    now = running.app.assistant.reply(Incoming(KETTLE, new_id(), language="en"))
    assert now.text == "Yes, within 90 days, <b>sealed</b>."
    golden = evaluate.read(running.app.database.path.parent / "golden.jsonl")
    assert [q.question for q in golden][-1] == KETTLE
    assert "corrected by" in desk.press("feedback-save", reply, "en", KETTLE, "No.", "default")
    shown = desk.press("complaints", reply, "en", event="input")
    assert "Corrected" in shown
    entries = [(e.action, e.object) for e in running.site.accounts.audit.entries(50)]
    assert ("feedback.corrected", reply) in entries
    for pair in running.app.knowledge.approved.pairs():
        if pair.question == KETTLE:
            running.app.knowledge.approved.remove(pair.id)


def test_a_dismissal_needs_a_reason(running: Running) -> None:
    desk = Desk(running.url, "/desk", session_of(running.site, Role.EDITOR))
    reply = complain(running)
    assert reply in desk.press("feedback-state", "en", "open", event="input")
    assert "characters why" in desk.press("feedback-leave", reply, "en", " ")
    assert "已标为不改" in desk.press("feedback-leave", reply, "zh-Hans", "It is right.")
    assert reply in desk.press("feedback-state", "en", "dismissed", event="input")
    assert "did not work" in desk.press("feedback-leave", None, "en", "no")


@pytest.fixture
def page(running: Running) -> Iterator[Page]:
    """A desk whose components keep what they show."""
    page = Page(running)
    page.set("feedback-state", "open")
    yield page
    page.http.close()


def choose(page: Page, reply: str) -> None:
    page.do("feedback-refresh")
    page.set("complaints", reply)
    page.do("complaints", "input")


def test_what_is_chosen_and_typed_stays_when_the_list_is_read_anew(
    running: Running, page: Page
) -> None:
    reply, other = complain(running), complain(running)
    choose(page, reply)
    page.set("feedback-answer", "Yes, within 70 days.")
    page.do("feedback-leave")  # without a reason
    assert "characters why" in page.text("feedback-said")
    page.do("feedback-refresh")
    assert page.value("complaints") == reply and KETTLE in page.text("complaint-read")
    assert page.value("feedback-answer") == "Yes, within 70 days."
    page.set("feedback-note", "It is right.")
    page.do("feedback-leave")
    assert running.app.feedback.find(reply).state == "dismissed", "not the one that was chosen"
    assert page.value("complaints") is None and "Choose a reply" in page.text("complaint-read")
    running.app.feedback.dismiss(other, "Known.", "ben")


def test_what_somebody_else_settles_stays_open_and_says_so(running: Running, page: Page) -> None:
    reply, other = complain(running), complain(running)
    choose(page, reply)
    page.set("feedback-answer", "Yes, within 70 days.")
    running.app.feedback.dismiss(reply, "Known.", "ben")
    page.do("feedback-refresh")
    assert page.value("complaints") == reply
    choices = [choice[-1] for choice in page.props[page.ids["complaints"]]["choices"]]
    assert other in choices and choices[-1] == reply
    assert "ben" in page.text("complaint-read")
    page.do("feedback-save")
    assert "ben" in page.text("feedback-said") and page.value("complaints") == reply
    assert page.value("feedback-answer") == "Yes, within 70 days."
    page.set("feedback-state", "dismissed")
    page.do("feedback-state", "input")
    assert page.value("complaints") is None, "another list begins without a choice"
    running.app.feedback.dismiss(other, "Known.", "ben")


@pytest.fixture
def api(running: Running) -> httpx.Client:
    site = running.site
    session_of(site, Role.VIEWER)  # sets the first password where no test has
    key = site.team.keys.add("feedback", ["conversations", "knowledge:write"], "admin")
    return httpx.Client(
        base_url=f"{running.url}/api/v1", headers={"authorization": f"Bearer {key}"}, timeout=30
    )


def test_programs_read_correct_and_dismiss(running: Running, api: httpx.Client) -> None:
    first, second = complain(running), complain(running)
    page = api.get("/feedback", params={"limit": 1}).json()
    assert [c["reply_id"] for c in page["items"]] == [second] and page["next"]
    after = api.get("/feedback", params={"limit": 1, "after": page["next"]}).json()
    assert [c["reply_id"] for c in after["items"]] == [first]
    assert api.get("/feedback", params={"after": "bm8"}).status_code == 422
    one = api.get(f"/feedback/{first}").json()
    assert one["evidence"][0]["document"] == "returns.md" and one["engine"]
    pair = api.post(f"/feedback/{first}/correct", json={"answer": "Yes, for 80 days."}).json()
    assert pair["question"] == KETTLE and pair["answers"]
    assert api.post(f"/feedback/{first}/dismiss", json={"note": "x"}).status_code == 409
    assert api.post(f"/feedback/{second}/dismiss", json={"note": " "}).status_code == 422
    left = api.post(f"/feedback/{second}/dismiss", json={"note": "Known."}).json()
    assert (left["state"], left["note"]) == ("dismissed", "Known.")
    assert api.get(f"/feedback/{new_id()}").status_code == 404
    running.app.knowledge.approved.remove(pair["id"])


def test_reading_alone_does_not_correct(running: Running, api: httpx.Client) -> None:
    reply = complain(running)
    key = running.site.team.keys.add("reader", ["conversations"], "admin")
    headers = {"authorization": f"Bearer {key}"}
    assert api.get("/feedback", headers=headers).status_code == 200
    for act, body in (("correct", {"answer": "No."}), ("dismiss", {"note": "no"})):
        answer = api.post(f"/feedback/{reply}/{act}", json=body, headers=headers)
        assert answer.status_code == 403
