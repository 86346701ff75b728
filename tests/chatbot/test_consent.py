"""Yes and no to the offer of a person."""

from __future__ import annotations

import pytest

from chatbot.app import App
from chatbot.consent import consent
from chatbot.phrases import phrase
from chatbot.types import Action, HandoffReason, Incoming


@pytest.mark.parametrize(
    "message",
    ["yes", "Yes please!", "ok", "sure, thanks", "that would be great", "please do", "call one",
     "好的", "好的，谢谢", "需要", "可以", "嗯", "行吧", "麻烦您了", "轉接吧", "yes, go ahead"],
)  # fmt: skip
def test_yes(message: str) -> None:
    assert consent(message) == "yes"


@pytest.mark.parametrize(
    "message",
    ["no", "No thanks.", "not now", "never mind", "I’m fine", "不用了，谢谢", "不需要",
     "算了", "没事"],
)  # fmt: skip
def test_no(message: str) -> None:
    assert consent(message) == "no"


@pytest.mark.parametrize(
    "message",
    ["ok thanks", "okay, thank you!", "yes, and what does shipping cost?",
     "no idea what E2 means", "好的茶叶有哪些", "不能退吗",
     "is that ok?", "", "???", "可以退货吗"],
)  # fmt: skip
def test_other_messages_are_neither(message: str) -> None:
    assert consent(message) is None


@pytest.mark.parametrize(
    ("language", "yes", "no"), [("en", "yes", "no"), ("zh-Hans", "好的", "不用了")]
)
def test_only_right_after_the_offer(app: App, language: str, yes: str, no: str) -> None:
    question = {"en": "Do you sell bicycles?", "zh-Hans": "你们卖自行车吗？"}[language]

    def say(text: str, session: str | None = None) -> tuple[str, Action, HandoffReason | None, str]:
        reply = app.assistant.reply(Incoming(text, f"consent-{language}", session, "web"))
        return reply.session_id, reply.action, reply.reason, reply.text

    session, action, _, _ = say(question)
    assert action is Action.REFUSE
    assert say(no, session)[1:] == (Action.SMALLTALK, None, phrase("declined", language))
    _, action, reason, _ = say(yes, session)  # the offer was before the last reply
    assert reason is not HandoffReason.CUSTOMER_REQUEST
    assert say(question, session)[1] in (Action.REFUSE, Action.HAND_OVER)
    fresh, _, _, _ = say(question, app.store.open_session(f"consent-{language}", "web").id)
    assert say(yes, fresh)[1:3] == (Action.HAND_OVER, HandoffReason.CUSTOMER_REQUEST)
