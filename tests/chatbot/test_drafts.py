"""Suggestions that an agent changed before sending are kept; others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.drafts import Edited, edited, is_version
from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from chatbot.types import HandoffReason

SUGGESTED = "Opened tea cannot be returned. Unopened tea can be returned within 30 days."


@pytest.fixture
def app(tmp_path: Path) -> App:
    return build(tmp_path / "home", tmp_path / "none", chatbot=ChatbotSettings(generator="none"))


def called(app: App, question: str = "Can I return tea?") -> tuple[str, str]:
    """A conversation that waits for a person; its id and its visitor's."""
    visitor = new_id()
    session = app.store.open_session(visitor, "web", language="en")
    app.store.add_message(session.id, "user", question)
    app.handovers.request(session.id, visitor, HandoffReason.CUSTOMER_REQUEST)
    return session.id, visitor


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("I am sorry: opened tea cannot be returned, unopened tea within 30 days.", True),
        (SUGGESTED, False),  # as it was: nothing is better about it
        ("Please send us a photo of the packet first.", False),  # another answer
    ],
)
def test_what_an_agent_made_of_a_suggestion(app: App, sent: str, kept: bool) -> None:
    session, _ = called(app)
    app.handovers.say(session, "kim", sent, suggested=SUGGESTED)
    row = Edited(session, "en", "Can I return tea?", SUGGESTED, sent)
    assert edited(app.database) == ([row] if kept else [])
    app.close()


def test_an_erased_customer_takes_them_along(app: App) -> None:
    (session, visitor), (other, _) = called(app), called(app)
    for one in (session, other):
        app.handovers.say(one, "kim", f"Sorry. {SUGGESTED}", suggested=SUGGESTED)
    app.erasure.erase(visitor)
    assert [one.session for one in edited(app.database)] == [other]
    app.close()


def test_the_question_is_the_last_one_before_the_reply(app: App) -> None:
    session, _ = called(app)
    app.store.add_message(session, "user", "I mean opened tea.")
    app.handovers.say(session, "kim", f"Sorry. {SUGGESTED}", suggested=SUGGESTED)
    app.store.add_message(session, "user", "Thanks!")
    (one,) = edited(app.database)
    assert one.question == "I mean opened tea."
    app.close()


def test_chinese_is_compared_by_its_words() -> None:
    made = "已开封的茶叶不能退货，未开封的可在30天内退货。"
    assert is_version("您好，已开封的茶叶不能退货哦，没开封的30天内可以退。", made)
    assert not is_version("请先给我们发一张包装的照片。", made)
